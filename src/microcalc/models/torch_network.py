"""The network of a package in torch."""

from __future__ import annotations

import contextlib
import re
from collections.abc import Iterator

import numpy as np
import torch
from numpy.typing import NDArray
from safetensors import SafetensorError
from safetensors.torch import load
from torch import nn

from microcalc.errors import UsageError
from microcalc.models.container import refused
from microcalc.models.network_package import WEIGHTS
from microcalc.models.package import Package
from microcalc.models.recipe_networks import network_of
from microcalc.models.runtime import Precision
from microcalc.models.state_dicts import completed, differences, in_words, widened


def load_torch(package: Package) -> nn.Module:
    """The network of a package with its weights, on the processor, in evaluation mode.

    Raises:
        UsageError: the package is of a kind that has none.
        ReadError: its weights are damaged, or not those of its network.
    """
    with torch.device("meta"):  # no weights are drawn that are not used
        module = network_of(package)
    try:
        state = widened(load(package.read(WEIGHTS)))
    except SafetensorError as error:
        raise refused(package.path, f"weights as safetensors in {WEIGHTS}", str(error)) from error
    if wrong := differences(state, module.state_dict()):
        raise refused(package.path, f"the weights of {package.card.name} in {WEIGHTS}", in_words(wrong))
    module.load_state_dict(completed(state, module.state_dict()), assign=True)
    return module.eval()


def torch_device(device: str) -> torch.device:
    """The device of an option: ``cpu``, ``cuda`` or ``cuda:n``; ``auto`` is a GPU where there is one.

    Raises:
        UsageError: there is no such device.
    """
    gpus = torch.cuda.device_count() if torch.cuda.is_available() else 0
    if device == "auto":
        return torch.device("cuda" if gpus else "cpu")
    known = re.fullmatch(r"cpu|cuda(?::(\d+))?", device)
    if known is None or (device != "cpu" and int(known[1] or 0) >= gpus):
        there = ["auto", "cpu", *(["cuda"] if gpus else []), *(f"cuda:{number}" for number in range(gpus))]
        raise UsageError(
            expected=f"a device that is there: {', '.join(there)}", found=repr(device), do="choose one of them"
        )
    return torch.device(device)


class TorchRuntime:
    """A network in torch; channels come last in memory, which is faster on processors and GPUs alike."""

    name = "torch"

    def __init__(self, module: nn.Module, precision: Precision, device: torch.device, threads: int) -> None:
        self.precision = precision
        self.device = str(device)
        self._device, self._threads = device, threads
        self._module = module.to(device=device).to(memory_format=torch.channels_last)

    def __call__(self, batch: NDArray[np.float32]) -> tuple[NDArray[np.float32], ...]:
        """See :class:`~microcalc.models.runtime.Runtime`."""
        images = torch.from_numpy(batch).to(self._device).to(memory_format=torch.channels_last)
        cast = torch.autocast(self._device.type, torch.bfloat16, enabled=self.precision == "bf16")
        with _threads(self._threads), torch.inference_mode(), cast:
            found = self._module(images)
            return tuple(one.float().cpu().numpy() for one in (found if isinstance(found, tuple) else (found,)))


def open_torch(package: Package, precision: Precision, device: str, threads: int) -> TorchRuntime:
    """The network of a package in torch; arguments and errors as :func:`~microcalc.models.runtime.open_runtime`'s."""
    if precision == "int8":
        raise UsageError(
            expected="f32 or bf16, which torch computes a package in",
            found=precision,
            do="use the runtime onnxruntime or openvino",
        )
    where = torch_device(device)
    return TorchRuntime(load_torch(package), precision, where, threads)


@contextlib.contextmanager
def _threads(count: int) -> Iterator[None]:
    """Torch has one number of threads for the whole process: leave it as it was found."""
    before = torch.get_num_threads()
    torch.set_num_threads(count)
    try:
        yield
    finally:
        torch.set_num_threads(before)
