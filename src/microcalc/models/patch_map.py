"""Model packages of the kind ``patch-map``: trained classifiers of patches, laid over whole mammograms.

A patch classifier is laid over an image in windows: each pixel of its map is the mean of the probabilities of all
windows over it. Cortina Uribe et al., section 2.3.1.
"""

from __future__ import annotations

from dataclasses import asdict, dataclass

import cv2
import numpy as np
from numpy.typing import NDArray

from microcalc.errors import UsageError
from microcalc.models.container import refused
from microcalc.models.network_package import network_card
from microcalc.models.package import Package
from microcalc.models.patch_classifier import PatchClassifier, load_patch_classifier
from microcalc.models.probabilities import target_scores
from microcalc.models.runtime import Computation
from microcalc.recipe import MapOf, PatchMapRecipe
from microcalc.recipe.patch_map import MapNormalisation
from microcalc.tiling import WindowSampler, window_means

Map = NDArray[np.float32]

#: Of the windows that are read at a time: 16 MB.
_READ_PX = 2**22
#: Deviations to each side at which a Gaussian is cut off, where the recipe does not say.
_REACH = 4.0
#: A map whose values span less is level.
_LEVEL = 1e-6


@dataclass(frozen=True, eq=False)
class Layer:
    """A classifier, and what its map is made of."""

    classifier: PatchClassifier
    settings: MapOf


@dataclass(frozen=True, eq=False)
class PatchMap:
    """Classifiers that map whole mammograms."""

    layers: tuple[Layer, ...]
    #: Of the breast that a window has to hold.
    breast_share: float
    normalisation: MapNormalisation

    def __call__(self, image: NDArray[np.float32], breast: NDArray[np.bool_]) -> Map:
        """Map an image: the mean of the layers' maps, in 0..1; without a breast, or where no window lies, 0.

        Beside what a network needs for one batch, this takes about 40 bytes a pixel.

        Args:
            image: (rows, columns) float32 in 0..1, bright = radio-opaque, at the pixel pitch of the recipe.
            breast: (rows, columns), where the breast is.
        """
        total = np.zeros(image.shape, np.float32)
        for layer in self.layers:
            total += self._of(layer, image, breast)
        total /= len(self.layers)
        return total

    def _of(self, layer: Layer, image: NDArray[np.float32], breast: NDArray[np.bool_]) -> Map:
        classifier, settings = layer.classifier, layer.settings
        sampler = WindowSampler(breast, classifier.input.size_px, settings.stride_px, self.breast_share)
        found = smoothed(window_means(window_probabilities(classifier, image, breast, sampler), sampler), settings)
        return from_least_to_highest(found) if self.normalisation == "min-max" else found


def window_probabilities(
    classifier: PatchClassifier, image: NDArray[np.float32], breast: NDArray[np.bool_], sampler: WindowSampler
) -> NDArray[np.float64]:
    """How likely each window (n,) is what the classifier's first target asks for, not calibrated.

    Where the classifier may be run over whole images, and answers for windows at this stride, that is what is done; all
    other windows are read one by one and judged in batches.

    Args:
        classifier: of windows of the sampler's size.
        image: (rows, columns) in 0..1.
        breast: (rows, columns) that the sampler has been planned on.
        sampler: of the windows.
    """
    context, stride = classifier.input.context, sampler.stride_px
    image = np.clip(image, 0, 1)  # shrinking may leave it by a rounding
    found = np.empty(len(sampler))
    alone = np.ones(len(sampler), np.bool_)
    if context is not None and stride % context.stride_px == 0 and len(sampler):
        alone = (sampler.corners % stride != 0).any(axis=1)  # shifted back, so as to end with the image
        x, y = sampler.corners[~alone].T // stride
        found[~alone] = classifier.dense_probabilities(image, breast, stride)[y, x]
    found[alone] = _one_by_one(classifier, image, sampler, np.flatnonzero(alone))
    return found


def _one_by_one(
    classifier: PatchClassifier, image: NDArray[np.float32], sampler: WindowSampler, which: NDArray[np.intp]
) -> NDArray[np.float64]:
    """Probabilities of some of the windows, never more of them in memory than fit."""
    border = (classifier.input.cut_px - sampler.window_px) // 2
    size = max(1, _READ_PX // classifier.input.cut_px**2)
    blocks = np.split(which, range(size, len(which), size))
    shares = [classifier.probabilities(sampler.read(image, block, border)) for block in blocks]
    return target_scores(np.concatenate(shares), classifier.classes, classifier.targets[0])


def smoothed(values: Map, settings: MapOf) -> Map:
    """A map (rows, columns) after the Gaussian of the settings, mirrored at its edges."""
    sigma = settings.smoothing_px
    if sigma is None:
        return values
    side = settings.kernel_px or 2 * round(_REACH * sigma) + 1
    return np.asarray(cv2.GaussianBlur(values, (side, side), sigma), np.float32)


def from_least_to_highest(values: Map) -> Map:
    """A map with its least value brought to 0 and its highest to 1; of a level one all 0."""
    low, high = values.min(initial=np.inf), values.max(initial=-np.inf)
    if high - low < _LEVEL:
        return np.zeros_like(values)
    return np.asarray((values - low) / (high - low), np.float32)


def load_patch_map(package: Package, computation: Computation | None = None) -> PatchMap:
    """The map of a package of the kind ``patch-map``.

    Raises:
        UsageError: a package of another kind, or a runtime or device that is not there.
        ReadError: something about the package, or one in it, is not as it should be; or one in it is not of the recipe
            or the pixel pitch that the map's recipe names.
    """
    recipe = package.card.load_recipe()
    if not isinstance(recipe, PatchMapRecipe):
        raise UsageError(
            expected="a model package of the kind patch-map",
            found=f"{package.card.name} of the kind {package.card.kind}",
            do="name another one",
            where=package.path,
        )
    settings = asdict(computation or Computation())
    layers = tuple(
        Layer(load_patch_classifier(inner, **settings), one)
        for inner, one in zip(_classifiers(package, recipe), recipe.maps, strict=True)
    )
    return PatchMap(layers, recipe.breast_share, recipe.normalisation)


def _classifiers(package: Package, recipe: PatchMapRecipe) -> list[Package]:
    """The packages within a package, held against what its card and its recipe say of them."""
    fed, maps = package.card.input, recipe.maps
    if fed.spacing_mm != recipe.spacing_mm:
        raise refused(package.path, f"its recipe's pixel pitch, {_pitch(recipe.spacing_mm)}", _pitch(fed.spacing_mm))
    if len(fed.classifiers) != len(maps):
        found = f"{len(fed.classifiers)} on its card"
        raise refused(package.path, f"{len(maps)} classifiers, as its recipe has maps", found)
    inners = [package.inner(member.file) for member in fed.classifiers]
    for inner, member, one in zip(inners, fed.classifiers, maps, strict=True):
        wanted = one.classifier, recipe.spacing_mm, member.sha256
        there = network_card(inner).recipe.name, inner.card.input.spacing_mm, inner.sha256
        if there != wanted:
            asked = f"a classifier as the map's card and recipe have it: {_in_words(*wanted)}"
            raise refused(inner.path, asked, _in_words(*there))
    return inners


def _in_words(name: str, spacing_mm: float | str, sha256: str) -> str:
    return f"{name} at {_pitch(spacing_mm)}, SHA-256 {sha256[:12]}..."


def _pitch(spacing_mm: float | str) -> str:
    return spacing_mm if isinstance(spacing_mm, str) else f"{spacing_mm:g} mm"
