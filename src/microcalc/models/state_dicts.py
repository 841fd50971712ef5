"""Files of trained weights from anywhere: read without running code of theirs, and held against a network."""

from __future__ import annotations

import pickle
import struct
from collections.abc import Mapping
from pathlib import Path

import torch
from safetensors import SafetensorError
from safetensors.torch import load_file
from torch import Tensor

from microcalc.errors import ReadError

StateDict = dict[str, Tensor]

#: Keys under which training scripts keep a network's weights among other things.
_WRAPPERS = ("state_dict", "model_state_dict", "model")
#: What is raised on a damaged file; found by damaging some. All of them mean the same.
DAMAGED = (
    SafetensorError,
    RuntimeError,
    pickle.UnpicklingError,
    EOFError,
    LookupError,
    ValueError,
    TypeError,
    AttributeError,
    AssertionError,
    MemoryError,
    struct.error,
)
#: Counters of batch norms, which files written by old versions of torch lack and no result depends on.
_COUNTER = "num_batches_tracked"


def read_state_dict(path: Path) -> tuple[StateDict, tuple[str, ...]]:
    """The weights in a file by their names, and what was taken off around them.

    Args:
        path: ``.safetensors``, or a file of ``torch.save`` that holds a state dict: as it is, under one of the keys
            ``state_dict``, ``model_state_dict`` and ``model``, its names with or without a common first part such as
            ``module.``. Tensors in plain containers are all that is read; objects, which could run code, are refused.

    Raises:
        ReadError: it cannot be read, is damaged, or holds anything else.
    """
    content, notes = _read(path), []
    for wrapper in _WRAPPERS:
        if isinstance(content, Mapping) and isinstance(content.get(wrapper), Mapping):
            content = content[wrapper]
            notes.append(f"taken from {wrapper!r} in the file")
            break
    if not (isinstance(content, Mapping) and content and all(map(_is_plain, content.values()))):
        raise _refused(path, "other things than weights by their names")
    state = {str(name): tensor for name, tensor in content.items()}
    while len(parts := {name.partition(".")[0] for name in state}) == 1 and all("." in name for name in state):
        prefix = f"{parts.pop()}."
        state = {name.removeprefix(prefix): tensor for name, tensor in state.items()}
        notes.append(f"{prefix!r} taken off its names")
    return widened(state), tuple(notes)


def widened(state: StateDict) -> StateDict:
    """Weights whose matrices and kernels are stored in 16 bits, in 32: what a network computes in."""
    small = {name for name, tensor in state.items() if tensor.dtype == torch.float16 and tensor.ndim > 1}
    return {name: tensor.float() if name in small else tensor for name, tensor in state.items()}


def differences(found: Mapping[str, Tensor], wanted: Mapping[str, Tensor]) -> list[str]:
    """What makes weights others than those wanted: names, shapes, types, values that are not finite; none: they fit."""
    missing = [name for name in wanted if name not in found and not name.endswith(_COUNTER)]
    both = [(name, found[name], wanted[name]) for name in wanted if name in found]
    return [
        *(f"{name} is missing" for name in missing),
        *(f"{name} is none of its weights" for name in found if name not in wanted),
        *(
            f"{name} is of shape {_shape(here)} in place of {_shape(own)}"
            for name, here, own in both
            if here.shape != own.shape
        ),
        *(
            f"{name} is of type {here.dtype} in place of {own.dtype}"
            for name, here, own in both
            if here.dtype != own.dtype
        ),
        *(
            f"{name} holds values that are not finite"
            for name, here, own in both
            if (here.shape, here.dtype) == (own.shape, own.dtype) and not here.isfinite().all()
        ),
    ]


def completed(found: StateDict, wanted: StateDict) -> StateDict:
    """Weights that fit, in the order of those wanted, counters that are missing at zero.

    They can be assigned to a network that was built without memory, on the device ``meta``.
    """
    return {name: found.get(name, torch.zeros_like(own, device="cpu")) for name, own in wanted.items()}


def in_words(found: list[str]) -> str:
    """The first differences, and how many more there are; names from a file cannot write on the terminal."""
    more = f" (and {len(found) - 3} more)" if len(found) > 3 else ""
    return "".join(character if character.isprintable() else "?" for character in ", ".join(found[:3])) + more


def _read(path: Path) -> object:
    try:
        return load_file(path) if path.suffix == ".safetensors" else torch.load(path, "cpu", weights_only=True)
    except OSError as error:
        raise ReadError(
            expected="a file of weights", found=error.strerror or str(error), do="check the path", where=path
        ) from error
    except DAMAGED as error:
        raise _refused(path, "a damaged file, or one with objects in it, which could run code") from error


def _is_plain(value: object) -> bool:
    """Whether it is a tensor with all its values: sparse, quantised and empty shells of tensors are none."""
    return isinstance(value, Tensor) and value.layout == torch.strided and not (value.is_meta or value.is_quantized)


def _refused(path: Path, found: str) -> ReadError:
    return ReadError(
        expected="a state dict: tensors by their names, written by torch.save or as .safetensors",
        found=found,
        do="fetch it again, or, where you trust it, load it yourself and save its state_dict() alone",
        where=path,
    )


def _shape(tensor: Tensor) -> str:
    return " x ".join(map(str, tensor.shape)) or "a number"
