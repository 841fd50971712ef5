"""Boxes around the calcifications of patches, worked by hand."""

import numpy as np
import pytest

from microcalc.patches.patch import Patch
from microcalc.training.marked_patches import marked_part
from microcalc.truth import Ignored, ImageTruth, TrueCalcification


class Store:
    """What is asked of a store: patches of 100 px, cut out of 200 px of the first image and of 100 px of the second."""

    def __init__(self):
        self.patches = (
            Patch("fine.png", 10, 20, 200, "calcification", "grid", "train"),
            Patch("fine.png", 10, 20, 200, "calcification", "grid", "test"),
            Patch("coarse.png", 0, 0, 100, "calcification", "grid", "train"),
        )
        self.manifest = type("Manifest", (), {"size_px": 100})
        points = [(109.5, 119.5), (9.5, 219.4), (9.4, 100.0), (209.5, 100.0), (60.0, 60.0)]
        self.truths = {
            "fine.png": ImageTruth(
                path="fine.png",
                spacing_mm=(0.035, 0.035),
                calcifications=tuple(TrueCalcification(x=x, y=y, diameter_mm=0.1) for x, y in points),
                ignore=(Ignored(bbox=(50, 50, 70, 70), reason="over 1 mm"),),
            ),
            "coarse.png": ImageTruth(path="coarse.png", spacing_mm=(0.07, 0.07)),
        }


@pytest.fixture(scope="module")
def part():
    return marked_part(Store(), "train", 14)


def test_a_box_of_14_px_lies_around_each_calcification_whose_centre_is_in_the_patch(part):
    # The patch begins at the outer edges 9.5 and 19.5, and its 200 px become 100. (109.5, 119.5) is its middle, 50.
    # (9.5, 219.4) lies on its left edge, 0, at 99.95 from the top: cut off at both borders. (9.4, 100) and (209.5, 100)
    # lie off the patch, (60, 60) in what is to be ignored.
    np.testing.assert_allclose(part.boxes[0], [[43, 43, 57, 57], [0, 92.95, 7, 100]], atol=1e-4)


def test_a_patch_may_have_no_box(part):
    assert part.boxes[1].shape == (0, 4)


def test_a_part_is_one_side_of_the_split(part):
    assert part.patches.indices.tolist() == [0, 2]
    assert len(marked_part(Store(), "validation", 14)) == 0
