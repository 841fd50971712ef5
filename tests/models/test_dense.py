"""A network run once over an image says of every window what it says of the window's own patch."""

import numpy as np
import onnxruntime
import pytest
import torch

from microcalc.errors import UsageError
from microcalc.models import dense_windows
from microcalc.models.dense import reach_px
from microcalc.models.dense_windows import wanted_windows, window_grid
from microcalc.models.networks import build
from microcalc.models.onnx_file import check, export
from microcalc.models.patch_classifier import PatchClassifier
from microcalc.recipe import Network, PatchInput
from microcalc.recipe.network import Context, Head
from microcalc.recipe.patch_classifier import PatchClass, Target

#: Patches as cut are 8 + 2 * 24 + 2 * 3 = 62 px.
SPEC = PatchInput(size_px=8, normalisation="local-moments", context=Context(margin_px=24, moments_px=7, stride_px=4))
NETWORK = Network(name="scalable_resnet", start="random", channels=1, stages=2, head=Head(hidden=(5,)))


@pytest.fixture(autouse=True)
def _one_thread():
    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(threads)


@pytest.fixture(scope="module")
def module():
    """With logits some units apart, so that a difference would be seen."""
    torch.manual_seed(0)
    made = build(NETWORK, 2, SPEC).eval()
    with torch.no_grad():
        for layer in made.fc:
            if isinstance(layer, torch.nn.Linear):
                layer.weight *= 10
    return made


class InTorch:
    """The module as a runtime, which notes what it is shown."""

    name, precision, device = "torch", "f32", "cpu"

    def __init__(self, module):
        self.module, self.shapes = module, []

    def __call__(self, batch):
        self.shapes.append(batch.shape)
        with torch.inference_mode():
            return (self.module(torch.from_numpy(batch)).numpy(),)


@pytest.fixture
def classifier(module):
    return PatchClassifier(
        input=SPEC,
        channels=1,
        classes=(PatchClass(name="none", labels=("normal",)), PatchClass(name="some", labels=("calcification",))),
        targets=(Target(name="some", classes=("some",)),),
        calibration=None,
        runtime=InTorch(module),
    )


@pytest.fixture(scope="module")
def image():
    """Neither side is a multiple of the stride; part of it is air, part of it noise around a slope."""
    drawn = np.random.default_rng(0).uniform(0, 0.2, (75, 50)) + np.linspace(0, 0.7, 50)
    drawn[:, :9] = 0
    return drawn.astype(np.float32)


@pytest.mark.parametrize(("tile_px", "stride_px"), [(24, 4), (512, 4), (16, 8)])
def test_dense_is_windowed(classifier, image, monkeypatch, tile_px, stride_px):
    """Windows at the corners and edges among them, whose patches go on in the mirror; tiles of any size, no seam."""
    monkeypatch.setattr(dense_windows, "TILE_PX", tile_px)
    found = classifier.dense_probabilities(image, np.ones_like(image, bool), stride_px)
    rows, columns = found.shape
    assert (rows, columns) == ((18, 12) if stride_px == 4 else (10, 7))
    wide = np.pad(image, 27 + stride_px, mode="reflect")[stride_px:, stride_px:]
    chosen = [(y, x) for y in (0, 1, rows // 2, rows - 2, rows - 1) for x in (0, 2, columns - 2, columns - 1)]
    patches = np.stack([wide[y * stride_px :, x * stride_px :][:62, :62] for y, x in chosen])
    alone = classifier.probabilities(patches)[:, 1]
    assert np.ptp(alone) > 0.05  # or anything would agree
    np.testing.assert_allclose([found[place] for place in chosen], alone, atol=1e-5)


def test_what_nobody_asks_for_is_not_computed(classifier, image, monkeypatch):
    monkeypatch.setattr(dense_windows, "TILE_PX", 8)
    mask = np.zeros_like(image, bool)
    mask[40, 20] = True
    found = classifier.dense_probabilities(image, mask, 4)
    # Windows of 8 px from 36 and 40 hold row 40, those from 16 and 20 column 20: four, of all in two tiles at most a
    # side; each tile is of one or two windows, 56 or 60 px with their surroundings.
    assert (np.argwhere(found > 0) == [(9, 4), (9, 5), (10, 4), (10, 5)]).all()
    assert all(max(shape[2:]) <= 60 for shape in classifier.runtime.shapes)
    assert len(classifier.runtime.shapes) <= 4
    classifier.runtime.shapes.clear()
    assert not classifier.dense_probabilities(image, np.zeros_like(mask), 4).any()
    assert not classifier.runtime.shapes


def test_an_image_smaller_than_a_window_has_one(classifier):
    image = np.random.default_rng(0).random((5, 3), np.float32)
    found = classifier.dense_probabilities(image, np.ones((5, 3), bool), 4)
    # 27 px before it and 30 or 32 behind: as NumPy reflects it.
    patch = np.pad(image, ((27, 30), (27, 32)), mode="reflect")
    np.testing.assert_allclose(found, classifier.probabilities(patch[None])[:, 1:], atol=1e-5)


def test_the_grid_covers_the_image():
    """8 px at a stride of 4 over 75: the last of them from 68, since those from 64 end with 71."""
    assert window_grid((75, 8), 8, 4) == (18, 1)
    mask = np.zeros((75, 8), bool)
    mask[74] = True
    assert np.flatnonzero(wanted_windows(mask, 8, 4)).tolist() == [17]


@pytest.mark.parametrize("stages", [2, 3])
def test_no_feature_of_a_window_sees_beyond_the_reach(stages):
    """By the gradients of a network whose weights are all positive, so that none is lost."""
    step, reach = 2**stages, reach_px(stages)
    margin = step * -(-reach // step)
    spec = PatchInput(
        size_px=2 * step,
        normalisation="local-moments",
        context=Context(margin_px=margin + step, moments_px=3, stride_px=step),
    )
    network = build(NETWORK.model_copy(update={"stages": stages, "head": Head()}), 1, spec).eval()
    with torch.no_grad():
        for weights in network.parameters():
            weights.abs_()
    images = torch.ones(1, 1, spec.network_px, spec.network_px, requires_grad=True)
    network(images).sum().backward()
    seen = images.grad[0, 0].any(dim=0).nonzero()[:, 0]
    assert seen[0] == margin + step - reach  # the first feature sees that far, and no farther
    assert seen[-1] < margin + step + 2 * step + reach


@pytest.mark.parametrize("lengths", [(8, 20, 4), (8, 22, 4), (10, 24, 4), (8, 24, 6)])
def test_a_margin_too_narrow_and_lengths_between_features_are_refused(lengths):
    size, margin, stride = lengths
    context = Context(margin_px=margin, moments_px=3, stride_px=stride)
    with pytest.raises(UsageError, match="multiples of 4 px, the margin at least 22 px, as far as 2 stages see, found"):
        build(NETWORK, 2, PatchInput(size_px=size, normalisation="local-moments", context=context))


def test_onnx_says_the_same_of_any_size(module, tmp_path):
    path = tmp_path / "model.onnx"
    export(module, NETWORK, SPEC, path)
    assert check(path, module, (64, 92)) < 1e-4
    session = onnxruntime.InferenceSession(path, providers=["CPUExecutionProvider"])
    rng = np.random.default_rng(0)
    for shape in [(1, 1, 56, 56), (3, 1, 56, 72), (2, 1, 100, 60)]:
        images = rng.standard_normal(shape).astype(np.float32)
        with torch.inference_mode():
            wanted = module(torch.from_numpy(images)).numpy()
        assert wanted.shape[2:] == ((shape[2] - 56) // 4 + 1, (shape[3] - 56) // 4 + 1)
        np.testing.assert_allclose(session.run(None, {"patches": images})[0], wanted, atol=1e-4)


def test_networks_fed_patch_by_patch_and_other_strides_are_refused(classifier, image):
    alone = PatchClassifier(
        input=PatchInput(size_px=8, normalisation="z-score"),
        channels=1,
        classes=classifier.classes,
        targets=classifier.targets,
        calibration=None,
        runtime=classifier.runtime,
    )
    mask = np.ones_like(image, bool)
    with pytest.raises(
        UsageError, match=r"input\.context.*found one that is fed patch by patch; use batches of windows"
    ):
        alone.dense_probabilities(image, mask, 4)
    with pytest.raises(UsageError, match="found 6 px, no multiple of 4; choose another stride"):
        classifier.dense_probabilities(image, mask, 6)
