"""Agreement with MONAI's FROC, which is the CAMELYON 16 challenge's, where definitions coincide.

There a detection hits the label of the pixel it lies on; misses score 0, and the lowest score of all makes no point, so
that a lesion has to be missed for none to be lost. False positives are handed over from the normal images alone.
"""

import numpy as np
import pytest

from microcalc.evaluation.detections import Detections
from microcalc.evaluation.froc import froc
from microcalc.evaluation.matching import match, parse_rule
from microcalc.evaluation.scores import score_image
from microcalc.truth import ImageTruth, TrueCluster

RULE = parse_rule("cluster:marks=1")
SIDE = 64
BOX = 12
#: What MONAI 1.6.1 printed for four images of seed 1, turned round to begin with the highest score.
FALSE_POSITIVES = [0.0, 0.0, 1.0, 1.5, 1.5, 2.0, 2.5, 3.5, 4.0]
SENSITIVITY = [0.0, 0.2, 0.4, 0.4, 0.6, 0.6, 0.6, 0.6, 0.6]


def image(rng, normal):
    """(mask, xy, scores) with up to four square lesions, the first of them missed, and marks, often of equal score."""
    mask = np.zeros((SIDE, SIDE), np.int64)
    corners = [] if normal else [(4, 4), (4, 36), (36, 4), (36, 36)][: rng.integers(2, 5)]
    for label, (x, y) in enumerate(corners, 1):
        mask[y : y + BOX, x : x + BOX] = label
    anywhere, on_lesions = rng.integers(0, SIDE, (4, 2)), rng.permutation(np.argwhere(mask > 1)[:, ::-1])[:4]
    xy = np.concatenate([anywhere[mask[anywhere[:, 1], anywhere[:, 0]] != 1], on_lesions])
    return mask, xy, rng.integers(1, 17, len(xy)) / 16


def scored(mask, xy, scores, number):
    places = [np.argwhere(mask == label) for label in range(1, mask.max() + 1)]
    boxes = [(p[:, 1].min() - 0.5, p[:, 0].min() - 0.5, p[:, 1].max() + 0.5, p[:, 0].max() + 0.5) for p in places]
    clusters = [TrueCluster(bbox=box) for box in boxes]
    truth = ImageTruth(path=f"{number}", normal=not places, clusters=clusters)
    none = np.full(len(xy), np.nan)
    detections = Detections(xy.astype(np.float64), scores, np.tile(none[:, None], 4), none)
    return score_image(detections, match(detections, truth, RULE, (0.1, 0.1)), truth, RULE)


def images(seed, number):
    rng = np.random.default_rng(seed)
    return [image(rng, normal=n % 2 == 1) for n in range(number)]


def curve_of(drawn):
    return froc([scored(*one, number) for number, one in enumerate(drawn)], level="cluster")


def test_what_monai_printed():
    curve = curve_of(images(seed=1, number=4))
    assert curve.false_positives.tolist() == FALSE_POSITIVES
    assert curve.sensitivity == pytest.approx(SENSITIVITY, abs=1e-6)


@pytest.mark.parametrize("seed", range(20))
def test_agreement_with_monai(seed):
    monai = pytest.importorskip("monai.metrics.froc")
    drawn = images(seed, number=20)
    parts = [monai.compute_fp_tp_probs(scores, xy[:, 1], xy[:, 0], mask) for mask, xy, scores in drawn]
    false = np.concatenate([part[0] for part, (mask, _, _) in zip(parts, drawn, strict=True) if not mask.any()])
    found = np.concatenate([part[1] for part in parts])
    normal = sum(not mask.any() for mask, _, _ in drawn)
    rates, sensitivity = monai.compute_froc_curve_data(false, found, sum(part[2] for part in parts), normal)
    curve = curve_of(drawn)
    assert curve.false_positives == pytest.approx(rates[::-1], abs=1e-6)
    assert curve.sensitivity == pytest.approx(sensitivity[::-1], abs=1e-6)
    # Its score joins the points by straight lines: where those are level, and beyond the last, it is ours.
    flat = (np.diff(curve.sensitivity) == 0) & (np.diff(curve.false_positives) > 0)
    between = [*((curve.false_positives[1:] + curve.false_positives[:-1]) / 2)[flat], 100.0]
    ours = np.mean([curve.sensitivity_at(rate) for rate in between])
    assert monai.compute_froc_score(rates, sensitivity, tuple(between)) == pytest.approx(ours, abs=1e-6)
