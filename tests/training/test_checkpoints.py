import os
import pickle

import pytest
import torch
from torch import nn

from microcalc.errors import ReadError, UsageError
from microcalc.models.state_dicts import read_state_dict
from microcalc.training.checkpoints import Checkpoint, write_weights


class Planted:
    """Leaves a file behind when it is unpickled."""

    def __init__(self, path):
        self.path = path

    def __reduce__(self):
        return os.mkdir, (str(self.path),)


def checkpoint(module):
    optimiser = torch.optim.Adam(module.parameters(), 0.1)
    module(torch.ones(1, 3)).sum().backward()
    optimiser.step()
    return Checkpoint("resnet18", "random weights", module.state_dict(), optimiser.state_dict(), {}, [{"epoch": 1}])


def test_it_is_read_as_it_was_written(tmp_path):
    written = checkpoint(nn.Linear(3, 2))
    written.write(tmp_path / "last.ckpt")
    read = Checkpoint.read(tmp_path / "last.ckpt")
    assert (read.network, read.start, read.rows, read.precision) == ("resnet18", "random weights", [{"epoch": 1}], {})
    assert all(torch.equal(value, written.weights[name]) for name, value in read.weights.items())
    # Adam's first moment after one step from 0 is (1 - 0.9) times the gradient, which is 1 here.
    assert read.optimiser["state"][0]["exp_avg"].tolist() == pytest.approx(torch.full((2, 3), 0.1).numpy())
    assert [path.name for path in tmp_path.iterdir()] == ["last.ckpt"]


def test_a_foreign_one_runs_no_code(tmp_path):
    torch.save({"network": Planted(tmp_path / "planted")}, tmp_path / "last.ckpt", pickle_module=pickle)
    with pytest.raises(ReadError, match="without --resume"):
        Checkpoint.read(tmp_path / "last.ckpt")
    assert not (tmp_path / "planted").exists()


@pytest.mark.parametrize("content", [b"", b"half a file", pickle.dumps({"rows": []}, protocol=2)])
def test_a_damaged_one_is_an_error(tmp_path, content):
    (tmp_path / "last.ckpt").write_bytes(content)
    with pytest.raises(ReadError, match="to go on from"):
        Checkpoint.read(tmp_path / "last.ckpt")


def test_weights_of_another_network_are_refused_and_change_nothing(tmp_path):
    module = nn.Linear(3, 1)
    before = module.weight.clone()
    with pytest.raises(UsageError, match=r"a checkpoint of alexnet.*one of resnet18: weight is of shape 2 x 3"):
        checkpoint(nn.Linear(3, 2)).give_weights(module, "alexnet", tmp_path)
    assert torch.equal(module.weight, before)


def test_weights_alone(tmp_path):
    module = nn.Sequential(nn.Conv2d(1, 2, 3).to(memory_format=torch.channels_last), nn.BatchNorm2d(2))
    write_weights(tmp_path / "best.safetensors", module)
    read, _ = read_state_dict(tmp_path / "best.safetensors")
    assert read.keys() == module.state_dict().keys()
    assert all(torch.equal(value, read[name]) for name, value in module.state_dict().items())
