"""Proposers on one image: what each candidate is, and how much of the breast they cover."""

import numpy as np
import pytest

from microcalc.benchmark import proposing
from microcalc.benchmark.proposing import Task, covered, process
from microcalc.candidates import Candidates
from microcalc.datasets import open_data
from microcalc.findings import Failure


def near_the_brightest(image, breast, spacing_mm):
    """Candidates on the brightest pixel, 3 px below it, and 60 px below that."""
    y, x = np.unravel_index(image.argmax(), image.shape)
    centres = np.array([(x, y), (x, y + 3), (x, y + 63)], np.float64)
    return Candidates(centres, np.full(3, 0.2), np.array([0.9, 0.8, 0.7]))


def nothing(image, breast, spacing_mm):
    return Candidates(np.empty((0, 2)), np.empty(0), np.empty(0))


@pytest.fixture
def fakes(monkeypatch):
    """Proposers that need no parsing, in this process."""
    monkeypatch.setattr(proposing, "_loaded", {"near": near_the_brightest, "nothing": nothing}.__getitem__)


def records(data):
    return {record.truth.path: record for record in open_data(f"truth:{data}")}


# Pixels are 0.1 mm: the discs of 0.49 mm around the first two candidates reach the speck, the third's does not.
@pytest.mark.parametrize("path", ["p_L.png", "p_R.png"])
def test_one_candidate_on_a_lesion_counts_and_others_neither_for_nor_against(data, fakes, path):
    image = process(Task(records(data)[path], ("near", "nothing"), "disc14"))
    assert (image.path, image.lesions) == (path, (0,))
    near, none = image.outcomes["near"], image.outcomes["nothing"]
    assert (near.candidates, near.found, near.hits, near.false_positives) == (3, (True,), 1, 1)
    assert (none.candidates, none.found, none.false_positives, none.covered) == (0, (False,), 0, 0.0)


def test_a_smaller_reach_finds_less(data, fakes):
    image = process(Task(records(data)["p_L.png"], ("near",), "distance:0.05"))
    assert image.outcomes["near"].false_positives == 2
    assert image.outcomes["near"].hits == 1


def test_real_proposers_find_the_speck(data):
    image = process(Task(records(data)["p_L.png"], ("hdog", "hdog:threshold=0.9"), "disc14"))
    assert image.outcomes["hdog"].found == (True,)
    assert image.outcomes["hdog:threshold=0.9"].candidates == 0


def test_an_image_that_cannot_be_read_is_a_failure(data, tmp_path):
    record = records(data)["p_L.png"]
    (tmp_path / "p_L.png").write_bytes(b"no picture")
    broken = type(record)(tmp_path / "p_L.png", record.truth)
    failed = process(Task(broken, ("hdog",), "disc14"))
    assert isinstance(failed, Failure)
    assert failed.path == "p_L.png"
    assert str(tmp_path) not in failed.reason


def test_coverage_is_the_share_of_the_breast_within_reach():
    # Of 20 x 20 pixels the left half is breast; 13 have a distance of at most 2 from (5, 5).
    breast = np.zeros((20, 20), bool)
    breast[:, :10] = True
    assert covered(np.array([(5.0, 5.0)]), breast, 2.0) == 13 / 200
    # At (10, 5), off the breast, the disc reaches 1 pixel in column 8 and 3 in column 9.
    assert covered(np.array([(10.0, 5.0)]), breast, 2.0) == 4 / 200
    assert covered(np.empty((0, 2)), breast, 2.0) == 0.0
