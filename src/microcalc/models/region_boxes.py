"""Model packages of the kind ``faster-rcnn``: image in, boxes out, window by window."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import asdict, dataclass
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from microcalc.candidates.geometry import boxes_apart
from microcalc.models.network_package import region_recipe
from microcalc.models.normalise import moving_z_score, prepare
from microcalc.models.package import Package
from microcalc.models.runtime import Computation, Runtime, open_runtime
from microcalc.recipe import FasterRcnnRecipe, PatchInput
from microcalc.tiling import WindowSampler

#: Pixels that the network sees at a time on a GPU, after resizing. A processor sees one window at a time: more are no
#: faster there, and take more memory.
_AT_ONCE_PX = 2**22


class Boxes(NamedTuple):
    """Boxes on an image, best first."""

    #: (N, 4) x0, y0, x1, y1 in pixels of the image, on outer pixel edges.
    edges: NDArray[np.float64]
    #: (N,) in 0..1.
    scores: NDArray[np.float64]


@dataclass(frozen=True, eq=False)
class RegionBoxes:
    """A Faster R-CNN with what stands before and behind it."""

    recipe: FasterRcnnRecipe
    runtime: Runtime

    def __call__(self, image: NDArray[np.float32], breast: NDArray[np.bool_]) -> Boxes:
        """Box calcifications on an image, such as have their middle on the breast.

        Beside what the network needs for one window, this takes 30 bytes a pixel where normalisation is moving.

        Args:
            image: (rows, columns) float32 in 0..1, bright = radio-opaque, at the pixel pitch of the recipe.
            breast: (rows, columns), where the breast is.
        """
        found = np.concatenate([np.empty((0, 5)), *self._windows(image, breast)])
        found = found[_on(breast, found)]
        found = found[np.argsort(-found[:, 4], kind="stable")]
        found = found[boxes_apart(found[:, :4], self.recipe.scanning.nms_iou)]
        return Boxes(found[:, :4], found[:, 4])

    def _windows(self, image: NDArray[np.float32], breast: NDArray[np.bool_]) -> Iterator[NDArray[np.float64]]:
        """(n, 5) edges and scores on the image of the boxes in the windows of each batch, in no order."""
        scanning, channels = self.recipe.scanning, self.recipe.network.backbone.channels
        sampler = WindowSampler(breast, scanning.window_px, scanning.stride_px)
        moving = scanning.normalisation == "moving"
        seen = moving_z_score(image, self.recipe.patches.size_px) if moving else image
        by_window = PatchInput(size_px=scanning.network_px, normalisation="z-score")
        side = self.recipe.network.resize_px or scanning.network_px
        size = 1 if self.runtime.device == "cpu" else max(1, _AT_ONCE_PX // side**2)
        for start in range(0, len(sampler), size):
            batch = slice(start, start + size)
            windows = sampler.read(seen, batch, scanning.border_px)
            ready = windows[:, np.newaxis].repeat(channels, axis=1) if moving else prepare(windows, by_window, channels)
            yield own_boxes(self.runtime(ready)[0], sampler.corners[batch], self.recipe)


def _on(breast: NDArray[np.bool_], found: NDArray[np.float64]) -> NDArray[np.bool_]:
    """(N,) whether the middle of each box lies on the breast; a window's reflection may hold some off the image."""
    column, row = np.rint((found[:, :2] + found[:, 2:4]) / 2).astype(np.intp).T
    inside: NDArray[np.bool_] = (row >= 0) & (row < breast.shape[0]) & (column >= 0) & (column < breast.shape[1])
    inside[inside] = breast[row[inside], column[inside]]
    return inside


def own_boxes(boxes: NDArray[np.float32], corners: NDArray[np.intp], recipe: FasterRcnnRecipe) -> NDArray[np.float64]:
    """Boxes from the score floor on whose centres lie in their windows proper, on the image.

    Args:
        boxes: (n, most, 5) edges, in pixels from the upper left corner of what is read of a window, and scores; of 0
            where there is no box.
        corners: (n, 2) x, y of the windows' first pixels on the image.
        recipe: of the windows.

    Returns:
        (N, 5) edges on the image, on outer pixel edges, and scores.
    """
    scanning = recipe.scanning
    window, place = np.nonzero(boxes[..., 4] >= scanning.score_floor)
    found = boxes[window, place].astype(np.float64)
    found[:, :4] -= scanning.border_px
    middle = (found[:, :2] + found[:, 2:4]) / 2
    own = ((middle >= 0) & (middle < scanning.window_px)).all(axis=1)
    found, window = found[own], window[own]
    found[:, :4] += np.tile(corners[window] - 0.5, 2)
    return found


def load_region_boxes(package: Package, computation: Computation | None = None) -> RegionBoxes:
    """The Faster R-CNN of a package.

    Raises:
        UsageError: a package of another kind; a runtime or device that is not there.
        ReadError: something about the package is not as it should be.
    """
    recipe = region_recipe(package)
    return RegionBoxes(recipe, open_runtime(package, **asdict(computation or Computation())))
