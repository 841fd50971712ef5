"""Where the weights of a network start: at random, learnt on ImageNet, or from a file."""

from __future__ import annotations

import re
from http.client import HTTPException
from pathlib import Path

import torch
import torchvision
from torch import nn

from microcalc.errors import UsageError
from microcalc.models.networks import NETWORKS, build
from microcalc.models.state_dicts import DAMAGED, StateDict, completed, differences, in_words, read_state_dict
from microcalc.models.torchvision_networks import first_convolution, summed_over_channels
from microcalc.recipe import Network

#: Of torchvision's weights for a network: those that every one of ours has.
_VERSION = "IMAGENET1K_V1"
#: Names of layers as DenseNet's published file has them, with a point where a module's name can have none.
_OLD_DENSENET = re.compile(r"(denselayer\d+\.(?:norm|conv))\.([12]\.)")


def load_start(module: nn.Module, network: Network, *, init: Path | None = None) -> str:
    """Give a network the weights that it starts from.

    Weights on three channels are summed over them for a network of one: it then gives what it gave for a grey image
    three times. The head stays random where its shape is another one.

    Args:
        module: as :func:`~microcalc.models.networks.build` made it; changed in place.
        network: what it was built by; its ``start`` says what is done without a file.
        init: file of weights of the same network, as :func:`~microcalc.models.state_dicts.read_state_dict` reads it.

    Returns:
        Which weights these are, in words, for the card.

    Raises:
        UsageError: the weights can be fetched from nowhere, or the file holds those of another network.
        ReadError: the file cannot be read.
    """
    if init is not None:
        state, notes = read_state_dict(init)
        return _load(module, network, state, f"weights of {init.name}", notes, where=init)
    if network.start == "imagenet":
        weights = torchvision.models.get_model_weights(network.name)[_VERSION]
        name = weights.url.rpartition("/")[2]
        return _load(module, network, _fetched(network.name, weights.url), f"weights learnt on ImageNet, {name}", ())
    return "random weights"


def load_same(module: nn.Module, name: str, init: Path) -> str:
    """Give a network the weights of the very same one, from a file; arguments, result and errors as above.

    Args:
        name: of the network, for the error.
    """
    state, notes = read_state_dict(init)
    if wrong := differences(state, module.state_dict()):
        raise _of_another(name, in_words(wrong), init)
    module.load_state_dict(completed(state, module.state_dict()))
    return ", ".join([f"weights of {init.name}", *notes])


def _of_another(name: str, found: str, where: Path | None) -> UsageError:
    return UsageError(
        expected=f"weights of {name}",
        found=found,
        do="name a file of the same network, or change the recipe's network",
        where=where,
    )


def _load(
    module: nn.Module,
    network: Network,
    state: StateDict,
    source: str,
    notes: tuple[str, ...],
    where: Path | None = None,
) -> str:
    own, said = module.state_dict(), [source, *notes]
    first = f"{first_convolution(module)[0]}.weight"
    if first in state and own[first].shape[1] == 1 and state[first].shape[1:2] == (3,):
        state = state | {first: summed_over_channels(state[first])}
        said.append("summed over three channels")
    head = f"{NETWORKS[network.name].head}."
    heads = [{name: tensor for name, tensor in weights.items() if name.startswith(head)} for weights in (state, own)]
    if _shapes(heads[0]) != _shapes(heads[1]):
        state = {name: tensor for name, tensor in state.items() if name not in heads[0]} | heads[1]
        said.append("the head random, for it had another shape")
    if wrong := differences(state, own):
        others = None if _shapes(state) == _shapes(own) else _recognised(state)
        raise _of_another(network.name, others or in_words(wrong), where)
    module.load_state_dict(state, strict=False)  # the names have been checked; counters may be missing
    return ", ".join(said)


def _fetched(name: str, url: str) -> StateDict:
    """The file at the address, or from torch's own cache of such files."""
    folder, file = Path(torch.hub.get_dir(), "checkpoints"), url.rpartition("/")[2]
    try:
        state = torch.hub.load_state_dict_from_url(
            url, map_location="cpu", progress=False, check_hash=True, weights_only=True
        )
    except (OSError, HTTPException, *DAMAGED) as error:
        raise UsageError(
            expected=f"{file}, the weights of {name} learnt on ImageNet, in {folder} or at {url}",
            found=f"{type(error).__name__}: {error}",
            do="fetch it elsewhere and put it there, or name it with --init FILE; a damaged one has to go first",
        ) from error
    return {_OLD_DENSENET.sub(r"\1\2", key): tensor for key, tensor in state.items()}


def _recognised(state: StateDict) -> str | None:
    """Which of our networks these weights are of; None: of none."""
    for name, architecture in NETWORKS.items():
        if not any(key.startswith(f"{architecture.head}.") for key in state):
            continue  # building them all takes seconds
        for stages in (2, 3, 4) if name == "scalable_resnet" else (None,):
            with torch.device("meta"):
                module = build(Network(name=name, start="random", channels=3, stages=stages), outputs=2)
            free = (f"{architecture.head}.", f"{first_convolution(module)[0]}.")
            if _shapes(state, free) == _shapes(module.state_dict(), free):
                return f"those of {name}" + (f" with {stages} stages" if stages else "")
    return None


def _shapes(state: StateDict, free: tuple[str, ...] = ()) -> dict[str, torch.Size]:
    """Of all weights but those whose shape is free, by the start of their names, and counters, which may be missing."""
    return {name: tensor.shape for name, tensor in state.items() if tensor.ndim and not name.startswith(free)}
