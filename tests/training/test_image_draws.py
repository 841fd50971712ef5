"""Windows of finished mammograms: what they hold, and that the same seed draws them again."""

import pickle

import numpy as np
import pytest
from PIL import Image

from microcalc.datasets import Record
from microcalc.detectors.view import working_view
from microcalc.errors import ReadError, UsageError
from microcalc.training.image_draws import ImageDraws
from microcalc.training.view_cache import cache_view
from microcalc.truth import ImageTruth, TrueCalcification

SPACING_MM = 0.1
SIZE_PX = 32


@pytest.fixture(scope="module")
def records(breast_png, tmp_path_factory):
    """One image with two calcifications, 20 px apart, and a normal one, mirrored."""
    folder = tmp_path_factory.mktemp("images")
    breast_png(folder / "calcified.png")
    pixels = np.asarray(Image.open(folder / "calcified.png"))
    Image.fromarray(np.ascontiguousarray(pixels[:, ::-1])).save(folder / "normal.png")
    spacing = (SPACING_MM, SPACING_MM)
    marks = tuple(TrueCalcification(x=100, y=y, diameter_mm=0.3) for y in (190, 210))
    truths = (
        ImageTruth(path="calcified.png", patient="a", spacing_mm=spacing, calcifications=marks),
        ImageTruth(path="normal.png", patient="b", spacing_mm=spacing, normal=True),
    )
    return [Record(folder / truth.path, truth) for truth in truths]


@pytest.fixture(scope="module")
def views(records, tmp_path_factory):
    folder = tmp_path_factory.mktemp("views")
    return [cache_view(record, SPACING_MM, folder) for record in records]


@pytest.fixture(scope="module")
def source(views):
    return ImageDraws(views)


def draw(source, seed=0, n=12, share=0.5, size_px=SIZE_PX):
    return source.draw(np.random.default_rng(seed), n, size_px=size_px, positive_share=share)


def test_a_cached_view_is_what_a_detector_sees(records, views):
    for record, cached in zip(records, views, strict=True):
        seen = working_view(record.read(), SPACING_MM)
        np.testing.assert_array_equal(cached.array("pixels.npy"), seen.image)
        np.testing.assert_array_equal(cached.array("breast.npy"), seen.mask)
        assert (cached.shape, cached.spacing_mm) == (seen.image.shape, seen.working_spacing_mm)
    assert [len(cached.sites) for cached in views] == [2, 0]


def test_shapes_and_types(source):
    drawn = draw(source)
    assert drawn.pixels.shape == drawn.breast.shape == drawn.target.shape == (12, SIZE_PX, SIZE_PX)
    assert (drawn.pixels.dtype, drawn.breast.dtype, drawn.target.dtype) == (np.float32, np.bool_, np.int8)
    assert (drawn.spacing_mm == SPACING_MM).all()


def test_as_many_as_asked_for_hold_calcium(views):
    """Of images that hold none, the rest cannot: a share of 0.25 of 12 is 3."""
    held = (draw(ImageDraws([views[0], *[views[1]] * 99]), share=0.25).target == 1).any(axis=(1, 2))
    assert held[:3].all()
    assert held[3:].sum() <= 1  # one of a hundred images holds calcium


def test_windows_are_pixels_of_the_image(records, source):
    """Every window is found where its brightest correlation says, here: by its exact pixels."""
    whole = working_view(records[0].read(), SPACING_MM).image
    places = np.lib.stride_tricks.sliding_window_view(whole, (SIZE_PX, SIZE_PX))
    for window in draw(source, n=4, share=1.0).pixels:
        corner = np.argwhere(places[:, :, 0, 0] == window[0, 0])
        assert any((places[y, x] == window).all() for y, x in corner)


def test_calcium_lies_all_over_the_windows_but_not_at_their_edges(source):
    drawn = draw(source, n=300, share=1.0)
    rows = [np.argwhere(target == 1)[:, 0].mean() for target in drawn.target if (target == 1).sum() <= 9]
    assert min(rows) < 0.3 * SIZE_PX
    assert max(rows) > 0.7 * SIZE_PX
    assert (drawn.target == 1).any(axis=(1, 2)).all()


def test_other_windows_lie_all_over_the_breast(source):
    centred = draw(source, n=200, share=0.0, size_px=1)
    assert centred.breast.all()
    assert centred.pixels.std() > 0


def test_a_view_smaller_than_a_window_is_filled_up_with_air(views):
    drawn = draw(ImageDraws(views[:1]), n=2, share=1.0, size_px=512)
    rows, columns = views[0].shape
    np.testing.assert_array_equal(drawn.pixels[0, :rows, :columns], views[0].array("pixels.npy"))
    assert not drawn.breast[:, rows:].any()
    assert not drawn.breast[:, :, columns:].any()
    assert not drawn.pixels[:, rows:].any()


def test_equal_seeds_draw_equal_windows_in_another_process_too(source):
    first, again, other = draw(source), draw(pickle.loads(pickle.dumps(source))), draw(source, seed=1)
    np.testing.assert_array_equal(first.pixels, again.pixels)
    np.testing.assert_array_equal(first.target, again.target)
    assert (first.pixels != other.pixels).any()


def test_without_calcium_there_is_nothing_to_learn(views):
    with pytest.raises(UsageError, match=r"images with calcifications, to train on, found none among 1"):
        ImageDraws(views[1:])


def test_an_image_that_cannot_be_read_is_told(tmp_path):
    (tmp_path / "a.png").write_bytes(b"")
    with pytest.raises(ReadError):
        cache_view(Record(tmp_path / "a.png", ImageTruth(path="a.png")), SPACING_MM, tmp_path)
