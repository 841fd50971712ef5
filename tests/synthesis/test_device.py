import dataclasses
import math

import numpy as np
import pytest

from microcalc.errors import UsageError
from microcalc.synthesis.device import DEFAULT_DEVICE, DEVICES, Device, draw_device
from microcalc.synthesis.phantom import Tissue


class Likeliest:
    """In place of random numbers: what is likeliest."""

    def triangular(self, _low: float, mode: float, _high: float) -> float:
        return mode

    def choice(self, options: tuple[int, ...]) -> int:
        return options[0]

    def random(self) -> float:
        return 0.99


@pytest.fixture
def device() -> Device:
    return DEVICES[DEFAULT_DEVICE](Likeliest())


#: Published transfer at 2, 5 and 7 line pairs per mm (up to the Nyquist frequency).
PUBLISHED = {
    "direct-70": (0.9, 0.7, 0.5),
    "direct-85": (0.9, 0.7),
    "csi-100": (0.73, 0.28),
    "csi-85": (0.73, 0.28),
    "counting-50": (0.9, 0.7, 0.5),
    "cr-50": (0.55, 0.15, 0.05),
    "cr-needle-50": (0.7, 0.3, 0.15),
    "film-50": (0.8, 0.45, 0.3),
}


@pytest.mark.parametrize("name", PUBLISHED)
def test_the_likeliest_unit_of_a_kind_transfers_what_was_published(name: str):
    unit = DEVICES[name](Likeliest())
    reached = [unit.mtf(frequency) for frequency in (2, 5, 7)][: len(PUBLISHED[name])]
    assert reached == pytest.approx(PUBLISHED[name], abs=0.06)


@pytest.mark.parametrize("name", DEVICES)
@pytest.mark.parametrize("frequency", [1.0, 3.0, 5.0])
def test_blur_transfers_a_wave_as_stated(name: str, frequency: float):
    unit = DEVICES[name](np.random.default_rng(1))
    wave = np.cos(2 * np.pi * frequency * unit.spacing_mm * (np.arange(401) - 200))
    blurred = unit.blur(np.tile(wave.astype(np.float32), (101, 1)))
    # The middle is a crest; samples are pixel means already, so that the aperture's share is not blurred again.
    assert blurred[50, 200] * np.sinc(frequency * unit.spacing_mm) == pytest.approx(unit.mtf(frequency), abs=1e-3)


def test_noise_has_unit_variance_and_the_correlation_measured_on_selenium(device: Device):
    noise = device.unit_noise((800, 800), np.random.default_rng(0))
    assert noise.std() == pytest.approx(1, abs=0.01)
    lag = [float(np.mean(noise[:, n:] * noise[:, : noise.shape[1] - n])) for n in (1, 2, 3)]
    assert 0.09 < lag[0] < 0.17
    assert 0.03 < lag[1] < 0.07
    assert lag[2] < 0.02


@pytest.mark.parametrize("name", ["csi-100", "csi-85", "cr-50"])
def test_noise_power_falls_where_light_spreads(name: str):
    noise = DEVICES[name](Likeliest()).unit_noise((512, 512), np.random.default_rng(0))
    power = np.mean(np.abs(np.fft.rfft(noise, axis=1)) ** 2, axis=0)
    assert power[200:].mean() < 0.4 * power[5:50].mean()
    assert noise.std() == pytest.approx(1, abs=0.02)


def test_quanta_electronics_and_structure_grow_each_in_their_own_way(device: Device):
    level = np.zeros((300, 300), np.float32)
    level[:, 150:] = math.log(4)
    none = dataclasses.replace(device, quantum=0.0, electronic=0.0, structure=0.0)
    noise = device.unit_noise(level.shape, np.random.default_rng(0))
    for kind, ratio in (("quantum", 2), ("electronic", 4), ("structure", 1)):
        added = dataclasses.replace(none, **{kind: 0.03}).expose(level, noise, 0.0) - level
        assert added[:, :150].std() == pytest.approx(0.03, rel=0.03)
        assert added[:, 150:].std() / added[:, :150].std() == pytest.approx(ratio, rel=0.03)


def test_half_the_pitch_doubles_the_noise(device: Device):
    level, noise = np.zeros((200, 200), np.float32), np.ones((200, 200), np.float32)
    halved = dataclasses.replace(device, spacing_mm=device.spacing_mm / 2)
    assert halved.expose(level, noise, 0.0)[0, 0] == pytest.approx(2 * device.expose(level, noise, 0.0)[0, 0])


@pytest.mark.parametrize("name", DEVICES)
def test_a_window_with_its_margin_is_imaged_as_the_whole(name: str):
    rng = np.random.default_rng(2)
    unit = DEVICES[name](rng)
    x = np.mgrid[:300, :320][1].astype(np.float32)
    skin_distance = (250 - x) * np.float32(unit.spacing_mm)
    thickness = 2 * np.sqrt(np.clip(skin_distance, 0, 25) * (50 - np.clip(skin_distance, 0, 25)))
    attenuation = 0.06 * thickness + 0.2 * (rng.random((300, 320), dtype=np.float32) < 0.1) * (skin_distance > 0)
    noise = unit.unit_noise(attenuation.shape, rng)

    def picture(window: tuple[slice, slice]) -> np.ndarray:
        tissue = Tissue(attenuation[window], thickness[window], skin_distance[window])
        return unit.present(unit.expose(unit.blur(tissue.attenuation), noise[window], 2.7), tissue)

    reach = unit.reach_px
    inside = np.s_[110:180, 190:225]
    margin = np.s_[110 - reach : 180 + reach, 190 - reach : 225 + reach]
    whole, part = picture(np.s_[:, :])[inside], picture(margin)[reach:-reach, reach:-reach]
    assert abs(whole.astype(int) - part).max() <= 1
    assert whole.std() > 0


@pytest.mark.parametrize("name", ["direct-70-raw", "csi-100-raw"])
def test_for_processing_means_linear_in_exposure(name: str):
    unit = dataclasses.replace(DEVICES[name](Likeliest()), gain=1.0, inverted=True)
    exposed = np.array([[0, math.log(2), math.log(8)]], np.float32)
    stored = unit.store(unit.present(exposed, Tissue(exposed, exposed, exposed)))
    assert stored[0].tolist() == pytest.approx([unit.full, unit.full / 2, unit.full / 8], abs=1)


def test_monochrome_1_stores_the_negative(device: Device):
    grey = np.array([[0, 5, device.full]], np.uint16)
    assert np.array_equal(dataclasses.replace(device, inverted=False).store(grey), grey)
    assert dataclasses.replace(device, inverted=True).store(grey).tolist() == [[device.full, device.full - 5, 0]]


def test_any_kind_may_be_drawn_and_equal_seeds_draw_equal_units():
    drawn = [draw_device(np.random.default_rng(seed)) for seed in range(300)]
    assert {unit.name for unit in drawn} == set(DEVICES)
    assert drawn[7] == draw_device(np.random.default_rng(7))
    assert drawn[7].look != drawn[8].look
    assert {unit.bits for unit in drawn} >= {8, 10, 12, 14, 16}
    assert {unit.inverted for unit in drawn} == {False, True}


def test_pitch_and_field_can_be_given():
    rng = np.random.default_rng(0)
    coarse = draw_device(rng, name="direct-70", spacing_mm=0.14)
    assert (coarse.spacing_mm, coarse.shape) == (0.14, (1664, 1280))
    assert draw_device(rng, name="csi-100", shape=(300, 200)).shape == (300, 200)
    with pytest.raises(UsageError, match="direct-70"):
        draw_device(rng, name="nobody")
