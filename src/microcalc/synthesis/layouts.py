"""How a set of synthetic mammograms lies on disk: as a plain truth folder, or as one of the public data sets does."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from microcalc.synthesis import layout_bmcd, layout_cbis_ddsm, layout_inbreast, layout_mini_mias, layout_omi_db
from microcalc.synthesis.layout_parts import as_dicom, named_view, store
from microcalc.synthesis.outline import View
from microcalc.truth import ImageTruth

if TYPE_CHECKING:
    from microcalc.synthesis.study import Picture


def _any_number(number: int) -> None:
    """Names that can count without end, and nothing needed but the package."""


@dataclass(frozen=True)
class Layout:
    """One way to lay a set out below a root folder. Names follow ``Picture.number``, never the order of writing."""

    #: Writes one picture's files below the root; returns its truth with ``path`` set, and with places and sizes in
    #: the pixels of the file, where the layout resamples.
    write: Callable[[Path, Picture], ImageTruth]
    #: Writes the set's tables below the root from the truths of all pictures written; may be called again.
    finish: Callable[[Path, Sequence[ImageTruth]], None]
    #: Raises UsageError where it cannot hold studies of numbers up to the one given, or lacks a package it needs.
    check: Callable[[int], None] = _any_number
    #: The views the layout has a place for: pictures of others must not be given to it.
    views: tuple[View, ...] = ("CC", "MLO")


def _write_plain(root: Path, picture: Picture) -> ImageTruth:
    side, view = named_view(picture.truth)
    path = f"{picture.identity.patient}_{side}_{view}.dcm"
    store(as_dicom(picture), root / path)
    return picture.truth.model_copy(update={"path": path})


def _no_tables(root: Path, images: Sequence[ImageTruth]) -> None:
    """All there is to know is in the truth file."""


#: By name on the command line.
LAYOUTS: dict[str, Layout] = {
    "truth": Layout(_write_plain, _no_tables),
    "inbreast": Layout(layout_inbreast.write, layout_inbreast.finish),
    "cbis_ddsm": Layout(layout_cbis_ddsm.write, layout_cbis_ddsm.finish, layout_cbis_ddsm.check),
    "omi_db": Layout(layout_omi_db.write, layout_omi_db.finish),
    "bmcd": Layout(layout_bmcd.write, layout_bmcd.finish, layout_bmcd.check),
    "mini_mias": Layout(layout_mini_mias.write, layout_mini_mias.finish, layout_mini_mias.check, views=("MLO",)),
}
