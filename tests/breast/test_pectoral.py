from __future__ import annotations

from collections.abc import Callable
from typing import Any

import cv2
import numpy as np
import pytest

from microcalc.breast import find_breast
from microcalc.mammogram import Mammogram

Draw = Callable[..., Any]


@pytest.mark.parametrize("view", ["MLO", "ML", "LMO", None])
@pytest.mark.parametrize("mirrored", [False, True])
def test_the_muscle_on_an_oblique_view(draw: Draw, view: str | None, mirrored: bool) -> None:
    drawn = draw(shape=(800, 600), mlo=True)
    turn = slice(None, None, -1 if mirrored else 1)
    breast = find_breast(Mammogram(np.ascontiguousarray(drawn.pixels[:, turn]), view=view))
    assert breast.pectoral is not None
    found = cv2.fillPoly(np.zeros((800, 600), np.uint8), [np.round(breast.pectoral).astype(np.int32)], 1) > 0
    truth = drawn.muscle[:, turn]
    assert (found & truth).sum() / (found | truth).sum() > 0.93
    assert not (found & ~breast.mask).sum() > 0.01 * found.sum()


def test_none_on_other_views(draw: Draw) -> None:
    assert find_breast(Mammogram(draw(shape=(800, 600), mlo=True).pixels, view="CC")).pectoral is None


@pytest.mark.parametrize("view", ["MLO", None])
@pytest.mark.parametrize(
    "change",
    [
        pytest.param(lambda drawn: drawn.pixels - 0.25 * drawn.muscle, id="no muscle"),
        pytest.param(lambda drawn: drawn.pixels[::-1], id="upside down"),
        pytest.param(lambda drawn: drawn.pixels - 0.5 * drawn.muscle, id="dark corner"),
    ],
)
def test_none_where_there_is_no_bright_corner(draw: Draw, view: str | None, change: Callable[..., Any]) -> None:
    pixels = np.ascontiguousarray(change(draw(shape=(800, 600), mlo=True)), np.float32).clip(0, 1)
    assert find_breast(Mammogram(pixels, view=view)).pectoral is None
