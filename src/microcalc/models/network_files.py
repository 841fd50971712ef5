"""Packages of networks, written from torch: the weights, and the same network as ONNX."""

from __future__ import annotations

import tempfile
from pathlib import Path

from safetensors.torch import save
from torch import Tensor, nn

from microcalc.errors import MicrocalcError
from microcalc.models.card import Card
from microcalc.models.half import halved, halved_onnx, round_weights
from microcalc.models.network_package import ONNX, WEIGHTS
from microcalc.models.onnx_file import check, check_boxes, export, export_boxes, export_maps
from microcalc.models.package import Package, write_package
from microcalc.models.torch_network import load_torch
from microcalc.output import remove
from microcalc.recipe import FasterRcnnRecipe, MultiTaskSegmenterRecipe, SegmenterRecipe

#: Of a package whose weights are stored in 16 bits.
_ROUNDED = "Weights are stored in 16 bits; the numbers here were measured before they were rounded."


def write_network_package(folder: Path, card: Card, module: nn.Module) -> Package:
    """Write a network in both of its forms, or, where they do not agree, its weights alone: hours of training stay.

    The card's limitations then say so, and the package runs in torch.

    Args:
        folder: made where missing; a package of the same files that is there already is replaced.
        card: that says what its network is fed.
        module: on any device.

    Raises:
        UsageError: the folder holds anything else.
        WriteError: the folder cannot be written.
    """
    files = {WEIGHTS: save(_weights(module))}
    try:
        files[ONNX] = _as_onnx(card, module)
    except MicrocalcError as error:
        remove(folder / ONNX)  # of an earlier package
        limitations = f"{card.limitations} There is no {ONNX}: {error.reason}."
        card = card.model_copy(update={"limitations": limitations})
    return write_package(folder, card, files)


def export_again(package: Package, folder: Path, *, half: bool = False) -> Package:
    """A package with its ONNX file made anew from its weights.

    Args:
        package: of a kind that has a network.
        folder: made where missing; may be the package's own.
        half: round the weights, and store them in 16 bits; the card's limitations then say so.

    Raises:
        MicrocalcError: the two forms differ.
        UsageError: the package is of another kind, or the folder holds anything else.
        ReadError: the weights are damaged, or not those of the network.
        WriteError: the folder cannot be written.
    """
    card, module = package.card, load_torch(package)
    files: dict[str, bytes | Path] = {name: package.read(name) for name in card.files}
    if half:
        round_weights(module)
        files[WEIGHTS] = save(halved(_weights(module)))
        if _ROUNDED not in card.limitations:
            card = card.model_copy(update={"limitations": f"{card.limitations} {_ROUNDED}"})
    onnx = _as_onnx(card, module)
    return write_package(folder, card, files | {ONNX: halved_onnx(onnx) if half else onnx})


def _weights(module: nn.Module) -> dict[str, Tensor]:
    return {name: tensor.detach().cpu().contiguous() for name, tensor in module.state_dict().items()}


def _as_onnx(card: Card, module: nn.Module) -> bytes:
    """The ONNX file of a network, once it has been found to say what torch says."""
    others: tuple[int, int] | None
    network, patch, segmentation = card.input.network, card.input.patch, card.input.segmentation
    with tempfile.TemporaryDirectory() as made:
        path = Path(made, ONNX)
        if card.kind == "faster-rcnn":
            assert network is not None
            return _boxes_as_onnx(card, module, network.channels, path)
        if segmentation is None:
            assert network is not None
            assert patch is not None
            export(module, network, patch, path)
            context = patch.context
            others = None if context is None else (patch.network_px + context.stride_px, 2 * patch.network_px)
        else:
            recipe = card.load_recipe()
            assert isinstance(recipe, SegmenterRecipe | MultiTaskSegmenterRecipe)  # what maps images
            outputs = ["maps"] * bool(recipe.maps) + ["classes"] * bool(recipe.classes)
            export_maps(module, segmentation, path, outputs)
            others = (5 * segmentation.multiple, 3 * segmentation.multiple)
        check(path, module, others)
        return path.read_bytes()


def _boxes_as_onnx(card: Card, module: nn.Module, channels: int, path: Path) -> bytes:
    recipe = card.load_recipe()
    assert isinstance(recipe, FasterRcnnRecipe)
    seen = channels, recipe.scanning.network_px
    export_boxes(module, *seen, path)
    check_boxes(path, module, *seen)
    return path.read_bytes()
