from typing import get_args

import pytest
import torch

from microcalc.errors import UsageError
from microcalc.recipe import Fitting
from microcalc.training import devices
from microcalc.training.devices import choose


@pytest.fixture
def gpus(monkeypatch):
    """Makes torch find so many GPUs."""

    def there(count):
        monkeypatch.setattr(torch.cuda, "is_available", lambda: count > 0)
        monkeypatch.setattr(torch.cuda, "device_count", lambda: count)

    return there


def test_the_processor(gpus):
    gpus(0)
    for device in ("auto", "cpu"):
        chosen = choose(device, 1, "bf16")
        assert (chosen.accelerator, chosen.count, chosen.precision) == ("cpu", 1, "bf16-mixed")


def test_gpus(gpus):
    gpus(3)
    assert choose("auto", 1, "f16").device.type == "cuda"
    assert choose("cuda:2", 1, "f32").devices == [2]
    several = choose("cuda", 3, "f32")
    assert (several.count, several.strategy) == (3, "ddp_spawn")


@pytest.mark.parametrize(
    ("there", "device", "asked", "precision", "found"),
    [
        (0, "cuda", 1, "f32", "'cuda'"),
        (1, "cuda:1", 1, "f32", "'cuda:1'"),
        (1, "auto", 2, "f32", "found 1 GPUs, with device auto"),
        (2, "cpu", 2, "f32", "found 0 GPUs, with device cpu"),
        (2, "cuda:0", 2, "f32", "found 2 GPUs, with device cuda:0"),
        (0, "auto", 1, "f16", "a GPU, for training in precision f16"),
    ],
)
def test_what_is_not_there_is_refused(gpus, there, device, asked, precision, found):
    gpus(there)
    with pytest.raises(UsageError, match=found):
        choose(device, asked, precision)


def test_every_precision_of_recipes_is_known():
    assert set(get_args(Fitting.model_fields["precision"].annotation)) == set(devices._PRECISIONS)
