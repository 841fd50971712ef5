"""Side and view in the names of files that have no header."""

from __future__ import annotations

import numpy as np
import pytest
from PIL import Image

from microcalc.imageio import read_mammogram


@pytest.mark.parametrize(
    ("name", "side", "view"),
    [
        ("1_L_CC.png", "L", "CC"),
        ("P12-rmlo.png", "R", "MLO"),
        ("Calc-Training_P_00005_RIGHT_CC.png", "R", "CC"),
        ("20586908_6c613a14b80a8591_MG_R_CC_ANON.png", "R", "CC"),
        ("CC-left.png", "L", "CC"),
        ("mlo.png", None, None),
        ("ML_1975.png", None, None),
        ("mdb001.png", None, None),
        ("L.png", None, None),
        ("L_CC_and_R_CC.png", None, None),
        ("R_CC_MLO.png", None, None),
        ("accl.png", None, None),
    ],
)
def test_name(tmp_path, name, side, view):
    Image.fromarray(np.arange(64, dtype=np.uint8).reshape(8, 8)).save(tmp_path / name)
    mammogram = read_mammogram(tmp_path / name)
    assert (mammogram.side, mammogram.view) == (side, view)
    assert any("file name" in note for note in mammogram.notes) == (view is not None)
