import dataclasses
import pickle
import re
from pathlib import Path

import cv2
import numpy as np
import pytest

from microcalc.errors import ReadError, UsageError
from microcalc.synthesis.acquisition import acquire
from microcalc.synthesis.bank import HARD_SHARE, Bank, build_bank
from microcalc.synthesis.bank_view import OVERVIEW_MM, SITES, PooledShadow
from microcalc.synthesis.calcification import Shadow
from microcalc.synthesis.device import draw_device
from microcalc.synthesis.draws import RIM_MM, expose_window, measure_snrs, normalise, wide_area, wide_area_scale
from microcalc.synthesis.phantom import Phantom
from microcalc.synthesis.study import StudyPlan

PLANS = [
    StudyPlan(f"p{number}", number, seed=40 + number, device="direct-70", spacing_mm=0.1, shape=(900, 640))
    for number in (1, 2)
]


@pytest.fixture(autouse=True, scope="module")
def small_pool():
    """Casting calcifications is slow."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("microcalc.synthesis.bank.POOL_DRAWS", 1)
        yield


@pytest.fixture(scope="module")
def bank(tmp_path_factory, small_pool) -> Bank:
    return build_bank(tmp_path_factory.mktemp("bank"), PLANS[:1])


@pytest.fixture(scope="module")
def draws(bank):
    return bank.draw(np.random.default_rng(7), 60)


def whole(bank: Bank, number: int):
    """A view of the bank, rendered anew, with a device and noise for all of it."""
    record = bank.index.views[number]
    phantom = Phantom(record.view, record.side, record.seed, record.density, record.shape, record.spacing_mm)
    device = draw_device(np.random.default_rng(3), name=record.device, spacing_mm=0.1, shape=record.shape)
    device = dataclasses.replace(device, inverted=False, look=dataclasses.replace(device.look, unsharp=0.5))
    noise = device.unit_noise(record.shape, np.random.default_rng(4))
    return phantom, phantom.render(), device, noise


def test_a_window_has_the_pixels_of_the_acquired_whole(bank):
    number = [(r.side, r.view) for r in bank.index.views].index(("L", "MLO"))
    view = bank.view(number)
    phantom, tissue, device, noise = whole(bank, number)
    shadows = [pooled.shadow for pooled in view.pool]
    picture = acquire(phantom, tissue, device, noise, shadows, view.stamps)
    kept, reach, side = view.kept, device.reach_px, 80
    assert reach > 5
    for row, column in ((kept[0].start + reach, 0), (420, 100), (300, kept[1].stop - side - reach)):
        outer = (slice(row - reach, row + side + reach), slice(max(column - reach, 0), column + side + reach))
        grey, _ = expose_window(view, device, outer, view.tissue(outer), noise[outer], shadows)
        left = column - outer[1].start
        inner = grey[reach : reach + side, left : left + side].astype(int)
        assert np.abs(inner - picture[row : row + side, column : column + side]).max() <= 1


def test_the_scale_of_the_overview_is_that_of_the_acquired_whole(bank):
    phantom, tissue, device, noise = whole(bank, 0)
    device = dataclasses.replace(device, look=dataclasses.replace(device.look, unsharp=0.1))
    picture = acquire(phantom, tissue, device, noise).astype(np.float32) / device.full
    if phantom.side == "R":
        picture = picture[:, ::-1]
    factor = phantom.spacing_mm / OVERVIEW_MM
    small, depth = (
        cv2.resize(np.ascontiguousarray(image), None, fx=factor, fy=factor, interpolation=cv2.INTER_AREA)
        for image in (picture, tissue.skin_distance)
    )
    dark, bright = wide_area_scale(small, depth > RIM_MM)
    assert wide_area(bank.view(0), device) == pytest.approx((dark, bright), abs=0.06 * (bright - dark))


def test_percentiles_go_to_their_places_and_a_cluster_moves_nothing():
    overview = np.linspace(0, 1, 10_000, dtype=np.float32).reshape(100, 100)
    breast = np.ones_like(overview, bool)
    scale = wide_area_scale(overview, breast)
    assert scale == pytest.approx((0.05, 0.95), abs=1e-4)
    assert normalise(np.array([0.05, 0.5, 0.95], np.float32), scale) == pytest.approx([0.15, 0.35, 0.55], abs=1e-4)
    overview[40:45, 40:45] = 1  # a quarter of a percent of the breast
    assert wide_area_scale(overview, breast) == pytest.approx(scale, abs=0.003)


def test_snr_of_known_signals_in_white_noise():
    device = dataclasses.replace(
        draw_device(np.random.default_rng(0), name="direct-70"), blur_mm=(1e-4, 1e-4), glare=0.0
    )
    contrast = np.full((3, 3), 0.1, np.float32)
    asked, ignored = (PooledShadow(Shadow(0, 0, contrast, np.zeros((4, 2))), 0, False, flag) for flag in (False, True))
    background = 2 + 0.04 * np.random.default_rng(1).standard_normal((200, 200)).astype(np.float32)
    signal = np.zeros((41, 41))
    signal[19:22, 19:22] = 0.1
    matched = signal - cv2.GaussianBlur(signal, (0, 0), 5.0)
    expected = (signal * matched).sum() / (0.04 * np.sqrt((matched**2).sum()))
    snr = measure_snrs([asked, ignored], background, device)
    assert snr[0] == pytest.approx(expected, rel=0.1)
    assert np.isnan(snr[1])


def test_shares_are_exact_and_a_negative_holds_no_calcium(draws):
    assert draws.patches.shape == draws.mask.shape == (60, 96, 96)
    assert draws.patches.dtype == np.float32
    assert 0 <= draws.patches.min() < draws.patches.max() <= 1
    negative = draws.labels == 0
    assert negative.sum() == 30
    assert not draws.mask[negative].any()
    assert [len(known) for known, none in zip(draws.truth, negative, strict=True) if none] == [0] * 30
    assert draws.mask[~negative].any(axis=(1, 2)).all()
    for some in (negative, ~negative):
        assert (draws.sites[some] > 0).mean() == pytest.approx(HARD_SHARE)
    assert HARD_SHARE >= 0.3
    assert {SITES[site] for site in draws.sites} >= {"tissue", "skin", "chest wall", "bright spot"}


def test_every_place_is_in_the_breast(bank):
    for number, record in enumerate(bank.index.views):
        view = bank.view(number)
        depth = Phantom(record.view, record.side, record.seed, record.density, record.shape, 0.1).render().skin_distance
        assert (depth[tuple(view.places.T)] > 0).all()
        assert {SITES[kind] for kind in view.kinds} >= {"tissue", "skin", "chest wall", "bright spot"}
        assert ("muscle" in {SITES[kind] for kind in view.kinds}) == (record.view == "MLO")


def test_mask_truth_and_label_say_the_same(draws):
    for mask, truth, label in zip(draws.mask, draws.truth, draws.labels, strict=True):
        for x, y, snr in truth:
            value = mask[int(np.rint(y)), int(np.rint(x))]
            # Another speck may cover one that is not asked for.
            assert value > 0 if snr >= 3 else value != 0
        assert label == 0 if not mask.any() else label >= (mask.max() or -1)


def test_what_can_be_seen_is_brighter_than_its_surroundings(draws):
    bright = []
    for patch, mask, truth in zip(draws.patches, draws.mask, draws.truth, strict=True):
        around = cv2.dilate(np.abs(mask).astype(np.uint8), np.ones((9, 9))) > 0
        for x, y, snr in truth:
            column, row = round(float(x)), round(float(y))
            near = (slice(max(row - 8, 0), row + 9), slice(max(column - 8, 0), column + 9))
            if snr > 5:
                bright.append(patch[row, column] - np.median(patch[near][~around[near]]))
    assert len(bright) >= 10
    assert np.median(bright) > 0.05


def test_equal_states_give_equal_patches_also_in_another_process(bank):
    one, two, other = (
        b.draw(np.random.default_rng(seed), 6)
        for b, seed in ((bank, 1), (pickle.loads(pickle.dumps(bank)), 1), (bank, 2))
    )
    assert np.array_equal(one.patches, two.patches)
    assert np.array_equal(one.mask, two.mask)
    assert not np.array_equal(one.patches, other.patches)


def test_shrinking_is_to_the_spacing_asked_for_and_nothing_is_enlarged(bank):
    fine, coarse = (bank.draw(np.random.default_rng(1), 4, size_px=40, spacing_mm=s) for s in (0.05, 0.16))
    assert fine.spacing_mm.tolist() == [0.1] * 4
    assert coarse.spacing_mm == pytest.approx(0.16)
    assert coarse.patches.shape == (4, 40, 40)


def test_small_patches_judge_calcium_against_more_than_themselves(bank):
    small = bank.draw(np.random.default_rng(3), 20, size_px=16, spacing_mm=0.1, positive_share=1)
    snr = np.concatenate(small.truth)[:, 2]
    asked = snr[~np.isnan(snr)]
    assert len(asked) >= 15
    assert 0.3 < np.median(asked) < 50


def test_only_positives_or_only_negatives(bank):
    assert not bank.draw(np.random.default_rng(1), 5, positive_share=0).labels.any()
    assert bank.draw(np.random.default_rng(1), 5, positive_share=1).labels.all()


def test_a_bank_goes_on_where_it_was_left(tmp_path: Path):
    told = []
    build_bank(tmp_path, PLANS[:1])
    planes = tmp_path / f"{Bank(tmp_path).index.views[0].name}.npy"
    written = planes.stat().st_mtime_ns
    with pytest.raises(UsageError, match=r"without a bank.*resume=True"):
        build_bank(tmp_path, PLANS)
    bank = build_bank(tmp_path, PLANS, resume=True, on_breast=lambda *counts: told.append(counts))
    assert told == [(3, 4), (4, 4)]
    assert [view.patient for view in bank.index.views] == ["p1"] * 4 + ["p2"] * 4
    assert planes.stat().st_mtime_ns == written
    assert bank.draw(np.random.default_rng(1), 2).patches.shape == (2, 96, 96)
    planes.unlink()
    with pytest.raises(ReadError, match="bank"):
        Bank(tmp_path).view(0)


def test_what_makes_no_sense_is_refused(bank, tmp_path):
    rng = np.random.default_rng(1)
    for wrong in ({"n": 0}, {"n": 1, "size_px": 0}, {"n": 1, "spacing_mm": 0.0}, {"n": 1, "positive_share": 1.5}):
        with pytest.raises(UsageError, match="1 or more"):
            bank.draw(rng, **wrong)
    with pytest.raises(UsageError, match="smaller size_px"):
        bank.draw(rng, 1, size_px=2000)
    with pytest.raises(ReadError):
        Bank(tmp_path)


def test_the_page_runs(tmp_path, monkeypatch, capsys):
    """All blocks of the how-to page in one go."""
    page = Path(__file__).parents[2] / "docs" / "how-to" / "training-patches.md"
    program = "\n".join(re.findall(r"^```python\n(.*?)^```", page.read_text(), re.MULTILINE | re.DOTALL))
    monkeypatch.chdir(tmp_path)
    exec(compile(program, page.name, "exec"), {})
    assert capsys.readouterr().out.startswith("(8, 96, 96) float32")
