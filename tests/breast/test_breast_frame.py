from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from microcalc.breast import Breast, Frame
from microcalc.errors import MicrocalcError


def breast(shape: tuple[int, int], box: tuple[int, int, int, int], chest_wall: str = "left") -> Breast:
    x0, y0, x1, y1 = box
    mask = np.zeros(shape, bool)
    mask[y0:y1, x0:x1] = True
    side = "L" if chest_wall == "left" else "R"
    return Breast(mask=mask, chest_wall=chest_wall, side=side, nipple=(0.0, 0.0), pectoral=None, warnings=())


def area_weights(length: int, factor: float) -> np.ndarray:
    """(working, original) shares of each working pixel's interval on each original pixel, written out by hand."""
    out = np.zeros((round(length / factor), length))
    for j in range(len(out)):
        for i in range(length):
            out[j, i] = max(0.0, min((j + 1) * factor, i + 1) - max(j * factor, i))
    return out / out.sum(axis=1, keepdims=True)


@st.composite
def frames(draw: st.DrawFn) -> Frame:
    rows, columns = draw(st.integers(60, 91)), draw(st.integers(60, 91))
    x0, y0 = draw(st.integers(0, 15)), draw(st.integers(0, 15))
    x1, y1 = draw(st.integers(x0 + 45, columns)), draw(st.integers(y0 + 45, rows))
    spacing = draw(st.sampled_from([None, (0.05, 0.05), (0.07, 0.07), (0.05, 0.08), (0.1, 0.07)]))
    return Frame.around(
        breast((rows, columns), (x0, y0, x1, y1), draw(st.sampled_from(["left", "right"]))),
        spacing,
        working_spacing_mm=draw(st.sampled_from([None, 0.07, 0.1, 0.2])),
        margin_px=draw(st.integers(0, 5)),
    )


@settings(max_examples=60, deadline=None)
@given(frame=frames(), seed=st.integers(0, 2**16))
def test_what_is_found_on_the_working_image_maps_back_to_where_it_was(frame: Frame, seed: int) -> None:
    x0, y0, x1, y1 = frame.crop
    sigma = max(frame.factors)
    # Far enough inside that the crop holds the blob whole; the last working pixel may reach over the end of the crop.
    rng, margin = np.random.default_rng(seed), 5 * sigma
    x, y = rng.uniform(x0 + margin, x1 - margin), rng.uniform(y0 + margin, y1 - margin)
    j, i = np.indices(frame.original_shape)
    working = frame.apply(np.exp(-((i - x) ** 2 + (j - y) ** 2) / (2 * sigma**2)).astype(np.float32))
    j, i = np.indices(working.shape)
    centroid = [(working * i).sum() / working.sum(), (working * j).sum() / working.sum()]
    # A convention off by half a working or original pixel would miss by 0.1 pixels at least.
    assert frame.to_original([centroid])[0] == pytest.approx([x, y], abs=0.02)


@settings(max_examples=60, deadline=None)
@given(frame=frames(), seed=st.integers(0, 2**16))
def test_forward_and_back_is_the_identity(frame: Frame, seed: int) -> None:
    xy = np.random.default_rng(seed).uniform(-5, 95, (20, 2))
    assert np.allclose(frame.to_working(frame.to_original(xy)), xy, atol=1e-9)
    assert np.allclose(frame.to_original(frame.to_working(xy)), xy, atol=1e-9)


@pytest.mark.parametrize("chest_wall", ["left", "right"])
@pytest.mark.parametrize("box", [(3, 5, 20, 31), (0, 0, 41, 50), (6, 1, 40, 30)])
def test_without_resampling_every_pixel_comes_back_exactly(box: tuple[int, int, int, int], chest_wall: str) -> None:
    image = np.random.default_rng(0).random((50, 41), dtype=np.float32)
    frame = Frame.around(breast((50, 41), box, chest_wall), None, working_spacing_mm=0.2, margin_px=2)
    working = frame.apply(image)
    j, i = np.indices(working.shape)
    x, y = frame.to_original(np.column_stack([i.ravel(), j.ravel()])).T
    assert frame.spacing_mm is None
    assert np.array_equal(image[y.astype(int), x.astype(int)], working.ravel())
    assert (x == x.astype(int)).all()


def test_crops_with_a_margin_and_turns_the_chest_wall_to_the_left() -> None:
    image = np.arange(20, dtype=np.float32).reshape(4, 5) / 20
    frame = Frame.around(breast((4, 5), (3, 1, 5, 3), "right"), None, margin_px=1)
    assert frame.crop == (2, 0, 5, 4)
    working = frame.apply(image)
    assert np.array_equal(working, image[:, [4, 3, 2]])
    assert working.flags.c_contiguous
    assert working.dtype == np.float32
    assert not np.shares_memory(working, image)
    assert frame.to_original([[0, 0], [2, 3]]).tolist() == [[4, 0], [2, 3]]


@pytest.mark.parametrize("factor", [1.5, 2.0, 10 / 7])
def test_shrinking_is_the_mean_over_each_pixels_area(factor: float) -> None:
    image = np.random.default_rng(1).random((33, 26), dtype=np.float32)
    frame = Frame((33, 26), (0, 0, 26, 33), factors=(factor, factor))
    expected = area_weights(33, factor) @ image @ area_weights(26, factor).T
    assert np.allclose(frame.apply(image), expected, atol=1e-5)


def test_a_mirrored_image_gives_the_same_working_image() -> None:
    image = np.random.default_rng(2).random((50, 43), dtype=np.float32)
    left = Frame.around(breast((50, 43), (0, 4, 31, 45)), (0.07, 0.07), 0.1)
    right = Frame.around(breast((50, 43), (12, 4, 43, 45), "right"), (0.07, 0.07), 0.1)
    assert np.array_equal(left.apply(image), right.apply(image[:, ::-1]))


@pytest.mark.parametrize(
    ("spacing", "wished", "factors", "becomes"),
    [
        ((0.07, 0.07), 0.1, (10 / 7, 10 / 7), 0.1),
        ((0.1, 0.1), 0.07, (1, 1), 0.1),
        ((0.099, 0.099), 0.1, (1, 1), 0.099),
        ((0.2, 0.2), None, (1, 1), 0.2),
        ((0.05, 0.1), None, (2, 1), 0.1),
        ((0.05, 0.1), 0.07, (2, 1), 0.1),
        ((0.05, 0.04), 0.1, (2, 2.5), 0.1),
    ],
)
def test_the_spacing_rule(
    spacing: tuple[float, float], wished: float | None, factors: tuple[float, float], becomes: float
) -> None:
    frame = Frame.around(breast((60, 60), (0, 10, 40, 50)), spacing, wished)
    assert frame.factors == pytest.approx(factors)
    assert frame.spacing_mm == pytest.approx(becomes)


def test_a_mask_is_true_where_half_the_area_is() -> None:
    mask = np.zeros((4, 6), bool)
    mask[:2, :1] = mask[:2, 2:4] = mask[0, 4] = True  # halves of the first, all of the second, a quarter of the third
    shrunk = Frame((4, 6), (0, 0, 6, 4), factors=(2.0, 2.0)).apply_mask(mask)
    assert shrunk.dtype == np.bool_
    assert shrunk.tolist() == [[True, True, False], [False, False, False]]
    turned = Frame((4, 6), (0, 0, 6, 4), flipped=True, factors=(2.0, 2.0)).apply_mask(mask)
    assert turned.tolist() == [[False, True, True], [False, False, False]]
    kept = Frame((4, 6), (1, 0, 5, 4), flipped=True).apply_mask(mask)
    assert np.array_equal(kept, mask[:, 1:5][:, ::-1])


@pytest.mark.parametrize("flipped", [False, True])
def test_a_working_mask_is_laid_back_where_it_was(flipped: bool) -> None:
    frame = Frame((90, 80), (10, 20, 70, 80), flipped=flipped, factors=(3.0, 2.0))
    working = np.zeros((20, 30), np.float32)
    working[5:12, 8:20] = 1.0
    # Rows 5..11 cover 20 + 15..35; columns 8..19 cover 16..39 of the 60 columns of the crop, from one end or the other.
    expected = np.zeros((90, 80), bool)
    expected[35:56, slice(30, 54) if flipped else slice(26, 50)] = True
    assert np.array_equal(frame.restore_mask(working), expected)


def test_refuses_another_image_and_a_frame_that_enlarges() -> None:
    frame = Frame((4, 5), (0, 0, 5, 4))
    with pytest.raises(MicrocalcError, match="4 rows and 5 columns, found shape"):
        frame.apply(np.zeros((5, 4), np.float32))
    with pytest.raises(MicrocalcError, match="never enlarge"):
        Frame((4, 5), (0, 0, 5, 4), factors=(0.5, 0.5))
    with pytest.raises(MicrocalcError, match="inside 5 x 4 pixels"):
        Frame((4, 5), (0, 0, 6, 4))
