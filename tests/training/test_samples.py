from dataclasses import dataclass, fields

import numpy as np
import pytest

from microcalc.candidates import Candidates
from microcalc.datasets import Record
from microcalc.errors import ReadError
from microcalc.imageio import read_mammogram
from microcalc.training.samples import DUPLICATE, FALSE, HIT, IGNORED, Samples, sample
from microcalc.truth import Ignored, ImageTruth, TrueCalcification


@dataclass
class Proposing:
    """Proposes candidates at points of the working image."""

    points: list
    scores: list

    def __call__(self, image, breast, spacing_mm):
        self.seen = image.shape, spacing_mm
        return Candidates(np.array(self.points, float), np.ones(len(self.points)), np.array(self.scores, float))


@pytest.fixture
def record(breast_png, tmp_path):
    """400 x 300 px of 0.1 mm, the breast at the left; a lesion at (100, 200), another at (60, 150), one to ignore."""
    truth = ImageTruth(
        path="a.png",
        rows=400,
        columns=300,
        spacing_mm=(0.1, 0.1),
        calcifications=(
            TrueCalcification(x=100, y=200, diameter_mm=0.2),
            TrueCalcification(x=60, y=150, diameter_mm=0.2),
        ),
        ignore=(Ignored(bbox=(150, 200, 160, 210)),),
    )
    return Record(breast_png(tmp_path / "a.png"), truth)


def working(record, points):
    """The points of the original image as a proposer sees them: cropped 8 px around the breast, at the left edge."""
    from microcalc.breast import Frame, find_breast

    mammogram = read_mammogram(record.path).with_spacing((0.1, 0.1), "dataset")
    return Frame.around(find_breast(mammogram), (0.1, 0.1), 0.07).to_working(points).tolist()


def test_candidates_are_told_apart_by_the_rule(record):
    # A disc has a radius of 0.49 mm = 4.9 px, the lesion one of 1 px: 5 px off touches, 8 px off does not.
    points = [(105, 200), (98, 200), (108, 200), (155, 205)]
    proposing = Proposing(working(record, points), [0.9, 0.5, 0.4, 0.3])
    found = sample(record, proposing, 0.07, ("first_order", "haar"))
    assert found.kinds.tolist() == [HIT, DUPLICATE, FALSE, IGNORED]
    assert (found.targets, found.found) == (2, 1)
    assert found.labels.tolist() == [True, False, False, False]
    assert found.counted.tolist() == [True, False, True, False]
    np.testing.assert_allclose(found.xy, points, atol=1e-9)
    assert proposing.seen[1] == pytest.approx(0.1)  # never enlarged
    assert found.plain.shape == (4, 17)
    assert found.windows.shape == (4, 14, 14)


def test_no_candidate_is_no_error(record):
    found = sample(record, Proposing(np.empty((0, 2)), []), 0.07, ("first_order",))
    assert found.plain.shape == (0, 17)
    assert (found.targets, found.found) == (2, 0)


def test_scores_are_matched_anew(record):
    points = [(105, 200), (98, 200), (108, 200), (155, 205)]
    found = sample(record, Proposing(working(record, points), [0.9, 0.5, 0.4, 0.3]), 0.07, ("first_order",))
    account = found.scored(record, np.array([0.2, 0.8, 0.6, 0.7]))
    assert account.best.tolist() == [0.8, -np.inf]  # now the second is the better one on the lesion
    assert account.false_positives.tolist() == [0.6]


def test_written_samples_read_back(record, tmp_path):
    found = sample(record, Proposing(working(record, [(105, 200)]), [0.9]), 0.07, ("first_order",))
    found.save(tmp_path / "a.npz")
    again = Samples.load(tmp_path / "a.npz")
    for field in fields(Samples):
        np.testing.assert_array_equal(getattr(again, field.name), getattr(found, field.name))


@pytest.mark.parametrize("kept", [0.0, 0.02, 0.5, 0.9])
def test_damaged_samples_are_told_of(toy_samples, tmp_path, kept):
    whole = tmp_path / "whole.npz"
    toy_samples(2, 3, np.random.default_rng(0)).save(whole)
    (tmp_path / "a.npz").write_bytes(whole.read_bytes()[: int(kept * whole.stat().st_size)])
    with pytest.raises(ReadError, match="samples of an image"):
        Samples.load(tmp_path / "a.npz")
