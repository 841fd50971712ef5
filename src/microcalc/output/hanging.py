"""Which images belong together and how they are hung: by study, right beside left, CC above MLO."""

from __future__ import annotations

import itertools
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import PurePosixPath

from microcalc.findings import ImageFindings

#: The views of a screening study, from the top, and images that name none; all others go below.
PAIRED_VIEWS = ("CC", "MLO", None)


@dataclass(frozen=True)
class Pair:
    """Right breast (left on the screen) and left breast of one view; either may be missing."""

    view: str | None
    right: ImageFindings | None
    left: ImageFindings | None


@dataclass(frozen=True)
class Study:
    """The images of one study, or of one folder where the files name no study."""

    #: Counted from 1, in the order of the report.
    number: int
    #: StudyInstanceUID; None where the images share nothing but ``folder``.
    uid: str | None
    #: Folder of its first image, relative to the report's root.
    folder: str
    pairs: tuple[Pair, ...]
    #: Other views and unknown sides.
    others: tuple[ImageFindings, ...]

    @property
    def images(self) -> tuple[ImageFindings, ...]:
        """All images as hung: rows from the top, right before left."""
        hung = (image for pair in self.pairs for image in (pair.right, pair.left) if image is not None)
        return (*hung, *self.others)


def hang(images: Iterable[ImageFindings]) -> list[Study]:
    """Images into studies, in order of first appearance; those without a study by the folder of their path."""
    groups: dict[tuple[str | None, str], list[ImageFindings]] = {}
    for image in images:
        folder = str(PurePosixPath(image.path).parent)
        groups.setdefault((image.study, "" if image.study else folder), []).append(image)
    return [_study(number, members) for number, members in enumerate(groups.values(), 1)]


def _study(number: int, images: Sequence[ImageFindings]) -> Study:
    images = sorted(images, key=lambda image: image.path)
    pairs = tuple(pair for view in PAIRED_VIEWS for pair in _pairs(view, images))
    hung = {image.path for pair in pairs for image in (pair.right, pair.left) if image is not None}
    return Study(
        number=number,
        uid=images[0].study,
        folder=str(PurePosixPath(images[0].path).parent),
        pairs=pairs,
        others=tuple(image for image in images if image.path not in hung),
    )


def _pairs(view: str | None, images: Sequence[ImageFindings]) -> list[Pair]:
    right = [image for image in images if (image.side, image.view) == ("R", view)]
    left = [image for image in images if (image.side, image.view) == ("L", view)]
    if images[0].study is None and len(right) != len(left):
        # A folder of unequal numbers may hold several patients: who belongs beside whom would be a guess.
        return [Pair(view, image, None) for image in right] + [Pair(view, None, image) for image in left]
    return [Pair(view, *both) for both in itertools.zip_longest(right, left)]
