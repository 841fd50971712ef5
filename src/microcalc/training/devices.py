"""What a network is fitted on."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

import torch

from microcalc.errors import UsageError
from microcalc.models.torch_network import torch_device

Precision = Literal["32-true", "16-mixed", "bf16-mixed"]
#: As recipes and as Lightning call them.
_PRECISIONS: dict[str, Precision] = {"f32": "32-true", "f16": "16-mixed", "bf16": "bf16-mixed"}


@dataclass(frozen=True)
class Devices:
    """What Lightning is told, and where tensors of a single process go."""

    accelerator: Literal["cpu", "gpu"]
    #: How many processes, or the number of the GPU.
    devices: int | list[int]
    strategy: str
    precision: Precision
    device: torch.device

    @property
    def count(self) -> int:
        """Processes at work."""
        return self.devices if isinstance(self.devices, int) else len(self.devices)


def choose(device: str, gpus: int, precision: str) -> Devices:
    """The devices that a user asks for.

    Args:
        device: ``auto`` (a GPU where there is one), ``cpu``, ``cuda`` or ``cuda:N``.
        gpus: how many GPUs share the work, from the first on.
        precision: of the recipe: f32, f16 or bf16.

    Raises:
        UsageError: there is no such device, there are too few, or it cannot do the precision.
    """
    first, lightning_precision = torch_device(device), _PRECISIONS[precision]
    there = torch.cuda.device_count() if first.type == "cuda" else 0
    if gpus > 1:
        if there < gpus or device not in ("auto", "cuda"):
            raise UsageError(
                expected=f"{gpus} GPUs, and a device that leaves the choice of them open (auto, cuda)",
                found=f"{there} GPUs, with device {device}",
                do="ask for fewer GPUs, or train on a machine that has them",
            )
        # Processes that are spawned are given their task; those of "ddp" would run the whole command again.
        return Devices("gpu", gpus, "ddp_spawn", lightning_precision, first)
    if first.type == "cuda":
        return Devices("gpu", [first.index or 0], "auto", lightning_precision, first)
    if precision == "f16":
        raise UsageError(
            expected="a GPU, for training in precision f16",
            found=f"device {device}, which is the processor here",
            do="take bf16 or f32 (--set fitting.precision=f32), or a GPU",
        )
    return Devices("cpu", 1, "auto", lightning_precision, first)
