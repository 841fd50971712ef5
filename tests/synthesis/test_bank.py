import dataclasses
import pickle
import re
from pathlib import Path

import cv2
import numpy as np
import pytest

from microcalc.errors import ReadError, UsageError
from microcalc.imageio import read_mammogram
from microcalc.synthesis.acquisition import acquire
from microcalc.synthesis.bank import Bank, build_bank
from microcalc.synthesis.bank_draw import (
    RIM_MM,
    Window,
    hear,
    keep_few_faint,
    measure_snrs,
    normalise,
    reading,
    wide_area,
    wide_area_scale,
)
from microcalc.synthesis.bank_view import OVERVIEW_MM, SITES, PooledShadow
from microcalc.synthesis.calcification import Shadow
from microcalc.synthesis.device import draw_device
from microcalc.synthesis.dicom import make_dataset, save
from microcalc.synthesis.lesions import Difficulty
from microcalc.synthesis.phantom import Phantom
from microcalc.synthesis.stamp import Stamp
from microcalc.synthesis.study import StudyPlan, draw_study
from microcalc.synthesis.visibility import matched_filter_snr

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
        grey = Window(view, device, outer, view.tissue(outer), noise[outer]).grey(shadows)
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
    view = bank.view(0)
    scale = wide_area(view, device, reading(view, device))
    assert scale == pytest.approx((dark, bright), abs=0.06 * (bright - dark))


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
    snr = measure_snrs([asked, ignored], hear(background, device), device)
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
    kinds = np.array(SITES)[draws.sites]
    assert set(kinds) >= {"tissue", "skin", "chest wall", "bright spot"}
    for some in (negative, ~negative):
        edges = np.isin(kinds[some], ("skin", "muscle", "chest wall", "confuser"))
        assert edges.mean() >= 0.3
        assert (kinds[some] == "bright spot").sum() == 3  # a tenth of 30


def test_a_patch_taken_at_an_edge_shows_it(bank):
    draws = bank.draw(np.random.default_rng(8), 120, positive_share=0)
    seen = []
    of_patches = zip(draws.sites, draws.views, draws.corners, draws.breast, strict=True)
    for kind, number, (row, column), breast in of_patches:
        record = bank.index.views[number]
        phantom = Phantom(record.view, record.side, record.seed, record.density, record.shape, record.spacing_mm)
        y, x = ((np.arange(start, start + 96) + 0.5) * 0.1 for start in (row, column))
        x, y = np.meshgrid(x.astype(np.float32), y.astype(np.float32))
        assert (breast == (phantom.outline.skin_distance(x, y) > 0)).mean() > 0.999  # but for rounding at the rim
        distance = {
            "skin": phantom.outline.skin_distance,
            "muscle": phantom.outline.muscle_distance,
            "chest wall": lambda x, y: x - 0.1,
        }.get(SITES[kind])
        if distance:
            seen.append(SITES[kind])
            assert distance(x, y).min() < 0 < distance(x, y).max()
    assert min(seen.count(kind) for kind in ("skin", "muscle", "chest wall")) >= 3


def test_of_what_can_be_seen_a_fifth_is_faint_at_most(bank):
    draws = bank.draw(np.random.default_rng(9), 80, positive_share=1)
    snr = np.concatenate(draws.truth)[:, 2]
    seen = snr[snr >= 3]
    assert len(seen) > 150
    assert 0.1 < (seen < 5).mean() < 0.24  # a fifth on average over many
    assert (draws.labels > 0).mean() > 0.95


def test_the_weakest_of_the_faint_are_left_out_on_average_to_a_fifth():
    snr = np.array([2.0, 4.5, 9.0, 3.5, np.nan, 4.0, 7.0])  # two bright ones allow half a faint one
    rng = np.random.default_rng(0)
    kept = [keep_few_faint(snr, rng).tolist() for _ in range(400)]
    assert {tuple(one) for one in kept} == {(0, 2, 4, 6), (0, 1, 2, 4, 6)}
    assert np.mean([len(one) == 5 for one in kept]) == pytest.approx(0.5, abs=0.08)
    assert keep_few_faint(np.array([3.0, 4.9]), rng).tolist() == []


def test_snr_is_the_one_of_studies_also_at_a_skin_line():
    device = draw_device(np.random.default_rng(0), name="direct-70")
    contrast = np.full((3, 3), 0.1, np.float32)
    for width in (0, 25):  # columns of air, as dark as a skin line makes them
        background = 2 + 0.04 * np.random.default_rng(1).standard_normal((121, 121)).astype(np.float32)
        background[:, :width] -= 2
        signal = np.zeros((121, 121), np.float32)
        signal[59:62, 59:62] = contrast
        around = (slice(17, 104), slice(17, 104))  # the 6 mm of a study
        expected = matched_filter_snr(device.blur(signal)[around], background[around], device.spacing_mm)
        pooled = PooledShadow(Shadow(59, 59, contrast, np.zeros((4, 2))), 0, False, False)
        assert measure_snrs([pooled], hear(background, device), device) == pytest.approx(expected, rel=0.15)


def test_metal_is_no_background_of_calcium(bank):
    view = bank.view(0)
    device = draw_device(np.random.default_rng(0), name="direct-70", spacing_mm=0.1, shape=view.record.shape)
    region = slice(400, 460), slice(100, 160)
    metal = dataclasses.replace(
        view,
        stamps=(Stamp("clip", 400, 100, np.full((50, 50), 5.0, np.float32), "attenuation"),),
    )
    with_it, without = (Window.draw(v, device, region, np.random.default_rng(1)) for v in (metal, view))
    assert np.array_equal(with_it.background, without.background)
    assert with_it.grey([]).mean() > without.grey([]).mean()


def test_raw_pixels_are_shown_as_the_reader_shows_them(tmp_path):
    plan = StudyPlan("p1", 1, seed=41, device="csi-100-raw", density="B", shape=(900, 640), normal=True)
    bank = build_bank(tmp_path, [plan])
    picture = next(iter(draw_study(plan)))
    stored = make_dataset(picture.pixels, picture.device, picture.identity, "L", "CC", instance=1)
    save(stored, tmp_path / "raw.dcm")
    read = read_mammogram(tmp_path / "raw.dcm").pixels
    upright = picture.device.full - picture.pixels if picture.device.inverted else picture.pixels
    view = bank.view([(r.side, r.view) for r in bank.index.views].index(("L", "CC")))
    breast = view.tissue(view.kept).skin_distance > RIM_MM
    shown, read = (image[view.kept][breast] for image in (reading(view, picture.device)[upright], read))
    # Metal, which a bank keeps apart, moves the reader's white in so small a field: both on their own scale.
    white = shown == 1
    assert white.mean() < 0.03
    shown, read = (normalise(image, wide_area_scale(image, ~white))[~white] for image in (shown, read))
    assert np.ptp(read) > 0.3
    assert np.abs(shown - read).max() < 0.01


def test_the_dial_of_noise_turns_that_of_patches(bank, tmp_path):
    quiet = build_bank(tmp_path, [dataclasses.replace(PLANS[0], difficulty=Difficulty(noise=0.2))])
    rough = [
        np.median(np.abs(np.diff(b.draw(np.random.default_rng(2), 10, positive_share=0).patches)))
        for b in (quiet, bank)
    ]
    assert rough[0] < 0.6 * rough[1]


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
    with pytest.raises(UsageError, match="plans to render"):
        build_bank(tmp_path, [])
    with pytest.raises(UsageError, match="20 mm"):
        build_bank(tmp_path, [dataclasses.replace(PLANS[0], shape=(150, 150))])


def test_the_page_runs(tmp_path, monkeypatch, capsys):
    """All blocks of the how-to page in one go."""
    page = Path(__file__).parents[2] / "docs" / "how-to" / "training-patches.md"
    program = "\n".join(re.findall(r"^```python\n(.*?)^```", page.read_text(), re.MULTILINE | re.DOTALL))
    monkeypatch.chdir(tmp_path)
    exec(compile(program, page.name, "exec"), {})
    assert capsys.readouterr().out.startswith("(8, 96, 96) float32")
