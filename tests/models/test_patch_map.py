"""Classifiers laid over images: by hand, with networks that judge windows by their brightness alone."""

import numpy as np
import pytest
from scipy import ndimage

from microcalc.errors import ReadError, UsageError
from microcalc.models import Card, write_package
from microcalc.models import patch_map as rooms
from microcalc.models.patch_classifier import PatchClassifier
from microcalc.models.patch_map import Layer, PatchMap, load_patch_map, window_probabilities
from microcalc.recipe import MapOf, PatchInput, load_recipe
from microcalc.recipe.network import Context
from microcalc.recipe.patch_classifier import PatchClass, Target
from microcalc.tiling import WindowSampler

BREAST = np.ones((6, 10), bool)


class Mean:
    """One output, the mean over each window; knows how many windows it saw at a time."""

    name, precision, device = "mean", "f32", "cpu"

    def __init__(self, patch):
        self.patch = patch
        self.seen = []

    def __call__(self, batch):
        self.seen.append(len(batch))
        context, side = self.patch.context, self.patch.size_px
        if context is None:
            return (batch.mean(axis=(1, 2, 3))[:, np.newaxis],)
        margin = context.margin_px
        inside = batch[:, 0, margin:-margin, margin:-margin]
        windows = np.lib.stride_tricks.sliding_window_view(inside, (side, side), axis=(1, 2))
        return (windows[:, np.newaxis, :: context.stride_px, :: context.stride_px].mean(axis=(4, 5)),)


def classifier(size_px=2, **options):
    patch = PatchInput(size_px=size_px, **({"normalisation": "none"} | options))
    return PatchClassifier(
        input=patch,
        channels=1,
        classes=(PatchClass(name="none", labels=("normal",)), PatchClass(name="some", labels=("calcification",))),
        targets=(Target(name="some", classes=("some",)),),
        calibration=None,
        runtime=Mean(patch),
    )


def mapped(image, breast, *layers, share=0.5, normalisation="none"):
    layers = tuple(Layer(one, MapOf.model_validate({"classifier": "toy"} | settings)) for one, settings in layers)
    return PatchMap(layers, share, normalisation)(image.astype(np.float32), breast)


def test_a_map_by_hand():
    """Columns of 2 px with logits 0 and 1 by turns, whose sigmoids are 0.5 and 0.7311. Windows of 4 px at a stride of 2
    hold one of each: a logit of 0.5, sigmoid 0.6225, everywhere. Windows of 2 px at a stride of 2 see one alone."""
    image = np.tile([0.0, 0, 1, 1], (6, 3))[:, :10]
    wide = mapped(image, BREAST, (classifier(4), {"stride_px": 2}))
    np.testing.assert_allclose(wide, np.full((6, 10), 0.62246), atol=1e-5)
    narrow = mapped(image, BREAST, (classifier(2), {"stride_px": 2}))
    np.testing.assert_allclose(narrow, np.where(image == 1, 0.73106, 0.5), atol=1e-5)
    both = mapped(image, BREAST, (classifier(4), {"stride_px": 2}), (classifier(2), {"stride_px": 2}))
    np.testing.assert_allclose(both, (wide + narrow) / 2, atol=1e-6)


def test_normalised_each_map_by_itself_before_the_mean():
    """Logits 0 and 1 as 0 and 1, whatever their sigmoids; a level map is 0, so that the mean of both is half of it."""
    image = np.tile([0.0, 0, 1, 1], (6, 3))[:, :10]
    narrow, level = (classifier(2), {"stride_px": 2}), (classifier(4), {"stride_px": 2})
    np.testing.assert_allclose(mapped(image, BREAST, narrow, normalisation="min-max"), image, atol=1e-5)
    np.testing.assert_allclose(mapped(image, BREAST, narrow, level, normalisation="min-max"), image / 2, atol=1e-5)


def test_smoothed_by_a_gaussian_that_ends_where_the_recipe_says():
    """scipy's Gaussian, cut off at the same pixel, is the witness: 4 px of a kernel of 9 px."""
    image = np.random.default_rng(0).random((40, 30))
    breast = np.ones(image.shape, bool)
    plain = mapped(image, breast, (classifier(4), {"stride_px": 2}))
    found = mapped(image, breast, (classifier(4), {"stride_px": 2, "smoothing_px": 3.0, "kernel_px": 9}))
    wanted = ndimage.gaussian_filter(plain.astype(float), 3.0, radius=4, mode="mirror")
    np.testing.assert_allclose(found, wanted, atol=1e-5)
    assert np.abs(found - plain).max() > 1e-3


def test_windows_off_the_breast_are_never_judged():
    """Half of 6 x 10 px: of the 15 windows of 2 px, nine lie wholly or by half on columns 0 to 4."""
    breast = BREAST & (np.arange(10) < 5)
    one = classifier(2)
    found = mapped(np.ones((6, 10)), breast, (one, {"stride_px": 2}))
    assert sum(one.runtime.seen) == 9
    np.testing.assert_allclose(found, np.tile(np.where(np.arange(10) < 6, 0.73106, 0), (6, 1)), atol=1e-5)


def test_an_image_without_breast_asks_for_nothing_and_is_nought():
    one = classifier(2)
    assert not mapped(np.ones((6, 10)), np.zeros((6, 10), bool), (one, {"stride_px": 2})).any()
    assert one.runtime.seen == []


def test_an_image_smaller_than_a_window():
    """The mean of 0.25 is that of its reflection too: one window, sigmoid(0.25) everywhere."""
    found = mapped(np.full((3, 4), 0.25), np.ones((3, 4), bool), (classifier(8), {"stride_px": 4}))
    np.testing.assert_allclose(found, np.full((3, 4), 0.56218), atol=1e-5)


def test_windows_are_read_a_few_at_a_time(monkeypatch):
    image = np.random.default_rng(0).random((20, 20))
    breast, one = np.ones((20, 20), bool), classifier(4)
    at_once = mapped(image, breast, (one, {"stride_px": 2}))
    monkeypatch.setattr(rooms, "_READ_PX", 7 * 4**2)
    np.testing.assert_array_equal(mapped(image, breast, (one, {"stride_px": 2})), at_once)
    assert one.runtime.seen == [81, *[7] * 11, 4]


@pytest.mark.parametrize("stride_px", [4, 6])
def test_windows_of_a_network_with_a_context_are_what_they_are_one_by_one(stride_px):
    """At multiples of its stride of 4 most windows come out of tiles; the last of each line lies elsewhere (31 - 8 is
    no multiple of 4) and is judged by itself, as all are at a stride of 6."""
    image = np.random.default_rng(0).random((31, 45)).astype(np.float32)
    breast = np.ones(image.shape, bool)
    context = Context(margin_px=4, moments_px=5, stride_px=4)
    one = classifier(8, normalisation="local-moments", context=context)
    sampler = WindowSampler(breast, 8, stride_px)
    found = window_probabilities(one, image, breast, sampler)
    at_tiles = list(one.runtime.seen)
    alone = one.probabilities(sampler.read(image, slice(None), border_px=4 + 5 // 2))[:, 1]
    np.testing.assert_allclose(found, alone, atol=1e-5)
    assert np.ptp(found) > 0.01
    assert (sum(at_tiles) < len(sampler)) is (stride_px == 4)


@pytest.fixture
def made(card, classifier_card, tmp_path):
    """A package of a map of one classifier; options change their cards."""

    def make(inner=None, members=1, spacing_mm=0.07):
        values = classifier_card.model_dump() | (inner or {})
        of_patches = write_package(tmp_path / "inner", Card.model_validate(values), {"model.onnx": b"onnx"})
        recipe = load_recipe("cortina2022-resnet16-map").with_changes(
            {"maps": [{"classifier": "microcalc-resnet16", "stride_px": 8}]}
        )
        member = {"file": "classifier-1.zip", "name": "a", "version": "1", "sha256": of_patches.sha256}
        changes = {
            "name": recipe.name,
            "kind": recipe.kind,
            "recipe": recipe.as_written(),
            "input": {"spacing_mm": spacing_mm, "proposer": None, "classifiers": [member] * members},
        }
        card_of_map = Card.model_validate(card.model_dump() | changes)
        return write_package(tmp_path / "map", card_of_map, {"classifier-1.zip": of_patches.zipped()}), of_patches

    return make


def test_a_package_within_a_package_is_what_it_was(made):
    package, of_patches = made()
    inner = package.inner("classifier-1.zip")
    assert (inner.card, inner.sha256) == (of_patches.card, of_patches.sha256)
    assert inner.read("model.onnx") == b"onnx"
    assert of_patches.zipped() == of_patches.zipped()


def test_a_classifier_of_another_recipe(made, classifier_card):
    other = load_recipe("microcalc-resnet32")
    package, _ = made(inner={"name": other.name, "recipe": other.as_written()})
    with pytest.raises(ReadError, match=r"microcalc-resnet16 at 0\.07 mm, .*found microcalc-resnet32 at 0\.07 mm"):
        load_patch_map(package)


def test_a_classifier_at_another_pitch(made, classifier_card):
    package, _ = made(inner={"input": classifier_card.input.model_dump() | {"spacing_mm": "native"}})
    with pytest.raises(ReadError, match=r"at 0\.07 mm, .*found microcalc-resnet16 at native"):
        load_patch_map(package)


def test_a_card_at_another_pitch_than_its_recipe(made):
    package, _ = made(spacing_mm=0.05)
    with pytest.raises(ReadError, match=r"expected its recipe's pixel pitch, 0\.07 mm, found 0\.05 mm"):
        load_patch_map(package)


def test_as_many_classifiers_as_maps(made):
    package, _ = made(members=2)
    with pytest.raises(ReadError, match="expected 1 classifiers, as its recipe has maps, found 2 on its card"):
        load_patch_map(package)


def test_a_package_of_another_kind(package):
    with pytest.raises(UsageError, match="kind patch-map, found cortina2022-cascade of the kind cascade"):
        load_patch_map(package)


def test_a_damaged_package_within_a_package(made, tmp_path):
    package, _ = made()
    other = write_package(tmp_path / "other", package.card, {"classifier-1.zip": b"no zip"})
    with pytest.raises(
        ReadError, match=r"other/classifier-1\.zip: expected a model package: a folder with card\.yaml, or a zip"
    ):
        other.inner("classifier-1.zip")
