"""CBIS-DDSM: digitised film, outlined calcifications and masses with proven pathology, an official split.

The rules of Mracko et al. (section II, "Patches with Suspicious Clusters"): masks of another size are rescaled; masks
close together are joined, where ``join_mm`` says how close, since the paper does not; the official test set is the
paper's validation set with ``official_test=validation``. What its authors mended by hand cannot be repeated.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Literal

from pydantic import Field

from microcalc.batch import MakeExecutor, work
from microcalc.datasets.cbis_ddsm_cases import CASE, Case, Kind, case_descriptions, read_cases
from microcalc.datasets.cbis_ddsm_files import Files
from microcalc.datasets.cbis_ddsm_masks import Sought, died, locate
from microcalc.datasets.cbis_ddsm_truth import facts_of, truth_of
from microcalc.datasets.folders import check_root, missing_files
from microcalc.datasets.listing import Listing, Options, Problem
from microcalc.datasets.record import Record
from microcalc.datasets.splits import without_leaks
from microcalc.truth import Split

_KINDS: Mapping[str, tuple[Kind, ...]] = {
    "calcification": ("calcification",),
    "mass": ("mass",),
    "both": ("calcification", "mass"),
}
#: How cases of a kind begin.
_PREFIXES: Mapping[Kind, str] = {"calcification": "Calc", "mass": "Mass"}


class CbisDdsmOptions(Options):
    """What may be chosen of CBIS-DDSM."""

    abnormality: Literal["calcification", "mass", "both"] = Field(
        default="calcification", description="Which of the set's two parts; patients of both are put on one side."
    )
    spacing_mm: float = Field(
        default=0.05,
        gt=0.0,
        description="Pixel spacing, mm, which the files lack. The films were scanned at 0.042 to 0.05 mm.",
    )
    official_test: Literal["test", "validation"] = Field(
        default="test", description="The side of the split on which the official test set stands."
    )
    join_mm: float | None = Field(
        default=None, ge=0.0, description="Calcifications outlined at most this far apart are one cluster, mm."
    )


def read(root: Path, options: CbisDdsmOptions, make_executor: MakeExecutor | None) -> Listing:
    """List the mammograms of the case descriptions; their masks are decoded, one at a time a process.

    Raises:
        ReadError: the folder is not the root of the set, a case description cannot be read, or all images or all masks
            are missing.
    """
    layout = "calc_case_description_train_set.csv and the like, and the images below"
    check_root(root, "CBIS-DDSM", layout, lambda folder: bool(case_descriptions(folder)))
    kinds = _KINDS[options.abnormality]
    described, problems = read_cases(root, kinds)
    files = Files.below(root)
    cases = [case for case in described if files.of_image(case)]
    problems += _missing(root, described, files) + _doubles(root, cases, files) + _undescribed(described, files, kinds)
    sought = {case.name: _sought(root, case, files) for case in cases}
    located = dict(work(list(sought.values()), locate, died, make_executor))
    times = Counter(case.seen for case in cases)
    split: dict[str, Split] = {"train": "train", "test": options.official_test}
    spacing = (options.spacing_mm, options.spacing_mm)
    records = []
    for case in cases:
        found = located[sought[case.name]]
        problems += found.problems
        if found.stated is not None:
            image = sought[case.name].image
            path = image.relative_to(root).as_posix()
            truth = truth_of(case, path, split[case.part], found.stated, found.outlines, spacing, options.join_mm)
            records.append(Record(image, truth, facts_of(case, found.outlines, seen_twice=times[case.seen] > 1)))
    kept, leaks = without_leaks(records, options.official_test)
    return Listing(root, kept, (*problems, *leaks))


def _sought(root: Path, case: Case, files: Files) -> Sought:
    return Sought(root, files.of_image(case)[0], tuple(map(files.of_abnormality, case.abnormalities)))


def _missing(root: Path, described: Sequence[Case], files: Files) -> list[Problem]:
    """Word of images that are not there, and of abnormalities of the others without a file."""
    images = [case.name for case in described if not files.of_image(case)]
    abnormalities = [each for case in described if files.of_image(case) for each in case.abnormalities]
    masks = [abnormality.case for abnormality in abnormalities if not files.of_abnormality(abnormality)]
    return [
        *missing_files(images, len(described), root),
        *missing_files(masks, len(abnormalities), root, "masks"),
    ]


def _doubles(root: Path, cases: Sequence[Case], files: Files) -> list[Problem]:
    """Word of cases with several images: downloaded twice, or two things under one name."""
    several = {files.of_image(case)[0]: len(files.of_image(case)) for case in cases if len(files.of_image(case)) > 1}
    return [
        Problem(
            kind="contradiction",
            path=first.relative_to(root).as_posix(),
            expected="one image of its case",
            found=f"{number}",
            do="remove the others; this one is used",
        )
        for first, number in several.items()
    ]


def _undescribed(described: Sequence[Case], files: Files, kinds: Sequence[Kind]) -> list[Problem]:
    """Word of images that no case description names; what they show is not known."""
    prefixes = tuple(_PREFIXES[kind] for kind in kinds)
    names = {case.name for case in described}
    images = (name for name in files.by_case if name.startswith(prefixes) and name not in names)
    unknown = sorted(name for name in images if (named := CASE.fullmatch(name)) and named["number"] is None)
    if not unknown:
        return []
    found = f"{len(unknown)} that none of them names, such as {unknown[0]}"
    do = "check that all case descriptions are there and whole"
    return [Problem(kind="left out", path=".", expected="images of the case descriptions", found=found, do=do)]
