import base64

import cv2
import numpy as np
import pytest
from PIL import Image

from microcalc.datasets import Record
from microcalc.inspection.pictures import picture
from microcalc.truth import ImageTruth


@pytest.fixture
def shown(tmp_path):
    """Draws pixels with findings; gives the picture's (rows, columns, 3) red, green, blue."""

    def show(pixels, **known):
        Image.fromarray(np.ascontiguousarray(pixels)).save(tmp_path / "a.png")
        made = picture(Record(tmp_path / "a.png", ImageTruth(path="a.png", **known)))
        data = np.frombuffer(base64.b64decode(made.uri.partition(",")[2]), np.uint8)
        colours = cv2.imdecode(data, cv2.IMREAD_COLOR)[:, :, ::-1].astype(int)
        assert colours.shape == (made.height, made.width, 3)
        return colours

    return show


def test_findings_are_outlined_where_they_are(shown, draw):
    """400 rows become 360: a box from 59.5 to 119.5 has its edges at 0.9 of 60 and 120, which are 54 and 108."""
    colours = shown(draw(0), clusters=[{"bbox": (59.5, 159.5, 119.5, 219.5)}])
    assert colours.shape == (360, 270, 3)
    turquoise = (colours[:, :, 1] - colours[:, :, 0]) > 80
    y, x = np.nonzero(turquoise)
    assert np.abs(np.array([x.min(), x.max(), y.min(), y.max()]) - (54, 108, 144, 198)).max() <= 3
    assert not turquoise[160:180, 70:90].any()


def test_off_the_breast_no_label_can_be_read(shown, draw):
    """Stripes four pixels wide, as letters are made of, off the breast and on it."""
    pixels = draw(0)
    pixels[20:60, 240:290] = np.where(np.arange(50) // 4 % 2, 60000, 0)
    pixels[180:220, 60:110] = np.where(np.arange(50) // 4 % 2, 60000, 0)
    grey = shown(pixels)[:, :, 0]
    assert np.ptp(grey[185, 60:95]) > 150
    assert np.ptp(grey[36, 225:252]) < 60
    assert np.abs(np.diff(grey[36, 225:252])).max() < 6


def test_an_image_that_cannot_be_read_has_none(tmp_path):
    assert picture(Record(tmp_path / "no.png", ImageTruth(path="no.png"))) is None
