import dataclasses
from collections import Counter

import cv2
import numpy as np
import pytest

from microcalc.synthesis.confuser_marks import lettering, print_text, trace
from microcalc.synthesis.confusers import draw_confusers
from microcalc.synthesis.device import Device, draw_device
from microcalc.synthesis.phantom import Phantom, Tissue
from microcalc.synthesis.stamp import Stamp

SHAPE = (1100, 900)


@pytest.fixture(scope="module")
def digital() -> Device:
    return draw_device(np.random.default_rng(0), name="direct-70", spacing_mm=0.2, shape=SHAPE)


@pytest.fixture(scope="module")
def film() -> Device:
    return draw_device(np.random.default_rng(0), name="film-50", spacing_mm=0.2, shape=SHAPE)


def phantom(side: str = "L", view: str = "CC") -> Phantom:
    return Phantom(view, side, 3, "B", SHAPE, 0.2)


@pytest.fixture(scope="module")
def tissue() -> Tissue:
    """A half disc of 70 mm without structure: only its depth below the skin matters here."""
    y, x = np.mgrid[: SHAPE[0], : SHAPE[1]].astype(np.float32) * np.float32(0.2)
    depth = 70 - np.hypot(x, y - 110)
    return Tissue(depth, np.clip(2 * depth, 0, 50), depth)


@pytest.fixture(scope="module")
def many(tissue: Tissue, digital: Device) -> list[tuple[Stamp, ...]]:
    return [draw_confusers(phantom(), tissue, digital, np.random.default_rng(seed)) for seed in range(200)]


def test_kinds_come_as_often_as_stated(many: list[tuple[Stamp, ...]]):
    pictures = Counter(kind for stamps in many for kind in {stamp.kind for stamp in stamps})
    assert pictures["marker"] > 180
    assert 45 < pictures["bead"] < 95
    assert 30 < pictures["fold"] < 75
    for rare in ("skin marker", "clip", "biopsy marker", "wire", "hair", "grid line", "hot pixel", "dead line"):
        assert 1 <= pictures[rare] < 50, rare
    assert not pictures["scratch"]


def test_equal_seeds_draw_equal_stamps(tissue: Tissue, film: Device):
    one, other = (draw_confusers(phantom(), tissue, film, np.random.default_rng(5)) for _ in range(2))
    assert [(s.kind, s.row, s.column, s.stage) for s in one] == [(s.kind, s.row, s.column, s.stage) for s in other]
    assert all(np.array_equal(a.values, b.values) for a, b in zip(one, other, strict=True))


def test_values_keep_to_their_range(many: list[tuple[Stamp, ...]], tissue: Tissue, film: Device):
    stamps = [stamp for drawn in many for stamp in drawn]
    for seed in range(2):
        stamps += draw_confusers(phantom(), tissue, film, np.random.default_rng(seed))
    for stamp in stamps:
        limit = 1.0 if stamp.stage == "grey" else 5.0
        assert stamp.values.dtype == np.float32
        assert np.abs(stamp.values).max() <= limit + 1e-6, stamp.kind


def test_markers_lie_in_the_air(many: list[tuple[Stamp, ...]], tissue: Tissue):
    markers = [stamp for stamps in many for stamp in stamps if stamp.kind == "marker"]
    for stamp in markers:
        rows, columns = stamp.values.shape
        box = tissue.skin_distance[stamp.row : stamp.row + rows, stamp.column : stamp.column + columns]
        assert box.shape == (rows, columns)
        assert box.max() < 0


def test_folds_add_a_little_attenuation_inside_the_breast_only(many: list[tuple[Stamp, ...]], tissue: Tissue):
    folds = [stamp for stamps in many for stamp in stamps if stamp.kind == "fold"]
    for stamp in folds:
        rows, columns = stamp.values.shape
        depth = tissue.skin_distance[stamp.row : stamp.row + rows, stamp.column : stamp.column + columns]
        assert not stamp.values[depth <= 0].any()
        assert 0.02 < stamp.values.max() < 0.31


def test_films_have_scratches_dust_labels_and_borders(tissue: Tissue, film: Device):
    kinds = Counter(
        stamp.kind
        for seed in range(5)
        for stamp in draw_confusers(phantom(), tissue, film, np.random.default_rng(seed))
    )
    assert kinds["mottle"] == 5
    assert kinds["scratch"] > 10
    assert kinds["dust"] > 30
    assert 1 <= kinds["label"] <= 5
    assert kinds["border"] > 1
    assert not kinds["hot pixel"]


@pytest.mark.parametrize("view", ["CC", "MLO"])
def test_lettering_is_readable_once_right_breasts_are_mirrored(view: str, tissue: Tissue, film: Device):
    fine = dataclasses.replace(film, spacing_mm=0.05)
    left, right = (lettering(phantom(side, view), tissue, fine, np.random.default_rng(3)).values for side in ("L", "R"))
    # The view's letters, at the right of either, read the same to within a pixel; only the side's letter differs.
    rows, columns = left.shape[0] - 4, left.shape[1] // 2
    letters = left[2 : 2 + rows, -columns - 2 : -2]

    def likeness(values: np.ndarray) -> float:
        return float(cv2.matchTemplate(values, letters, cv2.TM_CCOEFF_NORMED).max())

    assert likeness(np.ascontiguousarray(right[:, ::-1])) > 0.95
    assert likeness(right) < 0.8


def test_print_is_as_high_as_asked():
    ink = print_text("H", 10.0, 1.0, 0.1)
    rows = np.flatnonzero(ink.max(axis=1) > 0.5)
    assert rows[-1] - rows[0] + 1 == pytest.approx(100, abs=1)
    assert ink.max() == 1


def test_a_trace_holds_its_length_times_its_width():
    stamp = trace("line", np.array([(2.0, 3.0), (12.0, 3.0)]), 0.5, 0.1, 2.0, "attenuation")
    # 10 mm of 0.5 mm, and a round end of 0.25 mm radius at either end, at a value of 2.
    assert stamp.values.sum() * 0.01 == pytest.approx(2 * (10 * 0.5 + np.pi * 0.25**2), rel=0.1)
    rows, columns = np.nonzero(stamp.values)
    assert (rows.mean() + stamp.row + 0.5) * 0.1 == pytest.approx(3.0, abs=0.1)
    assert (columns.mean() + stamp.column + 0.5) * 0.1 == pytest.approx(7.0, abs=0.1)


def test_lines_thinner_than_a_pixel_are_fainter_not_wider():
    thin, thick = (
        trace("hair", np.array([(1.0, 1.0), (9.0, 4.0)]), width, 0.1, 1.0, "attenuation").values.sum()
        for width in (0.01, 0.02)
    )
    assert thick == pytest.approx(2 * thin, rel=0.05)
