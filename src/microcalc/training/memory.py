"""When a batch does not fit into memory: which one would."""

from __future__ import annotations

import copy
import gc
import math

import torch
from torch import Tensor, nn

from microcalc.errors import MicrocalcError
from microcalc.recipe.patch_classifier import PatchRecipe
from microcalc.training.module import at_once, back_propagate
from microcalc.training.normalise_tensor import prepare_tensor
from microcalc.training.optimising import make_optimiser
from microcalc.training.tasks import Asked, task_of

#: In messages of allocators that raise a plain RuntimeError.
_OUT_OF_MEMORY = ("can't allocate memory", "not enough memory")


def is_out_of_memory(error: BaseException) -> bool:
    """Whether an error says that memory has run out."""
    plain = isinstance(error, RuntimeError) and any(text in str(error) for text in _OUT_OF_MEMORY)
    return plain or isinstance(error, torch.OutOfMemoryError)


def out_of_memory(network: nn.Module, recipe: PatchRecipe, device: torch.device) -> MicrocalcError:
    """The error of a run whose batches do not fit: it names the largest one, by halving, that does.

    Args:
        network: is left as it is.
        recipe: says how it is fitted.
        device: to try it on.
    """
    batch, tried = recipe.fitting.batch, at_once(recipe.fitting)
    fits = tried // 2
    while fits and not _fits(network, recipe, device, fits):
        fits //= 2
    found = f"too little of it on {device} for {tried} patches at a time"
    expected = "memory for a step of training"
    if not fits:
        return MicrocalcError(
            expected=expected, found=f"{found}, and even for one", do="use another device or a smaller network"
        )
    return MicrocalcError(
        expected=expected,
        found=f"{found}, but enough for {fits}",
        do=f"keep the batch and work on it in parts, --set fitting.accumulate={math.ceil(batch / fits)}, or make it "
        f"smaller, --set fitting.batch={fits}",
    )


def _fits(network: nn.Module, recipe: PatchRecipe, device: torch.device, patches: int) -> bool:
    """Whether a step of training on so many patches fits."""
    try:
        _step(copy.deepcopy(network).to(device), recipe, device, patches)
    except RuntimeError as error:
        if not is_out_of_memory(error):
            raise
        return False
    finally:
        gc.collect()
        if device.type == "cuda":
            torch.cuda.empty_cache()
    return True


def _step(network: nn.Module, recipe: PatchRecipe, device: torch.device, patches: int) -> None:
    size = recipe.input.cut_px
    raw = torch.rand((patches, 1, size, size), device=device)
    classes = torch.zeros(patches, dtype=torch.int64, device=device)
    task = task_of(recipe)
    prepared = prepare_tensor(raw, recipe.input, task.channels)
    masks = torch.zeros((patches, task.outlined, size, size), device=device) if task.outlined else None
    fitting = recipe.fitting.model_copy(update={"accumulate": 1})
    optimiser = make_optimiser(network.train(), fitting.optimiser)
    back_propagate(network, Asked(prepared, classes, masks), task, fitting, Tensor.backward)
    optimiser.step()
