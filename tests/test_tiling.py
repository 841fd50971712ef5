"""Tiles: planned by hand, joined to what the whole image gives, blended without a seam; windows by plain loops."""

import numpy as np
import pytest
from scipy import ndimage

from microcalc.errors import UsageError
from microcalc.tiling import Aggregator, TileSampler, WindowSampler, window_means


def half_disc(rows, columns):
    """A breast on the left edge."""
    y, x = np.mgrid[:rows, :columns]
    return ((y - rows / 2) / (0.45 * rows)) ** 2 + (x / (0.9 * columns)) ** 2 < 1


def joined(network, image, sampler, **options):
    """Every tile's map (rows, columns), joined."""
    aggregator = Aggregator(image.shape, 1, **options)
    for tile in sampler:
        aggregator.add(tile, network(sampler.read(image, tile))[np.newaxis])
    return aggregator.maps[0]


def test_tiles_by_hand():
    """Rows 1 to 8 and columns 2 to 6, in multiples of 2: 0 to 10 and 2 to 8.

    Cores of 4 at most: three of 4 rows from 0, 4, 8, two of 4 columns from 2, 6. The one at (4, 6) holds nothing; those
    at (8, 2) and (0, 6) hold one pixel, and shrink to the block of 2 around it.
    """
    mask = np.zeros((12, 9), bool)
    mask[1:7, 2:6] = True
    mask[8, 3] = mask[1, 6] = True
    sampler = TileSampler(mask, tile_px=4, halo_px=2, multiple=2)
    assert [tile.core for tile in sampler] == [
        (range(4), range(2, 6)),
        (range(2), range(6, 8)),
        (range(4, 8), range(2, 6)),
        (range(8, 10), range(2, 4)),
    ]
    assert (sampler.tiles[1].rows, sampler.tiles[1].columns) == (range(4), range(4, 10))
    assert len(sampler) == 4


def test_nothing_is_read_where_there_is_no_breast():
    assert len(TileSampler(np.zeros((30, 20), bool), tile_px=8)) == 0
    breast = half_disc(300, 200)
    read = sum(len(rows) * len(columns) for rows, columns in (tile.core for tile in TileSampler(breast, tile_px=40)))
    assert read < 1.25 * breast.sum()  # the box around it is 1.4 times as large


@pytest.mark.parametrize("seed", range(4))
def test_every_pixel_of_the_mask_is_in_one_core(seed):
    rng = np.random.default_rng(seed)
    mask = ndimage.gaussian_filter(rng.standard_normal((150, 110)), 8) > 0.03
    multiple, steps, halos = rng.integers(1, 9), rng.integers(1, 9), rng.integers(0, 4)
    sampler = TileSampler(mask, int(steps * multiple), int(halos * multiple), int(multiple))
    times = np.zeros((200, 200), int)
    for tile in sampler:
        (rows, columns) = tile.core
        times[rows.start : rows.stop, columns.start : columns.stop] += 1
        assert max(len(rows), len(columns)) <= steps * multiple
        assert not any(number % multiple for span in tile.core for number in (span.start, len(span)))
    assert (times[:150, :110][mask] == 1).all()
    assert times.max() == 1


def test_a_halo_ends_where_the_image_does_but_for_the_reflection_that_multiples_ask_for():
    """numpy's own padding is the witness; a halo may be wider than the image."""
    image = np.random.default_rng(0).random((13, 10)).astype(np.float32)
    sampler = TileSampler(np.ones((13, 10), bool), tile_px=8, halo_px=16, multiple=8)
    read = sampler.read(image, sampler.tiles[0])
    np.testing.assert_array_equal(read, np.pad(image, ((0, 3), (0, 6)), mode="reflect"))
    assert read.flags.c_contiguous


def test_an_image_of_one_pixel():
    sampler = TileSampler(np.ones((1, 1), bool), tile_px=2, halo_px=2, multiple=2)
    image = np.array([[0.5]], np.float32)
    assert joined(lambda window: 2 * window, image, sampler) == 1


def strided(window):
    """Sums of 2 x 2 (the stride), weighed sums of 3 x 3 of those, each for its four pixels: a block beyond its own."""
    rows, columns = window.shape
    coarse = window.reshape(rows // 2, 2, columns // 2, 2).sum(axis=(1, 3))
    mixed = ndimage.correlate(coarse, np.arange(9, dtype=np.float32).reshape(3, 3), mode="constant")
    return np.repeat(np.repeat(mixed, 2, axis=0), 2, axis=1)


@pytest.mark.parametrize("tile_px", [8, 24, 64])
def test_tiles_say_what_the_whole_image_says(tile_px):
    """The whole image, made a multiple, at once; whole numbers, so that nothing is rounded."""
    image = np.random.default_rng(0).integers(0, 100, (87, 61)).astype(np.float32)
    breast = half_disc(87, 61)
    whole = strided(np.pad(image, ((0, 1), (0, 1)), mode="reflect"))[:-1, :-1]
    for halo_px, same in ((4, True), (2, True), (0, False)):
        found = joined(strided, image, TileSampler(breast, tile_px, halo_px, multiple=2))
        assert np.array_equal(found[breast], whole[breast]) is same


def moody(window):
    """A network that sees beyond any halo: each tile shifts all it says by something of its own."""
    return window + np.float32(window.mean())


@pytest.mark.parametrize(("blend", "seamless"), [(True, True), (False, False)])
def test_blended_tiles_leave_no_seam(blend, seamless):
    """A seam: at the borders of cores neighbouring pixels differ by more than they ever do elsewhere."""
    y, x = np.mgrid[:160, :160] / 160
    image = (np.sin(7 * x) * np.cos(5 * y)).astype(np.float32)
    found = joined(moody, image, TileSampler(np.ones(image.shape, bool), 40, 16), blend=blend)
    jumps = np.abs(np.diff(found, axis=1))
    borders = np.isin(np.arange(159), (39, 79, 119))
    assert bool(jumps[:, borders].max() <= jumps[:, ~borders].max()) is seamless


def test_blending_changes_nothing_where_tiles_agree():
    image = np.random.default_rng(0).random((90, 70)).astype(np.float32)
    breast = half_disc(90, 70)
    found = joined(np.copy, image, TileSampler(breast, 16, 4), blend=True)
    np.testing.assert_allclose(found[breast], image[breast], rtol=1e-6)


def test_blended_by_hand():
    """One row of two tiles with cores of 2 and halos of 1: weights sin2(pi/8), sin2(3 pi/8) and back, in one line.

    The tiles say 1 and 3. Column 1 lies 2.5 px into the first and 0.5 px into the second of four each: 0.8536 and
    0.1464 of the weight, so 1 + 2 * 0.1464; column 2 the other way round. Columns 0 and 3 are those of one tile alone.
    """
    sampler = TileSampler(np.ones((1, 4), bool), tile_px=2, halo_px=1)
    image = np.zeros((1, 4), np.float32)
    says = iter((1.0, 3.0))
    found = joined(lambda window: np.full_like(window, next(says)), image, sampler, blend=True)
    np.testing.assert_allclose(found, [[1, 1.2929, 2.7071, 3]], atol=1e-4)


def test_what_no_tile_has_said_is_nought():
    for blend in (True, False):
        assert not Aggregator((6, 5), 2, blend=blend).maps.any()


def test_memory_is_what_it_says():
    """Two maps of 6 x 5 pixels of 4 bytes; with the weights of blending, one more."""
    assert Aggregator((6, 5), 2).nbytes == 240
    assert Aggregator((6, 5), 2, blend=True).nbytes == 360


@pytest.mark.parametrize("sizes", [(10, 4, 4), (8, 2, 4), (0, 0, 1), (4, -1, 1), (4, 0, 0)])
def test_sizes_that_do_not_fit(sizes):
    with pytest.raises(UsageError, match="expected a tile and a halo in multiples of"):
        TileSampler(np.ones((9, 9), bool), *sizes)


def looped(mask, window_px, stride_px, least_share):
    """The corners x, y of the windows, one after another."""
    starts = []
    for length in mask.shape:
        line = list(range(0, length - window_px + 1, stride_px))
        starts.append(line if line[-1] + window_px == length else [*line, length - window_px])
    corners = []
    for y in starts[0]:
        for x in starts[1]:
            held = mask[y : y + window_px, x : x + window_px].sum()
            if held and held >= least_share * window_px**2:
                corners.append((x, y))
    return np.array(corners).reshape(-1, 2)


def test_windows_by_hand():
    """Five rows and eight columns, windows of 3 at a stride of 2: rows from 0 and 2, which ends with the image; columns
    from 0, 2, 4, and 5, shifted back from 6. Of the mask, columns 0 to 3, those from 2 hold two of three columns, those
    from 4 none."""
    mask = np.zeros((5, 8), bool)
    mask[:, :4] = True
    every = WindowSampler(np.ones((5, 8), bool), 3, 2)
    assert every.corners.tolist() == [[x, y] for y in (0, 2) for x in (0, 2, 4, 5)]
    assert WindowSampler(mask, 3, 2).corners.tolist() == [[0, 0], [2, 0], [0, 2], [2, 2]]
    assert WindowSampler(mask, 3, 2, 0.7).corners.tolist() == [[0, 0], [0, 2]]


@pytest.mark.parametrize(("window_px", "stride_px", "share"), [(16, 8, 0.7), (7, 3, 0.0), (5, 9, 0.4), (20, 20, 1.0)])
def test_windows_are_those_of_a_plain_double_loop(window_px, stride_px, share):
    image = np.random.default_rng(0).random((61, 83)).astype(np.float32)
    breast = half_disc(61, 83)
    sampler = WindowSampler(breast, window_px, stride_px, share)
    corners = looped(breast, window_px, stride_px, share)
    np.testing.assert_array_equal(sampler.corners, corners)
    assert len(sampler) >= 3
    which = np.array([0, len(sampler) - 1])
    for read, (x, y) in zip(sampler.read(image, which), corners[which], strict=True):
        np.testing.assert_array_equal(read, image[y : y + window_px, x : x + window_px])


@pytest.mark.parametrize(("window_px", "stride_px"), [(16, 8), (7, 3), (5, 9), (30, 11)])
def test_overlaps_are_averaged_as_by_a_plain_loop(window_px, stride_px):
    sampler = WindowSampler(half_disc(61, 83), window_px, stride_px, 0.5)
    scores = np.random.default_rng(0).random(len(sampler))
    sums, counts = np.zeros((61, 83)), np.zeros((61, 83))
    for (x, y), score in zip(sampler.corners, scores, strict=True):
        sums[y : y + window_px, x : x + window_px] += score
        counts[y : y + window_px, x : x + window_px] += 1
    found = window_means(scores, sampler)
    assert found.dtype == np.float32
    np.testing.assert_allclose(found, sums / np.maximum(counts, 1), atol=1e-7)
    assert not found[counts == 0].any()


def test_windows_that_agree_leave_no_seam():
    sampler = WindowSampler(half_disc(150, 110), 16, 8, 0.7)
    found = window_means(np.full(len(sampler), 0.3), sampler)
    np.testing.assert_allclose(found[found > 0], 0.3, rtol=1e-6)
    assert (found > 0).sum() > 0.8 * half_disc(150, 110).sum()


def test_a_border_beyond_the_image_is_its_reflection():
    image = np.random.default_rng(0).random((9, 12)).astype(np.float32)
    sampler = WindowSampler(np.ones((9, 12), bool), 4, 4)
    read = sampler.read(image, slice(0, 1), border_px=3)
    np.testing.assert_array_equal(read[0], np.pad(image, 3, mode="reflect")[:10, :10])


def test_an_image_smaller_than_a_window_is_reflected_up_to_one():
    """The one window is breast throughout, as the image is; its score is that of all of the image."""
    image = np.random.default_rng(0).random((5, 9)).astype(np.float32)
    sampler = WindowSampler(np.ones((5, 9), bool), 8, 4, least_share=0.9)
    assert sampler.corners.tolist() == [[0, 0], [1, 0]]
    np.testing.assert_array_equal(
        sampler.read(image, slice(None))[0], np.pad(image, ((0, 3), (0, 0)), mode="reflect")[:, :8]
    )
    assert window_means(np.array([0.5, 0.5]), sampler).tolist() == [[0.5] * 9] * 5


def test_an_empty_mask_has_no_windows():
    sampler = WindowSampler(np.zeros((30, 20), bool), 8, 4)
    assert len(sampler) == 0
    assert sampler.read(np.zeros((30, 20), np.float32), slice(None)).shape == (0, 8, 8)
    assert window_means(np.empty(0), sampler).tolist() == [[0.0] * 20] * 30


@pytest.mark.parametrize("sizes", [(0, 1), (4, 0)])
def test_windows_and_strides_of_no_pixel(sizes):
    with pytest.raises(UsageError, match="expected windows and strides of at least 1 px"):
        WindowSampler(np.ones((9, 9), bool), *sizes)
