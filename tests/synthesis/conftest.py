"""A drawn mammogram whose tone curve, noise and breast are known."""

from types import SimpleNamespace

import numpy as np
import pytest
from PIL import Image

SPACING_MM = 0.07
NOISE = 0.033


def tone(attenuation):
    """Grey in 0..1 of ln attenuation."""
    return 1 / (1 + np.exp(-4.0 * (attenuation - 0.7)))


def attenuation(grey):
    """The tone curve's inverse."""
    return 0.7 - np.log(1 / np.asarray(grey, np.float64) - 1) / 4.0


def mammogram(noise=NOISE, shape=(1024, 768)):
    """(pixels (rows, columns) float32, breast mask): half a disc at the left edge, ln 0.2 to 1.0 from top to bottom."""
    rows, columns = shape
    y, x = np.mgrid[:rows, :columns]
    breast = (x / (0.9 * columns)) ** 2 + ((y - rows / 2) / (0.47 * rows)) ** 2 < 1
    white = np.random.default_rng(3).standard_normal(shape)
    grey = np.where(breast, tone(0.2 + 0.8 * y / rows + noise * white), 0)
    grey[:8, -40:] = 1  # a marker at full brightness
    return grey.astype(np.float32), breast


def write(path, *, mirrored=False, **how):
    """Write a drawn mammogram as a 16-bit PNG."""
    pixels, _ = mammogram(**how)
    grey = np.rint(pixels * 65535).astype(np.uint16)
    path.parent.mkdir(parents=True, exist_ok=True)
    Image.fromarray(np.ascontiguousarray(grey[:, ::-1]) if mirrored else grey).save(path)
    return path


@pytest.fixture(scope="session")
def drawn():
    """The functions above."""
    return SimpleNamespace(
        SPACING_MM=SPACING_MM, NOISE=NOISE, tone=tone, attenuation=attenuation, mammogram=mammogram, write=write
    )
