from pathlib import Path

import numpy as np
import pytest

from microcalc.datasets import Record, Table
from microcalc.errors import UsageError
from microcalc.training.scan import accounts
from microcalc.truth import ImageTruth, TrueCalcification

ROOT = Path("/images")


def table(*names):
    known = {
        "a.png": {"calcifications": (TrueCalcification(x=50.0, y=50.0), TrueCalcification(x=200.0, y=200.0))},
        "b.png": {"normal": True},
    }
    return Table(
        [
            Record(ROOT / name, ImageTruth(path=name, rows=400, columns=400, patient=name, **known[name]))
            for name in names
        ]
    )


@pytest.fixture
def found(report):
    return report({"a.png": [(51, 50, 0.9), (49, 50, 0.8), (300, 300, 0.4)], "b.png": [(10, 10, 0.3)]})


def test_hits_and_false_marks_count_and_second_marks_on_a_lesion_do_not(found):
    seen = accounts(table("a.png", "b.png"), {"d": found})["d"]
    assert sorted(zip(seen.scores.tolist(), seen.labels.tolist(), strict=True)) == [
        (0.3, False),
        (0.4, False),
        (0.9, True),
    ]
    assert seen.images[0].best.tolist() == [0.9, -np.inf]
    assert seen.images[1].false_positives.tolist() == [0.3]


def test_rescored_keeps_what_was_missed_missed(found):
    seen = accounts(table("a.png", "b.png"), {"d": found})["d"].rescored(lambda scores: scores / 2)
    assert seen.images[0].best.tolist() == [0.45, -np.inf]
    assert seen.images[1].highest == pytest.approx(0.15)
    assert seen.scores.max() == pytest.approx(0.45)


def test_only_images_that_all_detectors_could_process(report, found):
    scans = accounts(table("a.png", "b.png"), {"d": found, "e": report({"b.png": []})})
    assert [[one.truth.path for one in seen.images] for seen in scans.values()] == [["b.png"], ["b.png"]]
    assert scans["d"].left_out == 1
    with pytest.raises(UsageError, match="none of 1"):
        accounts(table("a.png"), {"d": found, "e": report({})})
