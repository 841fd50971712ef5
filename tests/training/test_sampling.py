from types import SimpleNamespace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from microcalc.errors import UsageError
from microcalc.recipe.fitting import Sampling
from microcalc.training.sampling import EpochSampler, in_order

NEGATIVES, POSITIVES = 90, 10


class ToyPart(SimpleNamespace):
    def __len__(self):
        return len(self.classes)


def part(*counts, origins=None):
    """Patches of class 0, then of class 1 ..., so many of each."""
    classes = np.repeat(np.arange(len(counts)), counts)
    of = origins or ["grid"] * len(classes)
    return ToyPart(classes=classes, patches=[SimpleNamespace(origin=origin) for origin in of])


def epoch(of, number=0, batch=8, seed=5, rank=0, world=1, **rules):
    """The batches of an epoch, as lists of (position, turn)."""
    sampler = EpochSampler(of, Sampling(**rules), batch, seed, rank=rank, world=world)
    sampler.epoch = number
    batches = [list(zip(draw.positions.tolist(), draw.turns.tolist(), strict=True)) for draw in sampler]
    assert len(batches) == len(sampler)
    return batches


def positions(batches):
    return [position for batch in batches for position, _ in batch]


def test_all_patches_once_in_another_order_each_epoch():
    of = part(15, 5)
    first, second = positions(epoch(of, 0)), positions(epoch(of, 1))
    assert sorted(first) == sorted(second) == list(range(20))
    assert first != second
    assert [len(batch) for batch in epoch(of)] == [8, 8, 4]


def test_an_epoch_depends_on_seed_and_number_alone():
    of, sampler = part(15, 5), EpochSampler(part(15, 5), Sampling(), 8, 5)
    list(sampler)
    sampler.epoch = 3
    assert [draw.positions.tolist() for draw in sampler] == [[p for p, _ in batch] for batch in epoch(of, 3)]
    assert epoch(of, 3, seed=6) != epoch(of, 3)


def test_a_last_batch_of_a_single_patch_is_left_out():
    assert [len(batch) for batch in epoch(part(12, 5))] == [8, 8]  # of 17
    assert [len(batch) for batch in epoch(part(2, 1), batch=1)] == [1, 1, 1]


def test_the_ratio_is_drawn_anew_each_epoch():
    of = part(NEGATIVES, POSITIVES)
    epochs = [positions(epoch(of, number, ratio=3)) for number in range(30)]
    for drawn in epochs:
        assert len(drawn) == len(set(drawn)) == 40  # 10 positives, 3 times as many negatives
        assert set(range(90, 100)) <= set(drawn)
    assert len({frozenset(drawn) for drawn in epochs}) == 30
    # A negative is missed by all of 30 epochs with probability (2/3)^30, about 5e-6.
    assert set().union(*epochs) == set(range(100))


def test_a_ratio_of_more_than_there_are_takes_all():
    assert sorted(positions(epoch(part(12, 6), ratio=10))) == list(range(18))


def test_balanced_draws_have_every_class_equally_often():
    of = part(80, 15, 5)
    drawn = of.classes[positions(epoch(of, balanced=True))]
    assert np.bincount(drawn).tolist() in ([34, 33, 33], [33, 34, 33], [33, 33, 34])
    assert np.bincount(of.classes[positions(epoch(of, balanced=True, batches=6))]).tolist() == [16, 16, 16]
    every = positions(epoch(of, balanced=True, batches=500))  # 1,333 draws of 80 negatives: each is missed with e^-17
    assert set(every) == set(range(100))


def test_a_number_of_batches():
    of = part(15, 5)
    few, many = epoch(of, batches=2), epoch(of, batches=6)
    assert [len(batch) for batch in few] == [8, 8]
    assert len(set(positions(few))) == 16
    # Six batches are 48 patches: all of the 20 twice, and 8 of them again.
    assert sorted(np.bincount(positions(many)).tolist()) == [2] * 12 + [3] * 8


def test_batches_of_a_ratio_are_of_one_draw():
    assert len(set(positions(epoch(part(NEGATIVES, POSITIVES), ratio=1, batches=10)))) == 20


def test_turned_patches_come_four_times_but_those_of_some_origins():
    of = part(3, 2, origins=["healthy", "mass", "healthy", "cluster", "cluster"])
    drawn = [item for batch in epoch(of, turned_but=("healthy",)) for item in batch]
    assert sorted(drawn) == [(0, 0), *[(1, turn) for turn in range(4)], (2, 0)] + [
        (position, turn) for position in (3, 4) for turn in range(4)
    ]
    assert {turn for batch in epoch(of) for _, turn in batch} == {0}


@settings(max_examples=50, deadline=None)
@given(
    st.integers(1, 40),
    st.integers(1, 20),
    st.sampled_from([{}, {"ratio": 1.5}, {"balanced": True}, {"batches": 3}]),
    st.sampled_from([1, 2, 4]),
    st.integers(0, 100),
)
def test_processes_share_what_a_single_one_would_have(negatives, positives, rules, world, number):
    of = part(negatives, positives)
    whole = epoch(of, number, batch=8, **rules)
    shares = [epoch(of, number, batch=8, rank=rank, world=world, **rules) for rank in range(world)]
    assert {len(share) for share in shares} == {len(whole)}
    for batch, *own in zip(whole, *shares, strict=True):
        assert len({len(one) for one in own}) == 1
        together = [item for one in own for item in one]
        assert set(together) == set(batch)
        assert 0 <= len(together) - len(batch) < world  # some stand in twice, where it cannot be shared out
        if len(batch) == 8:
            assert sorted(together) == sorted(batch)


def test_a_batch_that_cannot_be_shared_out_is_refused():
    with pytest.raises(UsageError, match="a batch that 3 GPUs share evenly, found 8 patches; use a number of GPUs"):
        EpochSampler(part(5, 5), Sampling(), 8, 0, world=3)


def test_validation_is_in_order():
    assert [draw.positions.tolist() for draw in in_order(part(4, 3), 3)] == [[0, 1, 2], [3, 4, 5], [6]]
    assert [draw.turns.tolist() for draw in in_order(part(1, 1), 2)] == [[0, 0]]
