import numpy as np
import pytest
from scipy import signal

from microcalc.synthesis.texture import Strands, lobules, power_law_field, strand_thickness

SHAPE, SPACING = (600, 500), 0.2


@pytest.mark.parametrize("exponent", [2.5, 3.0])
def test_power_falls_with_the_exponent_asked_for(exponent: float):
    field = power_law_field(SHAPE, SPACING, np.random.default_rng(0), exponent=exponent)
    assert (field.mean(), field.std()) == pytest.approx((0, 1), abs=1e-4)
    # Row by row a 2-D power law of exponent b is a 1-D one of b - 1 (integrated over the other frequency).
    frequency, power = signal.welch(field, 1 / SPACING, nperseg=250, axis=1)
    band = (frequency > 0.2) & (frequency < 1)
    slope = np.polyfit(np.log(frequency[band]), np.log(power.mean(0)[band]), 1)[0]
    assert -slope == pytest.approx(exponent - 1, abs=0.2)


def test_stretched_structure_is_longer_along_x():
    field = power_law_field(SHAPE, SPACING, np.random.default_rng(0), stretch=1.5)
    assert np.abs(np.diff(field, axis=0)).mean() > 1.2 * np.abs(np.diff(field, axis=1)).mean()


def test_lobules_are_full_inside_and_empty_outside_their_border():
    inside, distance = lobules(SHAPE, SPACING, np.random.default_rng(0), size=9)
    assert inside[distance > 1].min() > 0.95
    assert inside[distance < -1].max() < 0.05
    assert inside[np.abs(distance) < 0.01] == pytest.approx(0.5, abs=0.02)


def test_a_strand_tapers_to_two_fifths_of_its_width():
    kind = Strands(per_cm2=1e-9, length=20, width=2, flatness=1, bend=0, spread=0)
    # One straight tube along x, by this seed well inside the field.
    thickness = strand_thickness(SHAPE, SPACING, np.random.default_rng(0), kind)
    section = thickness.sum(0) * SPACING
    start, *_, end = np.nonzero(section > 0.001)[0]
    assert (end - start) * SPACING == pytest.approx(20, abs=1)
    # A quarter from either end it is 0.85 and 0.55 of its width: sections go by the square.
    first, last = section[(3 * start + end) // 4], section[(start + 3 * end) // 4]
    assert first / last == pytest.approx((0.85 / 0.55) ** 2, rel=0.1)
