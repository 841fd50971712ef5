"""Scored images, for tests of what is computed from them."""

import itertools

import numpy as np
import pytest

from microcalc.evaluation.matching import parse_rule
from microcalc.evaluation.scores import ImageScores
from microcalc.truth import ImageTruth, TrueCalcification, TrueCluster

#: Of images whose path does not matter.
NUMBER = itertools.count()


@pytest.fixture(scope="session")
def lesion_image():
    """Builds an image of the lesions whose best scores are given, -inf for a miss."""

    def build(*best, false=(), rule="disc14", area=None, **known):
        known = {"path": f"l{next(NUMBER)}", "patient": "p", "side": "L", "breast_area_cm2": area} | known
        rule = parse_rule(rule)
        if rule.lesions == "calcification":
            known["calcifications"] = [TrueCalcification(x=10 * i, y=0) for i in range(len(best))]
        else:
            known["clusters"] = [TrueCluster(bbox=(10 * i, 0, 10 * i + 5, 5)) for i in range(len(best))]
        return _scored(ImageTruth(**known), best, false, rule)

    return build


@pytest.fixture(scope="session")
def normal_image():
    """Builds an image known to be normal, with false positives of the given scores."""

    def build(*false, rule="disc14", area=None, **known):
        known = {
            "path": f"n{next(NUMBER)}",
            "patient": "p",
            "side": "L",
            "normal": True,
            "breast_area_cm2": area,
        } | known
        return _scored(ImageTruth(**known), (), false, parse_rule(rule))

    return build


def _scored(truth, best, false, rule):
    best, false = np.array(best, np.float64), np.array(false, np.float64)
    highest = max([*best, *false], default=-np.inf)
    return ImageScores(truth, np.arange(best.size), best, false, highest, rule)
