import numpy as np
import pytest

from microcalc.features.haar_prototypes import pictures, prototypes
from microcalc.recipe import HaarSelection
from microcalc.training.haar_selection import rank

PARAMETERS = HaarSelection(images=8, first=10, second=12, kept=5, trees=10, folds=2, sizes=(2, 22))


@pytest.fixture(scope="module")
def ranking(toy_pool):
    return rank(toy_pool(contrast=0.3), toy_pool(patients=4, seed=1, contrast=0.3), PARAMETERS, ratio=4, seed=0)


def test_both_lots_stay_in_the_order(ranking):
    assert len(set(ranking.order)) == 22
    groups = [prototypes()[index].kind.group for index in ranking.order]
    assert groups.count("adjacent") == 10
    assert (np.diff(ranking.importance) <= 0).all()
    assert sum(ranking.importance) == pytest.approx(1)


def test_what_answers_to_the_middle_is_important(ranking):
    def response(indices):
        """To 1 in the 4 x 4 middle of a window, 0 elsewhere, over what noise of 1 a pixel makes of it."""
        shown = pictures([prototypes()[index] for index in indices])
        return np.abs(shown[:, 5:9, 5:9].sum(axis=(1, 2))) / np.sqrt((shown**2).sum(axis=(1, 2)))

    at_random = np.random.default_rng(0).choice(len(prototypes()), 1000)
    assert response(ranking.order[:5]).mean() > 2 * response(at_random).mean()


def test_plateau_is_drawn_on_validation(ranking, toy_pool):
    assert [row.features for row in ranking.plateau] == [2, 22]
    assert ranking.plateau[1].auroc > 0.8
    nothing_to_see = toy_pool(patients=8, hits=10, seed=1, contrast=0)
    blind = rank(toy_pool(contrast=0.3), nothing_to_see, PARAMETERS, ratio=4, seed=0)
    assert blind.order == ranking.order
    assert all(row.auroc < 0.7 for row in blind.plateau)


def test_a_seed_repeats(toy_pool, ranking):
    assert (
        rank(toy_pool(contrast=0.3), toy_pool(patients=4, seed=1, contrast=0.3), PARAMETERS, ratio=4, seed=0) == ranking
    )
