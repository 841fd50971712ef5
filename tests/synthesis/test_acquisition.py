import dataclasses

import numpy as np
import pytest

from microcalc.synthesis.acquisition import acquire, measure_snr, reference_attenuation
from microcalc.synthesis.calcification import Shadow
from microcalc.synthesis.device import Device, draw_device
from microcalc.synthesis.phantom import Phantom, Tissue
from microcalc.synthesis.stamp import Stamp

SHAPE = (600, 400)


@pytest.fixture
def device() -> Device:
    drawn = draw_device(np.random.default_rng(4), name="direct-70", shape=SHAPE)
    return dataclasses.replace(drawn, inverted=False)


def speck(contrast: float = 0.5) -> Shadow:
    """A square of 4 x 4 pixels at rows 300..303, columns 80..83."""
    outline = np.array([(79.5, 299.5), (83.5, 299.5), (83.5, 303.5), (79.5, 303.5)])
    return Shadow(300, 80, np.full((4, 4), contrast, np.float32), outline)


@pytest.fixture(scope="module")
def tissue() -> Tissue:
    return Phantom("CC", "L", 3, "B", SHAPE).render()


def picture(side: str, tissue: Tissue, device: Device, shadows=(), stamps=()) -> np.ndarray:
    noise = device.unit_noise(SHAPE, np.random.default_rng(0))
    return acquire(Phantom("CC", side, 3, "B", SHAPE), tissue, device, noise, shadows, stamps)


def test_calcium_brightens_the_picture_where_it_lies_and_nowhere_else(tissue: Tissue, device: Device):
    added = picture("L", tissue, device, [speck()]).astype(int) - picture("L", tissue, device)
    rows, columns = np.nonzero(added)
    assert added[300:304, 80:84].min() > 0.05 * device.full
    reach = device.reach_px
    assert 300 - reach <= rows.min() <= rows.max() <= 303 + reach
    assert 80 - reach <= columns.min() <= columns.max() <= 83 + reach


def test_tissue_stays_as_it_was(tissue: Tissue, device: Device):
    before = tissue.attenuation.copy()
    picture("L", tissue, device, [speck()])
    assert np.array_equal(tissue.attenuation, before)


def test_right_breasts_are_mirrored(tissue: Tissue, device: Device):
    # Noise of structure alone: either side's exposure is set for its own thickness.
    device = dataclasses.replace(device, quantum=0.0, electronic=0.0)
    stamps = [Stamp("marker", 10, 350, np.ones((5, 8), np.float32), "grey")]
    left, right = (picture(side, tissue, device, [speck()], stamps) for side in ("L", "R"))
    assert np.array_equal(left[:, ::-1], right)
    assert right.flags.c_contiguous
    assert (left[10:15, 350:358] == device.full).all()


def test_monochrome_1_is_the_negative(tissue: Tissue, device: Device):
    plain, negative = (
        picture("L", tissue, dataclasses.replace(device, inverted=inverted)) for inverted in (False, True)
    )
    assert np.array_equal(negative, device.full - plain)


def test_stamps_in_the_beam_are_blurred_and_burnt_ones_are_not(tissue: Tissue, device: Device):
    line = np.ones((1, 40), np.float32)
    plain = picture("L", tissue, device).astype(int)
    beam, burnt = (
        picture("L", tissue, device, (), [Stamp("line", 300, 60, line, stage)]) - plain
        for stage in ("attenuation", "grey")
    )
    assert (plain + burnt)[300, 60:100].min() == device.full
    assert not burnt[299].any()
    assert beam[300, 62:98].min() > 0
    assert beam[299, 62:98].min() > 0


def test_snr_follows_contrast_over_noise(tissue: Tissue, device: Device):
    reference = 3.0
    noise = device.unit_noise(SHAPE, np.random.default_rng(0))
    flat = np.full(SHAPE, reference, np.float32)
    plain = measure_snr(speck(0.2), flat, noise, device, reference)
    assert measure_snr(speck(0.4), flat, noise, device, reference) == pytest.approx(2 * plain, rel=1e-3)
    assert measure_snr(speck(0.2), flat, 2 * noise, device, reference) == pytest.approx(plain / 2, rel=1e-3)


def test_the_exposure_is_set_for_the_level_breast():
    outline = Phantom("CC", "L", 3, "B", SHAPE).outline
    thickness = np.zeros(SHAPE, np.float32)
    thickness[:, :200] = outline.thickness
    thickness[:, 200:300] = 0.5 * outline.thickness
    attenuation = np.where(thickness == outline.thickness, np.float32(2.5), np.float32(1.0))
    tissue = Tissue(attenuation, thickness, thickness)
    assert reference_attenuation(Phantom("CC", "L", 3, "B", SHAPE), tissue) == pytest.approx(2.5)
