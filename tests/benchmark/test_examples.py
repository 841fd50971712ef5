"""Examples are drawn from all of their kind, and are the same every time."""

import pytest

from microcalc.benchmark.examples import EACH, KINDS, PATCHES, drawn_by_kind, drawn_patches
from microcalc.truth import ImageTruth, TrueCalcification, TrueCluster

SPACING = (0.1, 0.1)


def lesions(name, *centres):
    marks = tuple(TrueCalcification(x=x, y=y, diameter_mm=0.3) for x, y in centres)
    return ImageTruth(path=f"{name}.png", spacing_mm=SPACING, calcifications=marks)


def normal(name):
    return ImageTruth(path=f"{name}.png", spacing_mm=SPACING, normal=True)


@pytest.fixture
def scored(make_scored):
    """One image with three lesions and a false mark that does not count, and a normal one; threshold 0.5."""
    truths = (lesions("a", (100, 100), (200, 100), (300, 100)), normal("n"))
    of_a = ((100, 100, 0.9), (101, 100, 0.8), (201, 100, 0.3), (250, 250, 0.95))
    of_n = ((50, 60, 0.2), (70, 60, 0.5), (90, 60, 0.7))
    return make_scored(truths, first=(of_a, of_n), second=((), ()))


def test_each_kind_holds_what_it_says(scored):
    """The second mark on the first lesion is a duplicate, and the false mark beside lesions enters no curve."""
    drawn = drawn_by_kind(scored[0], seed=0)
    assert list(drawn) == list(KINDS)
    found = {kind: sorted((spot.centre, spot.score) for spot in of.spots) for kind, of in drawn.items()}
    assert found == {
        "A": [((201, 100), 0.3)],
        "B": [((100, 100), 0.9)],
        "C": [((50, 60), 0.2)],
        "D": [((70, 60), 0.5), ((90, 60), 0.7)],
        "E": [((300, 100), None)],
    }
    assert {spot.image for spot in drawn["D"].spots} == {1}


def test_a_detector_that_finds_nothing(scored):
    drawn = drawn_by_kind(scored[1], seed=0)
    assert {kind: of.total for kind, of in drawn.items()} == {"A": 0, "B": 0, "C": 0, "D": 0, "E": 3}


class TestByChance:
    @pytest.fixture
    def many(self, make_scored):
        """Fifty false marks on one normal image, one on each of three others, and a lesion."""
        truths = (lesions("a", (100, 100)), *(normal(name) for name in "wxyz"))
        crowd = tuple((10.0 * i, 50, 0.9) for i in range(50))
        return make_scored(truths, first=((), crowd, *(((7, 7, 0.9),) for _ in range(3))))

    def test_images_take_turns(self, many):
        drawn = drawn_by_kind(many[0], seed=0)["D"]
        assert drawn.total == 53
        assert sorted(spot.image for spot in drawn.spots) == [1, 2, 3, 4]
        assert len(drawn.spots) == EACH

    def test_the_seed_decides(self, many):
        def of_crowd(seed):
            return next(spot.centre for spot in drawn_by_kind(many[0], seed)["D"].spots if spot.image == 1)

        assert of_crowd(3) == of_crowd(3)
        assert len({of_crowd(seed) for seed in range(20)}) > 5


class TestPatches:
    def test_two_images_with_a_lesion_and_a_false_mark(self, make_scored):
        truths = (lesions("a", (100, 100)), lesions("b", (200, 150)), lesions("c", (300, 150)), normal("n"))
        quiet, loud = ((), (), (), ((9, 9, 0.4),)), ((), (), (), ((60, 70, 0.9),))
        patches = drawn_patches(make_scored(truths, quiet=quiet, loud=loud), seed=1)
        *around, false = patches
        assert len(around) == PATCHES
        centres = [(100, 100), (200, 150), (300, 150)]
        assert all(spot.centre == pytest.approx(centres[spot.image]) for spot in around)
        assert around[0].image != around[1].image
        assert (false.image, false.centre, false.drawn_as) == (3, (60, 70), "around a false mark of loud")
        assert false.shown_mm == pytest.approx(15.68)  # 224 px of 0.07 mm

    def test_without_a_false_mark_there_is_none(self, scored):
        (patch,) = drawn_patches(scored[1:], seed=0)
        assert patch.drawn_as == "around a lesion"

    def test_a_cluster_has_a_middle_too(self, make_scored):
        truth = ImageTruth(path="a.png", spacing_mm=SPACING, clusters=(TrueCluster(bbox=(100, 40, 140, 80)),))
        (patch,) = drawn_patches(make_scored((truth,), rule="cluster:marks=1", first=((),)), seed=0)
        assert patch.centre == (120, 60)
