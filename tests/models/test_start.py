"""Where weights start: published ones, files, and what is no file of weights of this network."""

import urllib.error
import warnings

import numpy as np
import pytest
import torch
from safetensors.torch import save_file
from torch import nn

from microcalc.errors import ReadError, UsageError
from microcalc.models import start
from microcalc.models.networks import build
from microcalc.models.start import load_start
from microcalc.models.state_dicts import differences, read_state_dict
from microcalc.recipe import Network
from microcalc.recipe.network import Head


def scalable(channels=1, stages=2, **fields):
    return Network(name="scalable_resnet", start="random", channels=channels, stages=stages, **fields)


@pytest.fixture(scope="module")
def trained():
    """Weights of a small network for three channels and two outputs."""
    torch.manual_seed(3)
    return build(scalable(3), 2).state_dict()


@pytest.fixture
def module():
    torch.manual_seed(4)
    return build(scalable(3), 2)


def same(module, weights, but=()):
    own = module.state_dict()
    return all(torch.equal(own[name], tensor) for name, tensor in weights.items() if not name.startswith(but))


def test_at_random_nothing_is_changed(module):
    before = {name: tensor.clone() for name, tensor in module.state_dict().items()}
    assert load_start(module, scalable(3)) == "random weights"
    assert same(module, before)


@pytest.mark.parametrize("suffix", [".pth", ".safetensors"])
def test_a_file(module, trained, tmp_path, suffix):
    path = tmp_path / f"best{suffix}"
    (save_file if suffix == ".safetensors" else torch.save)(trained, path)
    assert load_start(module, scalable(3), init=path) == f"weights of best{suffix}"
    assert same(module, trained)


@pytest.mark.parametrize(
    ("wrap", "said"),
    [
        (lambda state: {"state_dict": state, "epoch": 3}, "taken from 'state_dict' in the file"),
        (lambda state: {"model": state, "optimizer": {"lr": 0.1}}, "taken from 'model' in the file"),
        (lambda state: {f"module.{name}": tensor for name, tensor in state.items()}, "'module.' taken off its names"),
        (
            lambda state: {"state_dict": {f"module.network.{name}": tensor for name, tensor in state.items()}},
            "taken from 'state_dict' in the file, 'module.' taken off its names, 'network.' taken off its names",
        ),
    ],
)
def test_what_is_wrapped_around_weights_is_taken_off_and_said(module, trained, tmp_path, wrap, said):
    torch.save(wrap(trained), tmp_path / "a.pth")
    assert load_start(module, scalable(3), init=tmp_path / "a.pth") == f"weights of a.pth, {said}"
    assert same(module, trained)


def test_a_head_of_another_shape_stays_random_and_that_is_said(trained, tmp_path):
    torch.save(trained, tmp_path / "a.pth")
    asked = scalable(3, head=Head(hidden=(7,)))
    module = build(asked, 2)
    before = {name: tensor.clone() for name, tensor in module.fc.state_dict().items()}
    said = load_start(module, asked, init=tmp_path / "a.pth")
    assert said == "weights of a.pth, the head random, for it had another shape"
    assert same(module, trained, but="fc.")
    assert same(module.fc, before)


def test_three_channels_are_summed_for_one(trained, tmp_path):
    torch.save(trained, tmp_path / "a.pth")
    grey, colours = build(scalable(1), 2), build(scalable(3), 2)
    said = load_start(grey, scalable(1), init=tmp_path / "a.pth")
    load_start(colours, scalable(3), init=tmp_path / "a.pth")
    assert said == "weights of a.pth, summed over three channels"
    patch = torch.rand(1, 1, 16, 16)
    with torch.inference_mode():
        np.testing.assert_allclose(grey.eval()(patch), colours.eval()(patch.expand(1, 3, 16, 16)), rtol=1e-4, atol=1e-5)


def test_another_architecture_is_named(module, tmp_path):
    with torch.device("meta"):
        others = build(Network(name="resnet18", start="random", channels=3), 1000).state_dict()
    zeros = {name: torch.zeros((), dtype=own.dtype).expand(own.shape) for name, own in others.items()}
    torch.save(zeros, tmp_path / "a.pth")
    with pytest.raises(UsageError) as error:
        load_start(module, scalable(3), init=tmp_path / "a.pth")
    assert str(error.value).startswith(
        f"{tmp_path / 'a.pth'}: expected weights of scalable_resnet, found those of resnet18; "
    )


def test_weights_of_no_network_of_ours(module, tmp_path):
    torch.save({"body.gate": torch.ones(1), "gate": torch.ones(1)}, tmp_path / "a.pth")
    with pytest.raises(
        UsageError, match=r"found conv1\.weight is missing, bn1\.weight is missing, .* \(and \d+ more\)"
    ):
        load_start(module, scalable(3), init=tmp_path / "a.pth")


@pytest.mark.parametrize("name", ["bn1.weight", "fc.bias"])
def test_values_that_are_not_finite_are_refused(module, trained, tmp_path, name):
    torch.save(trained | {name: torch.full_like(trained[name], torch.nan)}, tmp_path / "a.pth")
    with pytest.raises(UsageError, match=rf"found {name} holds values that are not finite"):
        load_start(module, scalable(3), init=tmp_path / "a.pth")


class Code:
    """What would run when it is unpickled."""

    def __reduce__(self):
        return warnings.warn, ("unpickled",)


class TestFiles:
    def refuses(self, path, found):
        with warnings.catch_warnings():
            warnings.simplefilter("error")  # Code would warn
            warnings.filterwarnings("ignore", "Detected pickle protocol")
            with pytest.raises(ReadError) as error:
                read_state_dict(path)
        assert str(error.value).startswith(f"{path}: expected ")
        assert found in str(error.value)
        assert "\n" not in str(error.value)

    def test_none(self, tmp_path):
        self.refuses(tmp_path / "none.pth", "No such file")

    @pytest.mark.parametrize("suffix", [".pth", ".safetensors"])
    @pytest.mark.parametrize("keep", [0, 1, 20, 100, -1])
    def test_truncated(self, tmp_path, suffix, keep):
        whole, path = tmp_path / f"whole{suffix}", tmp_path / f"a{suffix}"
        (save_file if suffix == ".safetensors" else torch.save)(nn.Linear(3, 2).state_dict(), whole)
        path.write_bytes(whole.read_bytes()[:keep])
        self.refuses(path, "" if suffix == ".safetensors" else "a damaged file")

    @pytest.mark.parametrize("content", [{"weight": Code()}, nn.Linear(1, 1)], ids=["code", "a whole module"])
    def test_objects_are_not_unpickled(self, tmp_path, content):
        torch.save(content, tmp_path / "a.pth")
        self.refuses(tmp_path / "a.pth", "objects in it, which could run code")

    @pytest.mark.parametrize("content", [[1, 2], {"epoch": 3}, {}, torch.ones(2)])
    def test_no_weights(self, tmp_path, content):
        torch.save(content, tmp_path / "a.pth")
        self.refuses(tmp_path / "a.pth", "other things than weights by their names")

    @pytest.mark.filterwarnings("ignore")  # torch warns of the last two itself
    @pytest.mark.parametrize(
        "made",
        [
            lambda: torch.ones(2, device="meta"),
            lambda: torch.ones(2).to_sparse(),
            lambda: torch.quantize_per_tensor(torch.ones(2), 0.1, 0, torch.quint8),
        ],
        ids=["without values", "sparse", "quantised"],
    )
    def test_tensors_that_are_no_weights(self, tmp_path, made):
        torch.save({"weight": made()}, tmp_path / "a.pth")
        with pytest.raises(ReadError, match="other things than weights by their names"):
            read_state_dict(tmp_path / "a.pth")


def test_differences_name_what_is_wrong():
    wanted = {
        "a": torch.zeros(2, 3),
        "b": torch.zeros(2),
        "c": torch.zeros(()),
        "n.num_batches_tracked": torch.tensor(0),
    }
    found = {"a": torch.zeros(3, 2), "b": torch.zeros(2, dtype=torch.float64), "d": torch.tensor(torch.inf)}
    assert differences(found, wanted) == [
        "c is missing",
        "d is none of its weights",
        "a is of shape 3 x 2 in place of 2 x 3",
        "b is of type torch.float64 in place of torch.float32",
    ]
    assert differences(wanted, wanted) == []


def test_weights_of_another_shape_are_not_looked_into():
    """A file of some bytes can state a shape that no memory holds."""
    found = differences({"a": torch.zeros(1).expand(2**45)}, {"a": torch.zeros(2)})
    assert found == ["a is of shape 35184372088832 in place of 2"]


class TestImageNet:
    """With weights that are not fetched but made here."""

    @pytest.fixture
    def fetched(self, monkeypatch):
        """Calls of torch's loader, which gives the weights set as ``state``, or raises ``error``."""
        calls = []

        def load(url, **options):
            calls.append((url, options))
            if isinstance(load.answer, Exception):
                raise load.answer
            return load.answer

        monkeypatch.setattr(start.torch.hub, "load_state_dict_from_url", load)
        load.calls = calls
        return load

    def test_torchvisions_file_is_loaded_but_for_its_head(self, fetched):
        asked = Network(name="resnet18", start="imagenet", channels=1)
        published = build(Network(name="resnet18", start="random", channels=3), 1000).state_dict()
        fetched.answer = dict(published)
        module = build(asked, 2)
        said = load_start(module, asked)
        assert said == (
            "weights learnt on ImageNet, resnet18-f37072fd.pth, summed over three channels, "
            "the head random, for it had another shape"
        )
        assert same(module, published, but=("fc.", "conv1."))
        assert torch.equal(module.conv1.weight, published["conv1.weight"].sum(1, keepdim=True))
        ((url, options),) = fetched.calls
        assert url == "https://download.pytorch.org/models/resnet18-f37072fd.pth"
        assert options["weights_only"]
        assert options["check_hash"]

    def test_densenets_old_names(self, fetched):
        asked = Network(name="densenet121", start="imagenet", channels=3)
        published = build(asked, 1000).state_dict()
        old = {
            name.replace(".norm1.", ".norm.1.").replace(".conv2.", ".conv.2."): tensor
            for name, tensor in published.items()
            if not name.endswith("num_batches_tracked")
        }
        assert "features.denseblock1.denselayer1.norm.1.weight" in old
        fetched.answer = old
        module = build(asked, 2)
        load_start(module, asked)
        assert same(module, published, but="classifier.")

    @pytest.mark.parametrize("failure", [urllib.error.URLError("no route"), RuntimeError("invalid hash value")])
    def test_weights_that_cannot_be_had(self, fetched, failure):
        fetched.answer = failure
        asked = Network(name="resnet18", start="imagenet", channels=1)
        with pytest.raises(UsageError) as error:
            load_start(nn.Module(), asked)
        for part in ("resnet18-f37072fd.pth", "checkpoints", "--init FILE", "https://download.pytorch.org"):
            assert part in str(error.value)
