import dataclasses

import numpy as np
import pytest

from microcalc.breast import find_breast
from microcalc.inspection.likeness import MOST_BITS, alike, fingerprint
from microcalc.mammogram import Mammogram


def bits(*flipped):
    """A fingerprint of zeros but for some bits."""
    signs = np.zeros(512, np.uint8)
    signs[list(flipped)] = 1
    return np.packbits(signs).tobytes().hex()


def test_prints_are_alike_up_to_a_number_of_bits():
    prints = [bits(), bits(*range(MOST_BITS)), bits(*range(MOST_BITS + 1)), bits(*range(200, 400))]
    assert alike(prints) == [(0, 1), (1, 2)]
    assert alike([]) == alike(prints[:1]) == []


def test_blocks_of_prints_give_every_pair_once(monkeypatch):
    monkeypatch.setattr("microcalc.inspection.likeness._BLOCK", 2)
    assert alike([bits()] * 4) == [(i, j) for i in range(4) for j in range(i + 1, 4)]


@pytest.fixture
def mammogram(draw):
    return Mammogram(draw(0).astype(np.float32) / 65535)


@pytest.mark.parametrize(
    "change",
    [
        pytest.param(lambda pixels: np.round(pixels * 255) / 255, id="8 bits"),
        pytest.param(lambda pixels: pixels**1.2, id="grey scale"),
        pytest.param(lambda pixels: np.pad(pixels, ((30, 10), (0, 50))), id="wider border"),
        pytest.param(lambda pixels: pixels[::2, ::2], id="half size"),
    ],
)
def test_copies_stay_alike(mammogram, change):
    copy = Mammogram(np.ascontiguousarray(change(mammogram.pixels), np.float32))
    prints = [fingerprint(image, find_breast(image)) for image in (mammogram, copy)]
    assert alike(prints) == [(0, 1)]


def test_breasts_of_one_shape_differ(mammogram, draw):
    other = dataclasses.replace(mammogram, pixels=draw(1).astype(np.float32) / 65535)
    assert alike([fingerprint(image, find_breast(image)) for image in (mammogram, other)]) == []
