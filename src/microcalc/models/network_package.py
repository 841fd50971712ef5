"""What a package of a network holds, and what its card says of it: a classifier of patches, or a mapper of images."""

from __future__ import annotations

from dataclasses import dataclass

from microcalc.errors import UsageError
from microcalc.models.container import refused
from microcalc.models.package import Package
from microcalc.recipe import (
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


@dataclass(frozen=True)
class NetworkCard:
    """What a card says of its network."""

    recipe: PatchClassifierRecipe
    network: Network
    patch: PatchInput

    @property
    def shape(self) -> tuple[int, int, int]:
        """Channels, rows and columns of what the network sees."""
        return self.network.channels, self.patch.network_px, self.patch.network_px


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


#: Lengths of one input or output but the first, which is that of the batch; None: any.
Port = tuple[int | None, ...]


def ports(package: Package) -> tuple[Port, ...]:
    """The shapes of the input and of the outputs that the card's network has.

    Raises:
        UsageError: the package holds no network.
        ReadError: its card does not say enough of it.
    """
    if package.card.input.segmentation is None:
        of_patches = network_card(package)
        return of_patches.shape, (of_patches.recipe.outputs,)
    of_images = segmenter_card(package)
    maps, classes = len(of_images.recipe.maps), len(of_images.recipe.classes)
    outputs: list[Port] = [(maps, None, None)] * bool(maps) + [(classes,)] * bool(classes)
    return (of_images.input.channels, None, None), *outputs
