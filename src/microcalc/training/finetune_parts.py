"""The parts of a user's own images: to train on, to choose thresholds on, and to measure on, before and after."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import get_args

from microcalc.comparison.choice import check_defined
from microcalc.datasets import Table
from microcalc.datasets.splits import by_finding, split_by_patient
from microcalc.errors import UsageError
from microcalc.patches.calcium import is_annotated
from microcalc.training.samples import RULE
from microcalc.truth import Split

#: Of the patients; where the data set has no split of its own.
SHARES: dict[Split, float] = {"train": 0.6, "validation": 0.15, "test": 0.25}


@dataclass(frozen=True)
class Parts:
    """Images by what is done with them; no patient is in two."""

    train: Table
    validation: Table
    test: Table
    #: Images to train on that are normal ones with synthetic lesions.
    inserted: int
    #: No image came with a calcification: all that there are to find are synthetic.
    synthetic: bool
    #: Images of which nobody knows whether they hold calcium, and which are in none.
    unannotated: int


def divide(table: Table, seed: int) -> tuple[Table, int]:
    """The images that are annotated or known to be normal, each with its split; and how many are neither.

    A split of the data set's own stays if it has all three sides. Else patients are drawn, those with and those
    without calcifications alike.

    Args:
        table: images with their patients.
        seed: of the draw.

    Raises:
        UsageError: no such image, one without a patient, or fewer patients than sides.
    """
    known = table.filter(is_annotated)
    if not known:
        raise UsageError(
            expected="images with annotated calcifications, or images known to be normal",
            found=f"{len(table)} of which nothing is known",
            do="say which are normal (images:FOLDER?normal=true, or a column normal in a table)",
        )
    sides = {record.truth.split for record in known}
    divided = known if sides == set(get_args(Split)) else split_by_patient(known, SHARES, seed, stratify=by_finding)
    return divided, len(table) - len(known)


def with_synthetic(divided: Table, unannotated: int, put_in: Callable[[Table], Table]) -> Parts:
    """The parts, with synthetic lesions where they are needed.

    To train on there are all images as they are, and normal ones several times with lesions. What is found is measured
    on the user's own calcifications; only where no image came with any, on lesions put into normal images, beside the
    same images without.

    Args:
        divided: of :func:`divide`.
        unannotated: likewise.
        put_in: gives the normal images of a part with lesions, those to train on several times.

    Raises:
        UsageError: nothing to be found, or no normal image, to choose thresholds on or to measure on.
    """
    synthetic = not any(record.truth.calcifications for record in divided)
    train, *measured = (divided.split(side) for side in get_args(Split))
    if synthetic:
        measured = [part.merge(put_in(part)) for part in measured]
    for part in measured:
        check_defined([record.truth for record in part], "calcification", RULE, "image")
    validation, test = measured
    inserted = put_in(train)
    return Parts(train.merge(inserted), validation, test, len(inserted), synthetic, unannotated)
