"""The network of a package in torch."""

import pytest
import torch
from safetensors.torch import save

from microcalc.errors import ReadError, UsageError
from microcalc.models import write_package
from microcalc.models.torch_network import load_torch, torch_device


def test_the_weights_are_those_of_the_package(classifier_package, module):
    loaded = load_torch(classifier_package)
    assert not loaded.training
    assert loaded.state_dict().keys() == module.state_dict().keys()
    for name, tensor in loaded.state_dict().items():
        assert torch.equal(tensor, module.state_dict()[name])


@pytest.mark.parametrize(
    ("change", "says"),
    [
        (lambda state: {name: tensor for name, tensor in state.items() if name != "fc.1.bias"}, "fc.1.bias is missing"),
        (lambda state: state | {"fc.1.bias": torch.zeros(2)}, "fc.1.bias is of shape 2 in place of 1"),
        (lambda state: state | {"more": torch.zeros(1)}, "more is none of its weights"),
        (lambda state: state | {"fc.1.bias": torch.tensor([torch.nan])}, "fc.1.bias holds values that are not finite"),
    ],
    ids=["missing", "shape", "more", "nan"],
)
def test_weights_of_another_network(classifier_card, module, tmp_path, change, says):
    weights = {"weights.safetensors": save(change(dict(module.state_dict())))}
    package = write_package(tmp_path / "package", classifier_card, weights)
    with pytest.raises(ReadError, match=f"expected the weights of microcalc-resnet16 in weights.safetensors.*{says}"):
        load_torch(package)


def test_counters_that_old_weights_lack_are_made(classifier_card, module, tmp_path):
    state = {name: tensor for name, tensor in module.state_dict().items() if not name.endswith("tracked")}
    package = write_package(tmp_path / "package", classifier_card, {"weights.safetensors": save(state)})
    assert load_torch(package).bn1.num_batches_tracked == 0


def test_damaged_weights(classifier_card, tmp_path):
    package = write_package(tmp_path / "package", classifier_card, {"weights.safetensors": b"abc"})
    with pytest.raises(ReadError, match=r"expected weights as safetensors in weights\.safetensors"):
        load_torch(package)


def test_devices(monkeypatch):
    monkeypatch.setattr(torch.cuda, "is_available", lambda: True)
    monkeypatch.setattr(torch.cuda, "device_count", lambda: 2)
    names = ("auto", "cpu", "cuda", "cuda:1")
    assert [str(torch_device(name)) for name in names] == ["cuda", "cpu", "cuda", "cuda:1"]
    with pytest.raises(UsageError, match="there: auto, cpu, cuda, cuda:0, cuda:1, found 'cuda:2'"):
        torch_device("cuda:2")
    monkeypatch.setattr(torch.cuda, "is_available", lambda: False)
    assert str(torch_device("auto")) == "cpu"
    with pytest.raises(UsageError, match="there: auto, cpu, found 'cuda'"):
        torch_device("cuda")
