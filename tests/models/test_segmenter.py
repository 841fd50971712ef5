"""Segmenters: tile by tile what the network says of the whole image, from packages in both forms."""

import json

import cv2
import numpy as np
import pytest
import torch

from microcalc.errors import ReadError, UsageError
from microcalc.models import Card, load_package, write_package
from microcalc.models.local_contrast import local_contrast
from microcalc.models.network_files import export_again, write_network_package
from microcalc.models.recipe_networks import segmenter_network
from microcalc.models.runtime import Computation
from microcalc.models.segmenter import load_segmenter
from microcalc.models.torch_network import load_torch
from microcalc.recipe import load_recipe

#: The smallest network of either kind, and how it is fed. 32 px are more than the first one sees to either side.
SPECKS = {
    "network": {"widths": [4, 6], "depths": [1, 1]},
    "input": {"normalisation": "local", "multiple": 4, "tile_px": 32, "halo_px": 32},
    "windows": {"size_px": 16},
}
TWO_TASKS = {
    "network": {"widths": [4, 4, 4, 4, 4], "skip": 4},
    "segmentation": {"normalisation": "none", "multiple": 16, "tile_px": 48, "halo_px": 16, "blend": True},
}
RUNTIMES = ("onnxruntime", "torch", "openvino")


@pytest.fixture(scope="module")
def written(card, tmp_path_factory):
    """Writes a package of a recipe's network with random weights that answer; returns it."""
    before = torch.get_num_threads(), cv2.getNumThreads()
    torch.set_num_threads(1)
    cv2.setNumThreads(1)  # as many as a runtime then takes

    def write(name, changes):
        recipe = load_recipe(name).with_changes(changes)
        values = json.loads(card.model_dump_json(by_alias=True)) | {"kind": recipe.kind, "recipe": recipe.as_written()}
        fed = changes.get("input") or changes["segmentation"]
        values["input"] = {"spacing_mm": 0.07, "proposer": None, "segmentation": fed}
        torch.manual_seed(0)
        network = segmenter_network(recipe)
        with torch.no_grad():
            for _ in range(20):  # batch norms see what they are to see
                network.train()(torch.randn(2, 1, 64, 64))
            getattr(network, "last", torch.nn.Linear(1, 4)).bias.zero_()
        return write_network_package(tmp_path_factory.mktemp(name) / "package", Card.model_validate(values), network)

    yield write
    torch.set_num_threads(before[0])
    cv2.setNumThreads(before[1])


@pytest.fixture(scope="module")
def of_specks(written):
    return written("microcalc-default", SPECKS)


@pytest.fixture(scope="module")
def of_two_tasks(written):
    return written("terrassin2024-mutmus-unet3plus", TWO_TASKS)


@pytest.fixture(scope="module")
def scene():
    """An image (rows, columns), and the breast on it."""
    rng = np.random.default_rng(0)
    y, x = np.mgrid[:118, :91]
    breast = ((y - 60) / 50) ** 2 + (x / 80) ** 2 < 1
    return np.where(breast, 0.4 + 0.05 * rng.standard_normal(breast.shape), 0).astype(np.float32), breast


@pytest.mark.parametrize("runtime", RUNTIMES)
def test_tiles_say_what_the_network_says_of_the_whole_image(of_specks, scene, runtime):
    pytest.importorskip(runtime)
    image, breast = scene
    segmenter = load_segmenter(of_specks, Computation(runtime=runtime, device="cpu"))
    found = segmenter(image, breast, 0.07)
    seen = np.pad(local_contrast(image, breast, 0.07), ((0, 2), (0, 1)), mode="reflect")
    with torch.inference_mode():
        whole = load_torch(of_specks)(torch.from_numpy(seen)[None, None])[0].sigmoid().numpy()[:, :-2, :-1]
    assert len(found.tiles) > 6
    assert np.ptp(whole[:, breast]) > 0.1  # a network that says nothing agrees with everything
    np.testing.assert_allclose(found.maps[:, breast], whole[:, breast], atol=1e-5)
    assert not found.maps[:, ~breast].any()
    assert found.maps.dtype == np.float32
    assert found.classes.shape == (0, 0)


def test_two_tasks(of_two_tasks, scene):
    """The classes of each tile, and maps that are blended: the witness is the network in torch, tile by tile."""
    image, breast = (one[:88, :70] for one in scene)
    first = load_segmenter(of_two_tasks, Computation(runtime="torch", device="cpu"))
    assert (first.maps, first.classes) == (("benign", "malignant"), ("normal", "benign", "malignant"))
    expected = first(image, breast, 0.07)
    network = load_torch(of_two_tasks)
    tile = expected.tiles[-1]
    seen = np.pad(image, ((0, 60), (0, 60)), mode="reflect")
    seen = seen[tile.rows.start : tile.rows.stop, tile.columns.start : tile.columns.stop]
    with torch.inference_mode():
        classes = network(torch.from_numpy(seen)[None, None])[1].softmax(1).numpy()
    np.testing.assert_allclose(expected.classes[-1:], classes, atol=1e-6)
    assert expected.classes.shape == (len(expected.tiles), 3)
    assert expected.maps.shape == (2, *image.shape)
    assert np.ptp(expected.maps[:, breast]) > 1e-3
    found = load_segmenter(of_two_tasks)(image, breast, 0.07)  # in ONNX Runtime
    np.testing.assert_allclose(found.maps, expected.maps, atol=1e-5)
    np.testing.assert_allclose(found.classes, expected.classes, atol=1e-5)


def test_an_image_without_breast(of_two_tasks):
    found = load_segmenter(of_two_tasks)(np.zeros((40, 30), np.float32), np.zeros((40, 30), bool), 0.07)
    assert not found.maps.any()
    assert found.classes.shape == (0, 3)


def test_the_onnx_file_is_made_again_from_the_weights(of_specks, tmp_path):
    again = export_again(of_specks, tmp_path / "again")
    assert again.read("model.onnx") == of_specks.read("model.onnx")


def test_a_file_of_other_maps(of_specks, of_two_tasks, tmp_path):
    package = write_package(tmp_path / "package", of_specks.card, {"model.onnx": of_two_tasks.read("model.onnx")})
    says = r"\(n, 1, \*, \*\) -> \(n, 1, \*, \*\) in model.onnx, found .* -> \(n, 2, \*, \*\) and \(n, 3\)"
    for runtime in ("onnxruntime", "openvino"):
        pytest.importorskip(runtime)
        with pytest.raises(ReadError, match=says):
            load_segmenter(package, Computation(runtime=runtime))


def test_a_package_of_another_kind():
    with pytest.raises(UsageError, match="of the kind segmenter or multi-task-segmenter, found cortina2022-cascade"):
        load_segmenter(load_package("cortina2022-cascade"))
