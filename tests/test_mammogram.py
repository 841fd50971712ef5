"""A Mammogram is valid or does not exist."""

import numpy as np
import pytest

from microcalc.errors import MicrocalcError
from microcalc.mammogram import Mammogram

GREY = np.full((4, 5), 0.5, np.float32)


def test_what_a_mammogram_is():
    mammogram = Mammogram(GREY, spacing_mm=(0.07, 0.1), spacing_source="header", side="L", view="CC")
    assert mammogram.shape == (4, 5)


@pytest.mark.parametrize(
    ("fields", "says"),
    [
        ({"pixels": GREY.astype(np.float64)}, "float64"),
        ({"pixels": GREY[0]}, r"shape \(5,\)"),
        ({"pixels": np.empty((0, 5), np.float32)}, r"shape \(0, 5\)"),
        ({"pixels": GREY * 3}, r"1\.5"),
        ({"pixels": GREY * np.nan}, "nan"),
        ({"pixels": GREY, "spacing_mm": (0.07, 0.07)}, "source"),
        ({"pixels": GREY, "spacing_mm": (7.0, 7.0), "spacing_source": "user"}, "7 x 7 mm"),
        ({"pixels": GREY, "spacing_mm": (float("nan"), 0.07), "spacing_source": "user"}, "nan"),
    ],
)
def test_nothing_half_valid_exists(fields, says):
    with pytest.raises(MicrocalcError, match=says):
        Mammogram(**fields)


def test_another_spacing_leaves_the_rest():
    mammogram = Mammogram(GREY, side="R", warnings=("one",)).with_spacing((0.05, 0.05), "user", "two")
    assert (mammogram.spacing_mm, mammogram.spacing_source) == ((0.05, 0.05), "user")
    assert (mammogram.side, mammogram.warnings) == ("R", ("one", "two"))
