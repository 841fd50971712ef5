"""When a fine-tuned package is accepted, and what is said of it."""

import pytest

from microcalc.models import Metric
from microcalc.training.finetune_verdict import Verdict


def metric(measure, value, low=None, high=None):
    return Metric(
        measure=measure,
        value=value,
        low=low,
        high=high,
        data="truth:mine",
        split="test",
        n=30,
        level="calcification",
        rule="disc14",
        remark=None if low is not None else "no interval: too few patients",
    )


def verdict(gain, low=None, high=None, patients=12):
    others = [metric("AUC50, old", 0.5, 0.4, 0.6), metric("AUC50, new", 0.5 + (gain or 0), 0.4, 0.7)]
    part = metric("AUC50, new minus old, SNR 3 to 5", 0.9, 0.8, 1.0)
    return Verdict.of([part, *others, metric("AUC50, new minus old", gain, low, high)], "old", "new", patients)


@pytest.mark.parametrize(
    ("gain", "low", "high", "accepted"),
    [
        (0.05, 0.01, 0.09, True),
        (0.05, -0.01, 0.09, True),  # as far below 0 as is tolerated
        (0.05, -0.011, 0.09, False),
        (0.0, 0.0, 0.0, False),  # no gain
        (-0.001, -0.005, 0.003, False),
        (0.05, None, None, False),  # nobody knows how sure that is
        (None, None, None, False),
    ],
)
def test_it_is_accepted_when_better_and_surely_not_worse(gain, low, high, accepted):
    assert verdict(gain, low, high).accepted is accepted


@pytest.mark.parametrize(("patients", "accepted"), [(9, False), (10, True)])
def test_a_gain_on_too_few_patients_is_none(patients, accepted):
    found = verdict(0.05, 0.01, 0.09, patients)
    assert found.accepted is accepted
    assert str(found).endswith("; too few patients to tell, at least 10 are needed") is not accepted
    assert "on at least 10 held-out patients" in found.rule


def test_it_is_said_in_a_sentence():
    assert str(verdict(0.05, 0.01, 0.09)) == (
        "AUC50 on 12 held-out patients: 0.500 before, 0.550 after, gain +0.050 (95 % interval +0.010 to +0.090)"
    )
    assert str(verdict(0.05)).endswith("gain +0.050 (no interval)")
    assert str(verdict(None)).endswith("not defined (no interval: too few patients)")
