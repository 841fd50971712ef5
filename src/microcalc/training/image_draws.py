"""Training windows drawn from finished mammograms: a user's own, annotated, or with lesions put into them."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from microcalc.errors import UsageError
from microcalc.training.draws import Drawn
from microcalc.training.view_cache import CachedView

#: A calcification lies within this part of the window's side from its middle, as in windows of the bank.
_JITTER = 0.35


class ImageDraws:
    """A :class:`~microcalc.training.draws.Source` of windows as they are on the images, at the pitch of the views.

    Windows with calcium are drawn image by image, however much calcium an image holds. The others lie anywhere on the
    breast of any image; a few of them may hold calcium as well, and their targets say so.

    Args:
        views: of :func:`~microcalc.training.view_cache.cache_view`.

    Raises:
        UsageError: no image holds calcium to learn from.
    """

    def __init__(self, views: Sequence[CachedView]) -> None:
        self._views = tuple(views)
        self._with_calcium = tuple(view for view in views if view.sites)
        if not self._with_calcium:
            raise UsageError(
                expected="images with calcifications, to train on",
                found=f"none among {len(self._views)}",
                do="give annotated images, or normal ones that lesions can be put into",
            )

    def draw(self, rng: np.random.Generator, n: int, *, size_px: int, positive_share: float) -> Drawn:
        """See :class:`~microcalc.training.draws.Source`."""
        held = round(positive_share * n)
        views = [
            *(self._with_calcium[index] for index in rng.integers(len(self._with_calcium), size=held)),
            *(self._views[index] for index in rng.integers(len(self._views), size=n - held)),
        ]
        centres = [
            _near_calcium(view, size_px, rng) if index < held else view.anywhere(rng)
            for index, view in enumerate(views)
        ]
        windows = [view.window(centre, size_px) for view, centre in zip(views, centres, strict=True)]
        pixels, breast, target = (np.stack(part) for part in zip(*windows, strict=True))
        return Drawn(
            pixels.astype(np.float32, copy=False),
            breast.astype(np.bool_, copy=False),
            target.astype(np.int8, copy=False),
            np.array([view.spacing_mm for view in views]),
        )


def _near_calcium(view: CachedView, size_px: int, rng: np.random.Generator) -> NDArray[np.float64]:
    """(2,) x, y of the middle of a window that holds a calcification drawn at random."""
    site = np.array(view.sites[rng.integers(len(view.sites))])
    return site + rng.uniform(-_JITTER, _JITTER, 2) * size_px
