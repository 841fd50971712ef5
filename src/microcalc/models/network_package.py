"""What a package of the kind ``patch-classifier`` holds, and what its card says of it."""

from __future__ import annotations

from dataclasses import dataclass

from microcalc.errors import UsageError
from microcalc.models.container import refused
from microcalc.models.package import Package
from microcalc.recipe import Network, PatchClassifierRecipe, PatchInput

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
