"""What people write in tables of mammograms, in the words of a truth file.

Letter case and blanks around a word do not matter. Every function raises ReadError, without a file, for a word that it
does not know; an empty text is None.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Literal, TypeVar

from microcalc.errors import ReadError
from microcalc.mammogram import Side
from microcalc.truth import Pathology, Split

ValueT = TypeVar("ValueT")
Density = Literal["A", "B", "C", "D"]

_SIDES: Mapping[str, Side] = {"l": "L", "left": "L", "r": "R", "right": "R"}
_SPLITS: Mapping[str, Split] = {
    **dict.fromkeys(("train", "training"), "train"),
    **dict.fromkeys(("validation", "valid", "val"), "validation"),
    **dict.fromkeys(("test", "testing"), "test"),
}
_PATHOLOGIES: Mapping[str, Pathology] = {
    **dict.fromkeys(("benign", "benign_without_callback", "b"), "benign"),
    **dict.fromkeys(("malignant", "m"), "malignant"),
    "unknown": "unknown",
}
_DENSITIES: Mapping[str, Density] = {
    **dict.fromkeys(("a", "1"), "A"),
    **dict.fromkeys(("b", "2"), "B"),
    **dict.fromkeys(("c", "3"), "C"),
    **dict.fromkeys(("d", "4"), "D"),
}
_FLAGS = {**dict.fromkeys(("1", "true", "yes"), True), **dict.fromkeys(("0", "false", "no"), False)}


def side_of(text: str) -> Side | None:
    """L or R."""
    return _known(text, _SIDES, "a side, L or R")


def split_of(text: str) -> Split | None:
    """The side of a split: train, validation or test."""
    return _known(text, _SPLITS, "a split: train, validation or test")


def pathology_of(text: str) -> Pathology | None:
    """Benign, malignant or unknown."""
    return _known(text, _PATHOLOGIES, "a pathology: benign, malignant or unknown")


def density_of(text: str) -> Density | None:
    """ACR density: a letter A to D or a number 1 to 4, also behind a word (``DENSITY B``, ``ACR C``)."""
    return _known(text.rpartition(" ")[2], _DENSITIES, "a density, A to D")


def flag_of(text: str) -> bool | None:
    """Yes or no: 1, true, yes; 0, false, no."""
    return _known(text, _FLAGS, "yes or no (1 or 0, true or false)")


def number_of(text: str) -> float | None:
    """A finite number, with a decimal point."""
    if not text.strip():
        return None
    try:
        number = float("nan" if "_" in text else text)  # Python would read 1_00 as 100
    except ValueError:
        number = math.nan
    if not math.isfinite(number):
        raise ReadError(expected="a finite number", found=repr(text), do="write it with a decimal point")
    return number


def _known(text: str, words: Mapping[str, ValueT], expected: str) -> ValueT | None:
    word = text.strip().lower()
    if word and word not in words:
        raise ReadError(expected=expected, found=repr(text), do="write one of these, or nothing where it is unknown")
    return words.get(word)
