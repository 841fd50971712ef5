"""Which side of the split an image of INbreast is on, and which images are normal, by the lists in ``inbreast_lists``.

The lists are those of the calcification report (Cortina Uribe et al., section 2), but for the validation part, which it
does not name. They know images alone. INbreast's numbers run on within an exam (steps of 19 to 30, one of 52 and one of
54) and jump between exams (63 and more), so that a run of numbers stands for a woman's exam: there are 114 runs for 115
exams, and the report's partition cuts through none of them.
"""

from __future__ import annotations

import hashlib
from collections.abc import Collection, Iterable, Mapping
from importlib import resources
from typing import Literal

from microcalc.datasets.rows import read_rows
from microcalc.truth import Split

#: checked: the 95 that the report's authors were left with; provided: the 105 that they had been given; unlabelled:
#: every image on which nothing is marked that is, or may be, calcium.
Normals = Literal["checked", "provided", "unlabelled"]

#: Of the draw behind ``validation.txt``.
SEED = 0
#: Of train; the report has 15 of 55 patients, and does not say which.
VALIDATION_SHARE = 1 / 3
#: Images of one exam have numbers at most this far apart.
_STEP = 60

_LISTS = resources.files("microcalc.datasets") / "inbreast_lists"


def partition() -> dict[str, Split]:
    """Image id -> side: the report's test, its train less our validation, and that validation; 410 images."""
    return report_partition() | dict.fromkeys(_ids("validation.txt"), "validation")


def report_partition() -> dict[str, Split]:
    """Image id -> train or test, as the report has them."""
    with resources.as_file(_LISTS / "standard_partitions.csv") as path:
        rows = read_rows(path, ("image_id", "partition"), delimiter=",")
    return {row["image_id"]: "test" if row["partition"] == "test" else "train" for row in rows}


def normals(which: Literal["checked", "provided"]) -> frozenset[str]:
    """Ids of the images that a list says are free of calcifications."""
    return frozenset(_ids("normals.txt" if which == "provided" else "our_normals.txt"))


def displaced() -> frozenset[str]:
    """Ids of the images whose labels are displaced from their lesions, as the report's repository has it."""
    return frozenset(_ids("abnormal_images.txt"))


def draw_validation(sides: Mapping[str, Split], normal: Collection[str], seed: int) -> list[str]:
    """Draw a third of train's exams, of those without any calcification as of the others.

    Exams are put in an order that only their first number and the seed decide, so that every machine draws the same.

    Args:
        sides: image id -> train or test.
        normal: ids of the images free of calcifications.
        seed: of the draw.

    Returns:
        Ids of the images drawn, rising.
    """
    exams = [exam for exam in runs(sides) if sides[exam[0]] == "train"]
    negative = [exam for exam in exams if all(image in normal for image in exam)]
    return sorted(
        image
        for stratum in (negative, [exam for exam in exams if exam not in negative])
        for exam in sorted(stratum, key=lambda exam: _rank(exam[0], seed))[: round(VALIDATION_SHARE * len(stratum))]
        for image in exam
    )


def runs(images: Iterable[str]) -> list[list[str]]:
    """Image ids that follow each other closely, rising: the images of an exam."""
    found: list[list[str]] = []
    for image in sorted(images, key=int):
        if found and int(image) - int(found[-1][-1]) <= _STEP:
            found[-1].append(image)
        else:
            found.append([image])
    return found


def _rank(exam: str, seed: int) -> bytes:
    return hashlib.sha256(f"{seed}/{exam}".encode()).digest()


def _ids(name: str) -> list[str]:
    """The image ids of a list: the last word of each line, headers aside."""
    words = (line.rpartition(",")[2].strip() for line in (_LISTS / name).read_text("utf-8").splitlines())
    return [word for word in words if word.isdecimal()]
