"""What a network of a model package says of patches: the class of each, and where it sees the calcifications."""

from __future__ import annotations

from typing import NamedTuple, Protocol

import cv2
import numpy as np
from numpy.typing import NDArray
from scipy.special import expit
from torch import nn

from microcalc.errors import UsageError
from microcalc.explain.gradcam import gradcam, on_patch
from microcalc.models import Package
from microcalc.models.network_package import network_card
from microcalc.models.networks import cam_layer
from microcalc.models.normalise import prepare
from microcalc.models.probabilities import class_probabilities
from microcalc.models.torch_network import TorchRuntime, load_torch, torch_device
from microcalc.recipe import MultiTaskSegmenterRecipe, PatchClassifierRecipe
from microcalc.recipe.patch_classifier import PatchRecipe

Patches = NDArray[np.float32]


class Answer(NamedTuple):
    """Of n patches."""

    #: (n, classes), which add up to 1.
    probabilities: NDArray[np.float64]
    #: (n, s, s) in 0..1, of each patch's own class; of the negative class 0 everywhere. None: the network maps nothing.
    maps: NDArray[np.float32] | None


class Network(Protocol):
    """A network that can be asked."""

    @property
    def recipe(self) -> PatchRecipe:
        """By which it was trained."""

    @property
    def module(self) -> nn.Module:
        """In torch."""

    @property
    def maps(self) -> str | None:
        """What its maps are, in words; None: it gives none."""

    def __call__(self, patches: Patches, classes: NDArray[np.intp]) -> Answer:
        """Its answer for (n, s, s) float32 patches 0..1 as read, n from 1 on, which truly are of (n,) classes."""


class Classifier:
    """A network that names classes, with Grad-CAM for its maps (Terrassin et al., section 5.2)."""

    def __init__(self, package: Package, recipe: PatchClassifierRecipe, device: str, threads: int) -> None:
        described = network_card(package)
        self.recipe, self.module = recipe, load_torch(package)
        self._input, self._channels = described.patch, described.network.channels
        self._layer = cam_layer(described.network)
        self.maps: str | None = f"Grad-CAM of {self._layer}"
        self._run = TorchRuntime(self.module, "f32", torch_device(device), threads)

    def __call__(self, patches: Patches, classes: NDArray[np.intp]) -> Answer:
        """See :class:`Network`."""
        batch = prepare(patches, self._input, self._channels)
        (logits,) = self._run(batch)
        maps = np.zeros_like(patches)
        for number in np.unique(classes[classes > 0]).tolist():
            rows = np.flatnonzero(classes == number)
            seen = gradcam(self.module, self._layer, np.ascontiguousarray(batch[rows]), number)
            placed = [on_patch(one, self._input) for one in seen]
            maps[rows] = [cv2.resize(one, patches.shape[:0:-1], interpolation=cv2.INTER_LINEAR) for one in placed]
        return Answer(class_probabilities(logits.reshape(len(patches), -1)), maps)


class Mapper:
    """A network of two tasks, with maps of its own."""

    def __init__(self, package: Package, recipe: MultiTaskSegmenterRecipe, device: str, threads: int) -> None:
        self.recipe, self.module = recipe, load_torch(package)
        self.maps: str | None = "its own maps" if recipe.maps else None
        self._map_of = [recipe.maps.index(name) if name in recipe.maps else None for name in recipe.classes]
        self._run = TorchRuntime(self.module, "f32", torch_device(device), threads)

    def __call__(self, patches: Patches, classes: NDArray[np.intp]) -> Answer:
        """See :class:`Network`."""
        batch = prepare(patches, self.recipe.input, self.recipe.network.channels)
        *of_maps, logits = self._run(batch)
        maps = np.zeros_like(patches) if of_maps else None
        for found in of_maps:
            for number, place in enumerate(self._map_of):
                rows = np.flatnonzero(classes == number)
                if maps is not None and place is not None:
                    maps[rows] = expit(found[rows, place])
        return Answer(class_probabilities(logits), maps)


def open_network(package: Package, device: str, threads: int) -> Network:
    """The network of a package.

    Args:
        package: of a network trained on patches.
        device: cpu, cuda, ...; auto is a GPU where there is one.
        threads: of the processor.

    Raises:
        UsageError: a package of another kind.
        ReadError: its weights are damaged.
    """
    recipe = package.card.load_recipe()
    if isinstance(recipe, PatchClassifierRecipe):
        return Classifier(package, recipe, device, threads)
    if isinstance(recipe, MultiTaskSegmenterRecipe):
        return Mapper(package, recipe, device, threads)
    raise UsageError(
        expected="packages of networks trained on patches (patch-classifier, multi-task-segmenter)",
        found=f"{package.card.name} of the kind {package.card.kind}",
        do="compare detectors with --detectors, on whole mammograms",
        where=package.path,
    )
