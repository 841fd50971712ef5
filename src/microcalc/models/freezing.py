"""Freezing the first layers of a network, their batch norms along with them."""

from __future__ import annotations

from torch import nn
from torch.nn.modules.batchnorm import _BatchNorm

from microcalc.errors import UsageError


def freeze(module: nn.Module, through: str) -> None:
    """Freeze a layer and all before it, in the order of ``named_modules``; frozen batch norms go to inference mode.

    Args:
        module: changed in place.
        through: name of the last layer frozen, such as ``layer3.1.conv3``; of a block, with all in it.

    Raises:
        UsageError: the network has no layer of that name.
    """
    names = [name for name, _ in module.named_modules()]
    if not through or through not in names:
        raise UsageError(
            expected=f"a layer of the network, such as {', '.join(name for name in names if '.' not in name and name)}",
            found=repr(through),
            do="mend frozen_through in the recipe",
        )
    last = max(index for index, name in enumerate(names) if f"{name}.".startswith(f"{through}."))
    for name in names[: last + 1]:
        for parameter in module.get_submodule(name).parameters(recurse=False):
            parameter.requires_grad_(False)
    keep_frozen(module)


def keep_frozen(module: nn.Module) -> None:
    """Bring frozen batch norms back to inference mode: to be called after every ``module.train()``.

    A batch norm is frozen where it has parameters and none of them is trained.
    """
    for layer in module.modules():
        if isinstance(layer, _BatchNorm):
            parameters = list(layer.parameters(recurse=False))
            if parameters and not any(parameter.requires_grad for parameter in parameters):
                layer.eval()
