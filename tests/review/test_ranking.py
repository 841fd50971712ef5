"""The likely mislabelled first."""

import numpy as np

from microcalc.findings import Calcification, ImageFindings
from microcalc.patches.patch import Patch
from microcalc.review.ranking import review_order, suspicion


def patch(image, x0, y0, size=10):
    return Patch(image=image, x0=x0, y0=y0, size_px=size, label="", origin="")


def findings(path, *marks):
    calcifications = tuple(Calcification(x=x, y=y, score=score) for x, y, score in marks)
    return ImageFindings(path=path, rows=100, columns=100, seconds=0.0, calcifications=calcifications)


def test_a_patch_is_as_suspicious_as_its_best_mark():
    # Patch (20, 30) of 10 px holds the pixels 20..29 and 30..39: from 19.5 and 29.5 up to, not with, 29.5 and 39.5.
    found = {
        "a": findings("a", (24, 34, 0.2), (19.5, 29.5, 0.4), (29.5, 34, 0.8), (19.4, 34, 0.9), (24, 39.5, 0.95)),
        "b": findings("b"),
    }
    patches = [patch("a", 20, 30), patch("b", 20, 30), patch("c", 20, 30), patch("a", 60, 60), patch("a", 0, 30, 30)]
    # c was not scored. The last holds the columns 0..29: all marks but that on its right edge and that on its lower.
    assert suspicion(patches, found).tolist()[:2] == [0.4, 0.0]
    assert np.isnan(suspicion(patches, found)[2])
    assert suspicion(patches, found).tolist()[3:] == [0.0, 0.95]


def test_no_patches():
    assert suspicion([], {}).shape == (0,)
    assert review_order(np.zeros(0, bool), np.zeros(0)).shape == (0,)


def test_negatives_fall_and_positives_rise():
    suspicions = np.array([0.1, 0.9, np.nan, 0.5])
    assert review_order(np.ones(4, bool), suspicions).tolist() == [1, 3, 0, 2]
    assert review_order(np.zeros(4, bool), suspicions).tolist() == [0, 3, 1, 2]


def test_the_two_are_merged_by_their_ranks():
    # Negatives 0..3 fall to 1, 3, 0, 2, at 1/8, 3/8, 5/8 and 7/8 of their number; positives 4 and 5 rise to 5, 4, at
    # 1/4 and 3/4.
    negative = np.array([True, True, True, True, False, False])
    suspicions = np.array([0.3, 0.9, 0.1, 0.5, 0.8, 0.2])
    assert review_order(negative, suspicions).tolist() == [1, 5, 3, 0, 4, 2]


def test_equal_ones_keep_their_order():
    assert review_order(np.array([True, False] * 3), np.full(6, 0.5)).tolist() == [0, 1, 2, 3, 4, 5]
