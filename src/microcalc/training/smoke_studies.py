"""Little synthetic patients on every side of a split, for a smoke run that needs whole mammograms."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import get_args

from microcalc.batch import MakeExecutor
from microcalc.datasets import Table
from microcalc.synthesis import StudyPlan, synthesize
from microcalc.truth import Split

#: Split, no calcium, and a seed that gives a breast that is found on so small a picture.
_PATIENTS: tuple[tuple[Split, bool, int], ...] = (
    ("train", False, 3),
    ("train", False, 8),
    ("validation", False, 6),
    ("validation", True, 7),
    ("test", False, 1),
    ("test", True, 9),
)


def smoke_plans(*splits: Split) -> list[StudyPlan]:
    """The patients on these sides."""
    return [
        StudyPlan(
            f"smoke-{number}",
            number,
            seed,
            normal,
            split,
            device="direct-70",
            density="B",
            spacing_mm=0.1,
            shape=(900, 640),
        )
        for number, (split, normal, seed) in enumerate(_PATIENTS, 1)
        if split in splits
    ]


def smoke_studies(folder: Path, make_executor: MakeExecutor | None, splits: Sequence[Split] = get_args(Split)) -> Table:
    """Their images, drawn once."""
    synthesize(smoke_plans(*splits), folder, make_executor=make_executor, resume=True)
    return Table.from_truth(folder)
