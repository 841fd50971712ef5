"""Side and view from the name of a file without a header: "1_L_CC.png", "P12-RMLO.tif"."""

from __future__ import annotations

import dataclasses
import re

from microcalc.mammogram import Mammogram, Side

_SIDES: dict[str, Side] = {"L": "L", "LEFT": "L", "R": "R", "RIGHT": "R"}
_VIEWS = ("CC", "MLO", "ML", "LM", "LMO", "XCCL", "XCCM")
_JOINED = re.compile(rf"(?P<side>[LR])(?P<view>{'|'.join(_VIEWS)})")


def named_by_file(mammogram: Mammogram, stem: str) -> Mammogram:
    """The same mammogram with the side and view its file's name states, and a note of it.

    A name counts where it holds exactly one side and one view: a lone "L" may stand for anything, a lone "ML" for a
    patient's initials.
    """
    sides: set[Side] = set()
    views: set[str] = set()
    for word in re.split(r"[^A-Z]+", stem.upper()):
        joined = _JOINED.fullmatch(word)
        for part in joined.groups() if joined else (word,):
            sides |= {_SIDES[part]} if part in _SIDES else set()
            views |= {part} if part in _VIEWS else set()
    if len(views) != 1 or len(sides) != 1:
        return mammogram
    return dataclasses.replace(
        mammogram,
        side=sides.pop(),
        view=views.pop(),
        notes=(*mammogram.notes, "side and view from the file name"),
    )
