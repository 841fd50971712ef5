"""What a fit leaves on disk after every epoch, whole or not at all, and goes on from."""

from __future__ import annotations

import os
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import torch
from safetensors.torch import save
from torch import Tensor, nn

from microcalc.errors import ReadError, UsageError
from microcalc.models.state_dicts import DAMAGED, differences, in_words
from microcalc.output import replacing
from microcalc.training.history import EpochRow

#: In ``work/`` of a run: all that the next epoch follows from; the weights of the epoch that is kept.
LAST, BEST = "checkpoints/last.ckpt", "checkpoints/best.safetensors"


@dataclass(frozen=True)
class Checkpoint:
    """All that the next epoch follows from. Nothing but tensors, numbers and texts: it is read without unpickling."""

    #: Name of the network.
    network: str
    #: Where the weights started, in words.
    start: str
    weights: dict[str, Tensor]
    optimiser: dict[str, Any]
    #: State of what scales the loss in f16; else empty.
    precision: dict[str, Any]
    #: Rows of the history.
    rows: list[dict[str, Any]]

    def write(self, path: Path) -> None:
        """Write it.

        Raises:
            WriteError: the file cannot be written.
        """
        with replacing(path) as file:
            torch.save(asdict(self), file)
            file.flush()
            os.fsync(file.fileno())  # a name must never stand for half a file, not even after a power cut

    @classmethod
    def read(cls, path: Path) -> Checkpoint:
        """Read it.

        Raises:
            ReadError: it is damaged, or no checkpoint of ours.
        """
        try:
            return cls(**torch.load(path, map_location="cpu", weights_only=True))
        except (OSError, *DAMAGED) as error:
            raise ReadError(
                expected="the checkpoint of an earlier run, to go on from",
                found=f"a damaged one ({type(error).__name__})",
                do="begin anew without --resume",
                where=path,
            ) from error

    @property
    def history(self) -> tuple[EpochRow, ...]:
        """The epochs done."""
        return tuple(EpochRow.model_validate(row) for row in self.rows)

    def give_weights(self, module: nn.Module, network: str, where: Path) -> None:
        """Give a network its weights.

        Args:
            module: changed in place.
            network: its name.
            where: this file, for the error.

        Raises:
            UsageError: they are those of another network.
        """
        if wrong := differences(self.weights, module.state_dict()):
            raise UsageError(
                expected=f"a checkpoint of {network}, to go on from",
                found=f"one of {self.network}: {in_words(wrong)}",
                do="use another output folder, or leave --resume out",
                where=where,
            )
        module.load_state_dict(self.weights)


def write_weights(path: Path, module: nn.Module) -> None:
    """Write a module's weights as safetensors.

    Raises:
        WriteError: the file cannot be written.
    """
    with replacing(path) as file:
        file.write(save({name: tensor.detach().cpu().contiguous() for name, tensor in module.state_dict().items()}))
        file.flush()
        os.fsync(file.fileno())
