import math

import pytest

from microcalc.errors import UsageError
from microcalc.training.search import Grid, Range, Tpe, parse_space


def test_values_and_ranges_are_told_apart():
    assert parse_space(["a.b=1e-4,5e-5", "c=1e-6..1e-3", "d=2..8", "e=x,null"]) == {
        "a.b": (1e-4, 5e-5),
        "c": Range(1e-6, 1e-3),
        "d": Range(2, 8),
        "e": ("x", None),
    }


@pytest.mark.parametrize("texts", [["a=1", "a=2"], ["a=1,1"], ["a=5..2"], ["a=1..x"], ["a=1..2,3"], ["a=1..2..3"]])
def test_what_makes_no_sense_is_refused(texts):
    with pytest.raises(UsageError):
        parse_space(texts)


def test_a_grid_has_every_combination_once():
    grid = Grid({"a": (1, 2), "b": ("x", "y", "z")})
    assert grid.total == 6
    assert [(values["a"], values["b"]) for values in grid.ask()] == [
        (1, "x"), (1, "y"), (1, "z"), (2, "x"), (2, "y"), (2, "z"),
    ]  # fmt: skip
    assert grid.ask() == []


def test_a_grid_has_no_ranges():
    with pytest.raises(UsageError, match="give --trials"):
        Grid({"a": Range(1.0, 2.0)})


SPACE = {"rate": Range(1e-6, 1e-2), "layers": Range(1, 4), "name": ("x", "y")}


class TestTpe:
    @pytest.fixture(autouse=True)
    def _optuna(self):
        pytest.importorskip("optuna")

    @staticmethod
    def goes(answer, *, trials=20, at_once=1, seed=3, largest=False, space=SPACE):
        """All values asked for, with ``answer`` to each."""
        search, asked = Tpe(space, trials, at_once=at_once, largest=largest, seed=seed), []
        while batch := search.ask():
            assert len(batch) <= at_once
            for values in batch:
                search.tell(search.told, answer(values))
                asked.append(values)
        return asked

    @staticmethod
    def away(values):
        """From 1e-4, in decades."""
        return abs(math.log10(values["rate"]) + 4)

    def test_it_asks_within_the_space_and_so_often(self):
        asked = self.goes(self.away)
        assert len(asked) == 20
        assert all(
            1e-6 <= one["rate"] <= 1e-2 and one["layers"] in (1, 2, 3, 4) and one["name"] in "xy" for one in asked
        )
        assert all(float(f"{one['rate']:.3g}") == one["rate"] for one in asked)
        # By the logarithm: of even draws over the numbers themselves a hundredth would lie below 1e-4.
        assert sum(one["rate"] < 1e-4 for one in asked) >= 5

    @pytest.mark.parametrize("at_once", [1, 3])
    def test_equal_answers_give_equal_questions(self, at_once):
        assert self.goes(self.away, at_once=at_once) == self.goes(self.away, at_once=at_once)
        assert self.goes(self.away, at_once=at_once) != self.goes(self.away, at_once=at_once, seed=4)

    def test_it_learns_where_the_best_lies(self):
        """After ten even draws it stays nearer to the best, whichever end is the best."""
        space = {"rate": SPACE["rate"]}
        asked = self.goes(self.away, trials=40, space=space)
        largest = self.goes(lambda values: -self.away(values), trials=40, space=space, largest=True)
        assert asked == largest
        early, late = ([self.away(values) for values in part] for part in (asked[:10], asked[-10:]))
        assert sum(late) < sum(early) / 2

    def test_a_run_that_failed_does_not_end_it(self):
        assert len(self.goes(lambda values: None if values["name"] == "x" else 1.0, trials=12)) == 12
