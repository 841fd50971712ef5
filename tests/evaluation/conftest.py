"""Scored images, for tests of what is computed from them."""

import numpy as np
import pytest

from microcalc.evaluation.froc import ImageScores
from microcalc.evaluation.matching import parse_rule
from microcalc.truth import ImageTruth, TrueCalcification, TrueCluster


@pytest.fixture(scope="session")
def lesion_image():
    """Builds an image of the lesions whose best scores are given, -inf for a miss."""

    def build(*best, false=(), rule="disc14", area=None, **known):
        known = {"path": "a", "patient": "p", "side": "L"} | known
        rule = parse_rule(rule)
        if rule.lesions == "calcification":
            known["calcifications"] = [TrueCalcification(x=10 * i, y=0) for i in range(len(best))]
        else:
            known["clusters"] = [TrueCluster(bbox=(10 * i, 0, 10 * i + 5, 5)) for i in range(len(best))]
        return _scored(ImageTruth(**known), best, false, rule, area)

    return build


@pytest.fixture(scope="session")
def normal_image():
    """Builds an image known to be normal, with false positives of the given scores."""

    def build(*false, rule="disc14", area=None, **known):
        known = {"path": "n", "patient": "p", "side": "L", "normal": True} | known
        return _scored(ImageTruth(**known), (), false, parse_rule(rule), area)

    return build


def _scored(truth, best, false, rule, area):
    best, false = np.array(best, np.float64), np.array(false, np.float64)
    highest = max([*best, *false], default=-np.inf)
    return ImageScores(truth, area, np.arange(best.size), best, false, highest, rule)
