"""Masks and marked pictures that are copies of a mammogram, of its size or another."""

from __future__ import annotations

from microcalc.datasets.listing import Problem, Trouble

#: Copies whose scales in rows and in columns differ by more may not show the whole mammogram.
_SAME_SHAPE = 0.01


def size_problem(path: str, size: tuple[int, int], of: tuple[int, int]) -> Problem | None:
    """Word of a copy of another (rows, columns) ``size`` than its mammogram, ``of`` (rows, columns).

    None where both have one size; a note where the copy is only larger or smaller, since outlines are rescaled; a
    contradiction where it has another shape, and what is outlined may lie elsewhere.
    """
    if size == of:
        return None
    across = (size[1] / of[1]) / (size[0] / of[0])
    kind: Trouble = "note" if abs(across - 1) <= _SAME_SHAPE else "contradiction"
    return Problem(
        kind=kind,
        path=path,
        expected=f"{of[0]} x {of[1]} pixels, as its mammogram",
        found=f"{size[0]} x {size[1]}",
        do="nothing: it was rescaled" if kind == "note" else "look whether it fits: it was stretched to another shape",
    )
