"""Strata on sets worked by hand."""

import itertools
import math

import numpy as np
import pytest

from microcalc.evaluation.matching import parse_rule
from microcalc.evaluation.scores import ImageScores
from microcalc.evaluation.strata import AGE_BANDS, CLUSTER_SIZE_BANDS, SIZE_BANDS, SNR_BANDS, band_names, strata
from microcalc.truth import ImageTruth, TrueCalcification, TrueCluster


def speck(**known):
    return TrueCalcification(x=10, y=10, **known)


def image(*calcifications, clusters=(), rule="disc14", asked=None, **known):
    """An image with its lesions, of which those at ``asked`` are targets; by default all."""
    truth = ImageTruth(path="a", calcifications=calcifications, clusters=clusters, **known)
    lesions = truth.calcifications if rule == "disc14" else truth.clusters
    asked = np.arange(len(lesions)) if asked is None else np.array(asked, np.intp)
    best = np.linspace(0.1, 0.9, len(lesions))[asked]
    return ImageScores(truth, asked, best, np.empty(0), 0.9, parse_rule(rule))


def lesions_by(images, by):
    """Lesions in each part of a kind, in order."""
    return {part.name: sum(image.lesions.size for image in part.images) for part in strata(images) if part.by == by}


def test_a_part_of_the_images_has_their_lesions_and_their_normal_images():
    images = [
        image(speck(), speck(), density="B"),
        image(normal=True, density="C"),
        image(speck(), density="C"),
        image(normal=True, density="B"),
        image(normal=True, density="D"),
    ]
    b, c = strata(images)  # no lesion in a breast of density D
    assert (b.by, b.name, b.positions.tolist()) == ("density", "B", [0, 3])
    assert (c.by, c.name, c.positions.tolist()) == ("density", "C", [1, 2])
    assert b.images == (images[0], images[3])


def test_a_part_of_the_lesions_is_set_against_all_images():
    images = [image(speck(morphology="fine"), speck(morphology="round"), speck(morphology="fine")), image(normal=True)]
    fine, round_ = strata(images)
    assert (fine.by, fine.name, round_.name) == ("morphology", "fine", "round")
    assert fine.positions.tolist() == round_.positions.tolist() == [0, 1]
    assert fine.images[0].lesions.tolist() == [0, 2]
    assert fine.images[0].best == pytest.approx([0.1, 0.9])
    assert round_.images[0].best == pytest.approx([0.5])
    assert fine.images[1].normal


def test_only_targets_count():
    images = [image(speck(pathology="benign"), speck(pathology="malignant"), speck(pathology="benign"), asked=[1, 2])]
    assert lesions_by(images, "pathology") == {"benign": 1, "malignant": 1}


def test_what_would_leave_one_part_is_left_out():
    known_alike = [image(speck(snr=6, pathology="benign"), side="L", view="CC", age=55, vendor="a", density="A")]
    assert strata([*known_alike, image(normal=True, side="R", view="MLO", age=65, vendor="b", density="B")]) == []
    assert strata([image(speck()), image(normal=True)]) == []
    assert strata([]) == []


def test_unknown_values_come_last_under_that_name():
    images = [image(speck(), vendor=None), image(speck(), vendor="Zeta"), image(speck(), vendor="Alpha")]
    assert list(lesions_by(images, "vendor")) == ["Alpha", "Zeta", "unknown"]
    specks = [speck(pathology="unknown"), speck(), speck(pathology="malignant")]
    assert lesions_by([image(*specks)], "pathology") == {"malignant": 1, "unknown": 2}


def test_bands_hold_their_lower_edge_and_stand_in_order():
    ages = [70, 39.9, 40, 50, 49, None, 0]
    expected = {"below 40": 2, "40 to 50": 2, "50 to 60": 1, "from 70": 1, "unknown": 1}
    found = lesions_by([image(speck(), age=age) for age in ages], "age")
    assert list(found.items()) == list(expected.items())
    snr = lesions_by([image(*(speck(snr=value) for value in (12, 3, 2.9, -1, 7.9, 8)))], "snr")
    assert list(snr.items()) == [("below 3", 2), ("3 to 5", 1), ("5 to 8", 1), ("8 to 12", 1), ("from 12", 1)]


def test_size_of_a_calcification():
    # 3 x 3 pixels of 0.1 mm: 0.09 mm2, the area of a disc of 2 sqrt(0.09 / pi) = 0.339 mm.
    square = ((8.5, 8.5), (11.5, 8.5), (11.5, 11.5), (8.5, 11.5))
    outlined, point, measured = speck(polygon=square), speck(diameter_mm=0), speck(diameter_mm=0.2)
    found = lesions_by([image(outlined, point, measured, spacing_mm=(0.1, 0.1))], "size")
    assert found == {"below 0.25 mm": 1, "0.25 to 0.5 mm": 1, "unknown": 1}
    assert lesions_by([image(outlined, point, measured)], "size") == {"below 0.25 mm": 1, "unknown": 2}


def test_size_of_a_cluster_is_the_longer_side_of_its_box():
    # At 0.1 mm a row and 0.05 mm a column: 40 rows are 4 mm, 120 columns 6 mm, 240 rows 24 mm.
    boxes = [(0, 0, 60, 40), (0, 0, 120, 40), (0, 0, 60, 240)]
    clusters = [TrueCluster(bbox=box, morphology="fine") for box in boxes]
    found = lesions_by([image(clusters=clusters, rule="cluster", spacing_mm=(0.1, 0.05))], "size")
    assert list(found.items()) == [("below 5 mm", 1), ("5 to 10 mm", 1), ("from 20 mm", 1)]
    assert lesions_by([image(clusters=clusters, rule="cluster")], "size") == {}


@pytest.mark.parametrize("bands", [AGE_BANDS, SIZE_BANDS, CLUSTER_SIZE_BANDS, SNR_BANDS])
def test_bands_leave_no_gap(bands):
    assert all(below[1] == above[0] for below, above in itertools.pairwise(bands))
    assert math.isinf(bands[-1][1])


def test_names_of_bands():
    assert band_names(SNR_BANDS) == ("below 3", "3 to 5", "5 to 8", "8 to 12", "from 12")
    assert band_names(CLUSTER_SIZE_BANDS, " mm")[1] == "5 to 10 mm"
