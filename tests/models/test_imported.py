"""The published ResNet-101: a checkpoint of that exact form becomes a package that scores as it did."""

import sys

import numpy as np
import pytest
import torch
import torchvision
from torch import nn

from microcalc import cli
from microcalc.errors import ReadError, UsageError
from microcalc.models import imported, load_package
from microcalc.models.imported import CHECKPOINTS, import_checkpoint
from microcalc.models.torch_network import load_torch
from microcalc.recipe import load_recipe

NAME = "mracko2024-resnet101"


@pytest.fixture(scope="module")
def published(tmp_path_factory):
    """(file, torchvision's network): the weights as the authors publish and load them, drawn at random."""
    with torch.device("meta"):
        network = torchvision.models.resnet101()
    network.fc = nn.Linear(network.fc.in_features, 2, device="meta")
    torch.manual_seed(0)
    state = {name: drawn(name, tensor) for name, tensor in network.state_dict().items()}
    network.load_state_dict(state, assign=True)
    path = tmp_path_factory.mktemp("published") / "weights.tar"
    torch.save({"state_dict": state, "epoch": 12}, path)
    return path, network.eval()


def drawn(name, tensor):
    """Small weights, and moments and scales of 1: cheap to draw, and outputs stay small."""
    if name.endswith("num_batches_tracked"):
        return torch.tensor(7)
    if tensor.ndim == 1:
        return torch.ones(tensor.shape) if name.endswith("running_var") else torch.full(tensor.shape, 0.1)
    return torch.empty(tensor.shape).uniform_(-0.05, 0.05)


@pytest.fixture(scope="module")
def package(published, tmp_path_factory):
    return import_checkpoint(NAME, published[0], tmp_path_factory.mktemp("package"), onnx=False)


@pytest.fixture
def small(monkeypatch):
    """A state dict of the published form, but of a small network, for what is wrong with files."""
    recipe = load_recipe(NAME)
    network = recipe.network.model_copy(update={"name": "scalable_resnet", "stages": 2, "start": "random"})
    monkeypatch.setattr(imported, "load_recipe", lambda name: recipe.model_copy(update={"network": network}))
    torch.manual_seed(0)
    return imported.build(network, 2).state_dict()


def test_the_network_is_the_published_one_with_its_outputs_turned_round(published, package):
    """Class 0 of the file is a cluster; the recipe has the negative first."""
    patch = torch.rand(2, 1, 40, 40).expand(2, 3, 40, 40)
    with torch.inference_mode():
        wanted = published[1](patch)
        found = load_torch(package)(patch)
    assert found.shape == (2, 2)
    np.testing.assert_allclose(found, wanted.flip(1), rtol=1e-4, atol=1e-6)
    assert not torch.allclose(wanted, wanted.flip(1))


def test_every_weight_is_the_published_one(published, package):
    state = published[1].state_dict()
    arrays = package.arrays("weights.safetensors")
    assert arrays.keys() == state.keys()
    for name, array in arrays.items():
        np.testing.assert_array_equal(array, (state[name].flip(0) if name.startswith("fc.") else state[name]).numpy())


def test_the_card_says_what_is_known_and_what_is_not(package):
    card = package.card
    assert (card.name, card.kind, card.labels) == (NAME, "patch-classifier", ("no cluster", "cluster"))
    assert (card.input.patch.size_px, card.input.network.channels, card.input.patch.normalisation) == (674, 3, "max")
    assert (card.calibrated, card.calibration, card.malignancy) == (False, None, None)
    assert [(point.name, point.threshold) for point in card.operating_points] == [("paper", 0.5)]
    assert (card.training.images, card.training.seed, card.training.seconds) == (None, None, None)
    assert "not calibrated" in card.limitations
    assert "taken from 'state_dict' in the file" in card.limitations
    assert {metric.measure: metric.value for metric in card.metrics} == pytest.approx(
        {"accuracy": 0.982, "f1": 0.955, "mcc": 0.944, "specificity": 0.991, "sensitivity": 0.946}
    )  # abstract and section III-A
    assert all("not measured by microcalc" in metric.remark for metric in card.metrics)


def test_every_checkpoint_has_a_recipe_of_its_classes():
    for name, known in CHECKPOINTS.items():
        assert sorted(known.outputs) == sorted(one.name for one in load_recipe(name).patches.classes)


@pytest.mark.parametrize("wrap", [lambda state: state, lambda state: {f"module.{k}": v for k, v in state.items()}])
def test_bare_and_prefixed_forms_are_taken_too(small, tmp_path, wrap):
    torch.save(wrap(small), tmp_path / "a.pth")
    package = import_checkpoint(NAME, tmp_path / "a.pth", tmp_path / "out", onnx=False)
    np.testing.assert_array_equal(package.arrays("weights.safetensors")["fc.bias"], small["fc.bias"].flip(0).numpy())
    assert ("'module.' taken off" in package.card.limitations) == ("conv1.weight" not in wrap(small))


def test_counters_that_old_files_lack_are_made(small, tmp_path):
    torch.save({name: tensor for name, tensor in small.items() if not name.endswith("tracked")}, tmp_path / "a.pth")
    package = import_checkpoint(NAME, tmp_path / "a.pth", tmp_path / "out", onnx=False)
    assert package.arrays("weights.safetensors")["bn1.num_batches_tracked"] == 0


@pytest.mark.parametrize(
    ("name", "tensor", "found"),
    [
        ("fc.weight", torch.zeros(1000, 128), "fc.weight is of shape 1000 x 128 in place of 2 x 128"),
        ("bn1.weight", torch.zeros(64, dtype=torch.float16), "bn1.weight is of type torch.float16"),
        ("bn1.bias", torch.full((64,), torch.inf), "bn1.bias holds values that are not finite"),
        ("extra", torch.zeros(1), "extra is none of its weights"),
    ],
)
def test_a_tensor_that_is_not_as_it_should_be(small, tmp_path, name, tensor, found):
    torch.save(small | {name: tensor}, tmp_path / "a.pth")
    with pytest.raises(ReadError) as error:
        import_checkpoint(NAME, tmp_path / "a.pth", tmp_path / "out", onnx=False)
    assert found in str(error.value)
    assert str(error.value).startswith(str(tmp_path / "a.pth"))
    assert not (tmp_path / "out").exists()


def test_with_onnx_beside_the_weights(small, tmp_path, monkeypatch):
    """As small as a recipe allows: 16 px."""
    recipe = imported.load_recipe(NAME)
    patch = recipe.input.model_copy(update={"size_px": 16})
    monkeypatch.setattr(imported, "load_recipe", lambda name: recipe.model_copy(update={"input": patch}))
    torch.save(small, tmp_path / "a.pth")
    package = import_checkpoint(NAME, tmp_path / "a.pth", tmp_path / "out")
    assert sorted(package.card.files) == ["model.onnx", "weights.safetensors"]


def test_what_nobody_has_published(tmp_path):
    with pytest.raises(UsageError, match=f"a published checkpoint: {NAME}"):
        import_checkpoint("mine", tmp_path / "a.pth", tmp_path / "out")


def test_the_command(small, tmp_path, monkeypatch, capsys):
    torch.save(small, tmp_path / "a.pth")
    call = ("models", "import", NAME, tmp_path / "a.pth", "--out", tmp_path / "out", "--no-onnx")
    monkeypatch.setattr(sys, "argv", ["microcalc", *map(str, call)])
    monkeypatch.setattr(cli.signal, "signal", lambda *_: None)
    with pytest.raises(SystemExit) as ended:
        cli.main()
    assert ended.value.code == 0
    assert capsys.readouterr().out == f"{tmp_path / 'out'}, SHA-256 {load_package(tmp_path / 'out').sha256}\n"
