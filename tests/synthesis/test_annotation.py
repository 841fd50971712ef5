"""What is asked for, what is ignored, what is a cluster and what is left out, worked by hand."""

import numpy as np
import pytest

from microcalc.synthesis.annotation import Sight, annotate, too_faint
from microcalc.synthesis.calcification import Shadow, Speck
from microcalc.synthesis.lesions import Lesion


def speck(seed=0, morphology="round", pathology="benign"):
    return Speck(
        place=(40.0, 0.0, 0.0), diameter=0.3, attenuation=1.5, morphology=morphology, pathology=pathology, seed=seed
    )


def box(x, y, width, height):
    return np.array([(x, y), (x + width, y), (x + width, y + height), (x, y + height)], np.float64)


def sight(of, snr, outline=None, spacing_mm=0.1):
    outline = box(10, 20, 4, 2) if outline is None else outline
    return Sight.of(of, Shadow(0, 0, np.zeros((1, 1), np.float32), outline), snr, spacing_mm)


def lone(of):
    return Lesion((of,), of.morphology, None, of.pathology)


def grouped(specks, morphology="fine pleomorphic"):
    return Lesion(tuple(specks), morphology, "grouped", "malignant")


def test_a_calcification_by_its_outline():
    known = annotate([lone(speck())], [sight(speck(), 7.04)])
    (mark,) = known.calcifications
    assert (mark.x, mark.y) == (12.0, 21.0)
    assert mark.diameter_mm == pytest.approx(2 * np.sqrt(8 / np.pi) * 0.1, abs=1e-4)  # 8 px of 0.1 mm
    assert mark.polygon == ((10, 20), (14, 20), (14, 22), (10, 22))
    assert (mark.snr, mark.pathology, mark.morphology) == (7.0, "benign", "round")
    assert known.ignore == known.clusters == ()


def test_right_breasts_are_mirrored():
    shadow = Shadow(0, 0, np.zeros((1, 1), np.float32), box(10, 20, 4, 2))
    mirrored = Sight.of(speck(), shadow, 7, 0.1, mirrored=100)
    (mark,) = annotate([lone(speck())], [mirrored]).calcifications
    assert (mark.x, mark.y) == (99 - 12, 21)  # column 12 of 100 becomes 87
    assert mark.diameter_mm == pytest.approx(0.3192, abs=1e-4)


@pytest.mark.parametrize(("snr", "listed"), [(2.9, False), (2.96, True), (3.0, True)])
def test_what_cannot_be_seen_is_a_region_to_ignore_only(snr, listed):
    """SNR counts to a tenth: 2.96 is 3.0."""
    known = annotate([lone(speck())], [sight(speck(), snr)])
    assert bool(known.calcifications) is listed
    assert [region.reason for region in known.ignore] == ([] if listed else ["snr below 3"])
    for region in known.ignore:
        assert region.bbox == (9.5, 19.5, 14.5, 22.5)
        assert region.polygon == ((10, 20), (14, 20), (14, 22), (10, 22))


@pytest.mark.parametrize(
    ("morphology", "outline", "reason"),
    [
        ("round", box(0, 0, 8, 6), None),  # 1.0 mm from corner to corner
        ("round", box(0, 0, 8, 6.1), "over 1 mm"),
        ("vascular", box(0, 0, 1, 1), "typically benign"),
        ("popcorn", box(0, 0, 30, 30), "typically benign"),
    ],
)
def test_what_is_no_microcalcification_is_listed_and_ignored_as_well(morphology, outline, reason):
    of = speck(morphology=morphology)
    known = annotate([lone(of)], [sight(of, 20, outline)])
    assert [mark.morphology for mark in known.calcifications] == [morphology]
    assert [region.reason for region in known.ignore] == ([reason] if reason else [])
    for region in known.ignore:
        assert region.polygon == known.calcifications[0].polygon


def test_the_feret_diameter_is_the_longest_chord_whatever_the_corners_between():
    hollow = np.array([(0, 0), (5, 4), (10, 0), (5, 8)], np.float64)
    assert sight(speck(), 9, hollow).feret_mm == pytest.approx(1.0)


@pytest.mark.parametrize(("visible", "clusters"), [(4, 0), (5, 1)])
def test_five_visible_members_make_a_cluster(visible, clusters):
    specks = [speck(seed) for seed in range(7)]
    first = speck(99)
    snr = [8.0] * visible + [1.0] * (7 - visible)
    sights = [sight(first, 9)] + [
        sight(s, value, box(10 * i, 5, 2, 2)) for i, (s, value) in enumerate(zip(specks, snr, strict=True))
    ]
    known = annotate([lone(first), grouped(specks)], sights)
    assert len(known.clusters) == clusters
    for cluster in known.clusters:
        assert cluster.members == (1, 2, 3, 4, 5)  # the lone speck stands before them
        assert cluster.bbox == (-0.5, 4.5, 42.5, 7.5)
        assert (cluster.pathology, cluster.morphology, cluster.distribution) == (
            "malignant",
            "fine pleomorphic",
            "grouped",
        )


def test_lone_calcifications_are_no_cluster_however_many():
    specks = [speck(seed) for seed in range(6)]
    assert annotate([lone(s) for s in specks], [sight(s, 9) for s in specks]).clusters == ()


class TestTooFaint:
    def of(self, *views):
        """Indices left out, of the SNR of the same specks in each view."""
        return too_faint([[sight(speck(i), snr) for i, snr in enumerate(view)] for view in views])

    def test_a_fifth_may_be_faint(self):
        assert self.of([4.0, 9, 9, 9, 9]) == set()

    def test_the_weakest_beyond_a_fifth_are_left_out(self):
        # 3 faint of 7; without the weakest 2 of 6; without the next 1 of 5.
        assert self.of([4.0, 3.5, 4.5, 9, 9, 9, 9]) == {0, 1}

    def test_what_is_left_out_is_so_in_both_views(self):
        # 2 faint of 10 targets are enough: 3 of 10, and speck 0 goes with both its sights, 2 of 8, then 1 of 6.
        assert self.of([3.2, 9, 9, 9, 9], [9, 4.0, 4.5, 9, 9]) == {0, 1}

    def test_what_nobody_is_asked_for_does_not_count(self):
        assert self.of([2.9, 1.0, 9]) == set()
        assert self.of([2.9, 4.9]) == {1}

    def test_large_and_typically_benign_ones_are_no_targets(self):
        rim = sight(speck(0, "rim"), 4.0)
        assert too_faint([[rim, *(sight(speck(i), 9) for i in range(1, 3))]]) == set()
        assert too_faint([[rim, sight(speck(1), 4.0)]]) == {1}

    def test_without_calcium(self):
        assert too_faint([[], []]) == set()
