from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray
from PIL import Image

from microcalc.breast import find_breast, mend_polarity
from microcalc.mammogram import Mammogram

Draw = Callable[..., Any]


def check_both_ways(pixels: NDArray[np.float32]) -> None:
    right = Mammogram(pixels, warnings=("earlier",))
    assert mend_polarity(right) is right
    mended = mend_polarity(Mammogram(1 - pixels, side="L", warnings=("earlier",)))
    assert np.allclose(mended.pixels, pixels, atol=1e-6)
    assert mended.pixels.dtype == np.float32
    assert mended.warnings == ("earlier", "the background was bright: the picture was inverted")
    assert mended.side == "L"


@pytest.mark.parametrize(
    "look",
    [{}, {"mlo": True}, {"air": 0.2}, {"noise": 0.0}, {"depth": 0.98, "top": -0.02, "bottom": 1.02}, {"tissue": 0.65}],
    ids=str,
)
def test_a_bright_background_is_mended_and_a_dark_one_kept(draw: Draw, look: dict[str, object]) -> None:
    check_both_ways(draw(shape=(800, 600), **look).pixels)


def test_a_bright_frame_is_no_bright_background(draw: Draw) -> None:
    pixels = draw(shape=(800, 600)).pixels.copy()
    pixels[:30] = pixels[-30:] = 1
    pixels[:, :30] = pixels[:, -30:] = 1
    check_both_ways(pixels)


@pytest.mark.parametrize("mlo", [False, True])
def test_padding_stays_out_of_it(draw: Draw, mlo: bool) -> None:
    drawn = draw(shape=(800, 600), air=0.02, mlo=mlo)
    mended = mend_polarity(Mammogram(np.pad(1 - drawn.pixels, ((0, 0), (200, 250)))))
    assert mended.warnings
    # What was padding is white now, and no breast.
    mask, truth = find_breast(mended).mask, np.pad(drawn.truth, ((0, 0), (200, 250)))
    assert (mask & truth).sum() / (mask | truth).sum() > 0.97


def test_what_shows_no_background_is_kept(draw: Draw) -> None:
    inside = np.ascontiguousarray(draw(depth=1.2, top=-0.2, bottom=1.2).pixels[300:900, :400])
    for pixels in (inside, 1 - inside, np.ones((300, 200), np.float32), np.zeros((1, 1), np.float32)):
        mammogram = Mammogram(pixels)
        assert mend_polarity(mammogram) is mammogram


@pytest.mark.parametrize(
    "name", ["ffdm/1_L_CC.png", "ffdm/2_R_CC.png", *(f"mini_mias/mdb00{n}.pgm" for n in range(1, 10))]
)
def test_real_mammograms(shared: Path, name: str) -> None:
    stored = np.asarray(Image.open(shared / name))
    check_both_ways(stored.astype(np.float32) / np.float32(255 if stored.dtype == np.uint8 else 65535))
