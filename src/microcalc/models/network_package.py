"""What a package of a network holds, and what its card says of it: a classifier of patches, or a mapper of images."""

from __future__ import annotations

from dataclasses import dataclass

from microcalc.errors import UsageError
from microcalc.models.container import refused
from microcalc.models.package import Package
from microcalc.recipe import (
    FasterRcnnRecipe,
    MultiTaskSegmenterRecipe,
    Network,
    PatchClassifierRecipe,
    PatchInput,
    SegmentationInput,
    SegmenterRecipe,
)

#: State dict, by torch's names.
WEIGHTS = "weights.safetensors"
#: The same network for ONNX Runtime and OpenVINO.
ONNX = "model.onnx"
#: The same in 8 bits.
INT8 = "model.int8.onnx"
#: Lengths of one input or output but the first, which is that of the batch; None: any.
Port = tuple[int | None, ...]


@dataclass(frozen=True)
class NetworkCard:
    """What a card says of its network."""

    recipe: PatchClassifierRecipe
    network: Network
    patch: PatchInput

    @property
    def ports(self) -> tuple[Port, Port]:
        """Shapes of what the network sees and says; of any window of any image where it has a context."""
        sides = (self.patch.network_px,) * 2 if self.patch.context is None else (None, None)
        windows = () if self.patch.context is None else (None, None)
        return (self.network.channels, *sides), (self.recipe.outputs, *windows)


def network_card(package: Package) -> NetworkCard:
    """What the card of a patch classifier says of its network.

    Raises:
        UsageError: the package is of another kind.
        ReadError: its card names no network or no patch, or a recipe that this version does not know.
    """
    card = package.card
    recipe, network, patch = card.load_recipe(), card.input.network, card.input.patch
    if not isinstance(recipe, PatchClassifierRecipe):
        raise UsageError(
            expected="a model package of the kind patch-classifier",
            found=f"{card.name} of the kind {card.kind}",
            do="name another one",
            where=package.path,
        )
    if network is None or patch is None:
        raise refused(package.path, "a card that names the network and its patch", "one that does not")
    return NetworkCard(recipe, network, patch)


@dataclass(frozen=True)
class SegmenterCard:
    """What a card says of a network that maps whole images."""

    recipe: SegmenterRecipe | MultiTaskSegmenterRecipe
    input: SegmentationInput


def segmenter_card(package: Package) -> SegmenterCard:
    """What the card of a segmenter says of its network.

    Raises:
        UsageError: the package is of another kind.
        ReadError: its card does not say how images are fed to it, or has a recipe that this version does not know.
    """
    card = package.card
    recipe, segmentation = card.load_recipe(), card.input.segmentation
    if not isinstance(recipe, SegmenterRecipe | MultiTaskSegmenterRecipe):
        raise UsageError(
            expected="a model package of the kind segmenter or multi-task-segmenter",
            found=f"{card.name} of the kind {card.kind}",
            do="name another one",
            where=package.path,
        )
    if segmentation is None:
        raise refused(package.path, "a card that says how images are fed to its network", "one that does not")
    return SegmenterCard(recipe, segmentation)


def region_recipe(package: Package) -> FasterRcnnRecipe:
    """The recipe of a Faster R-CNN.

    Raises:
        UsageError: the package is of another kind.
        ReadError: its card and its recipe disagree, or this version does not know the recipe.
    """
    card = package.card
    recipe = card.load_recipe()
    if not isinstance(recipe, FasterRcnnRecipe):
        raise UsageError(
            expected="a model package of the kind faster-rcnn",
            found=f"{card.name} of the kind {card.kind}",
            do="name another one",
            where=package.path,
        )
    if (card.input.spacing_mm, card.input.network) != (recipe.spacing_mm, recipe.network.backbone):
        raise refused(package.path, "a card whose input is that of its recipe", "another pixel pitch or backbone")
    return recipe


def ports(package: Package) -> tuple[Port, ...]:
    """The shapes of the input and of the outputs that the card's network has.

    Raises:
        UsageError: the package holds no network.
        ReadError: its card does not say enough of it.
    """
    if package.card.kind == "faster-rcnn":
        of_windows = region_recipe(package)
        side = of_windows.scanning.network_px
        return (of_windows.network.backbone.channels, side, side), (of_windows.network.detections, 5)
    if package.card.input.segmentation is None:
        return network_card(package).ports
    of_images = segmenter_card(package)
    maps, classes = len(of_images.recipe.maps), len(of_images.recipe.classes)
    outputs: list[Port] = [(maps, None, None)] * bool(maps) + [(classes,)] * bool(classes)
    return (of_images.input.channels, None, None), *outputs
