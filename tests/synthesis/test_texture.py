import numpy as np
import pytest

from microcalc.synthesis.texture import Foam, Strands, smooth_noise

SHAPE, SPACING = (600, 500), 0.2


def test_smooth_noise_has_unit_variance_and_blobs_of_the_size_asked_for():
    slope = {}
    for size in (2, 4):
        noise = smooth_noise(SHAPE, SPACING, np.random.default_rng(0), size=size)
        assert noise.shape == SHAPE
        assert (noise.mean(), noise.std()) == pytest.approx((0, 1), abs=0.1)
        slope[size] = np.abs(np.diff(noise, axis=0)).mean()
    assert slope[2] / slope[4] == pytest.approx(2, rel=0.1)  # blobs of half the size are twice as steep


def test_stretched_noise_is_longer_along_x():
    noise = smooth_noise(SHAPE, SPACING, np.random.default_rng(0), size=3, stretch=1.5)
    ratio = np.abs(np.diff(noise, axis=0)).mean() / np.abs(np.diff(noise, axis=1)).mean()
    assert ratio == pytest.approx(1.5, rel=0.1)


def test_foam_is_dark_cells_between_bright_septa():
    foam = Foam((8.0,), decay=0, layers=1, feed=0, width=0.5, stretch=1).draw(SHAPE, SPACING, np.random.default_rng(0))
    assert foam.shape == SHAPE
    assert foam.mean() == pytest.approx(1, rel=1e-4)
    # Septa are where the noise is within half a standard deviation of zero: 0.38 of a normal variable's draws.
    assert (foam > 0).mean() == pytest.approx(0.38, abs=0.08)


@pytest.mark.parametrize(("feed", "empty"), [(1.0, True), (0.0, False)])
def test_finer_septa_lie_upon_coarser_ones_as_far_as_they_are_fed_by_them(feed: float, empty: bool):
    kind = {"decay": 0, "layers": 1, "width": 0.5, "stretch": 1}
    coarse = Foam((20.0,), feed=feed, **kind).draw(SHAPE, SPACING, np.random.default_rng(0))
    both = Foam((20.0, 2.0), feed=feed, **kind).draw(SHAPE, SPACING, np.random.default_rng(0))
    cells = coarse == 0
    assert cells.mean() > 0.3
    assert ((both[cells] > 0.01).mean() < 0.05) is np.bool_(empty)


def test_a_strand_tapers_to_two_fifths_of_its_width():
    kind = Strands(per_cm2=1e-9, length=20, width=2, flatness=1, bend=0, spread=0)
    # One straight tube along x, by this seed well inside the field.
    thickness = kind.draw(SHAPE, SPACING, np.random.default_rng(0))
    section = thickness.sum(0) * SPACING
    start, *_, end = np.nonzero(section > 0.001)[0]
    assert (end - start) * SPACING == pytest.approx(20, abs=2)
    # A quarter from either end it is 0.85 and 0.55 of its width: sections go by the square.
    first, last = section[(3 * start + end) // 4], section[(start + 3 * end) // 4]
    assert first / last == pytest.approx((0.85 / 0.55) ** 2, rel=0.1)


def test_a_fork_adds_a_thinner_branch():
    rng = np.random.default_rng
    stem = {"per_cm2": 1e-9, "length": 20, "width": 2, "flatness": 1, "bend": 0, "spread": 0}
    alone = Strands(**stem).draw(SHAPE, SPACING, rng(0))
    forked = Strands(**stem, forks=1).draw(SHAPE, SPACING, rng(0))
    branch = forked - alone
    assert branch.min() > -1e-6
    # Half as long and 0.65 times as wide: 0.5 * 0.65^2 of the volume.
    assert branch.sum() / alone.sum() == pytest.approx(0.5 * 0.65**2, rel=0.15)
