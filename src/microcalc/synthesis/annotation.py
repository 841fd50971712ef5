"""From what a view shows of each calcification to its truth: what is asked for, what is a cluster, what is ignored.

Nothing here may hang on the last bits of floating point, which differ between machines: outlines count to a thousandth
of a pixel and SNR to a tenth, and every rule is applied to the rounded value.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from microcalc.evaluation.polygons import area_and_centroid, equal_disc, largest_feret
from microcalc.findings import Box
from microcalc.synthesis.calcification import TYPICALLY_BENIGN, Shadow, Speck
from microcalc.synthesis.lesions import Lesion
from microcalc.synthesis.visibility import VISIBLE
from microcalc.truth import Ignored, Polygon, TrueCalcification, TrueCluster

Points = NDArray[np.float64]

#: Below this SNR a visible calcification is faint; at most one in ``FAINT_ONE_IN`` of those asked for may be.
FAINT, FAINT_ONE_IN = 5.0, 5
#: Larger ones (largest Feret diameter, mm) are no microcalcifications.
LARGEST_MM = 1.0
#: Visible members that make a cluster (BI-RADS: grouped).
LEAST_MEMBERS = 5


@dataclass(frozen=True, eq=False)
class Sight:
    """One calcification as one view shows it."""

    speck: Speck
    #: (n, 2) x, y: outline in the stored image, to a thousandth of a pixel.
    outline: Points
    #: Matched-filter SNR, to a tenth.
    snr: float
    spacing_mm: float

    @classmethod
    def of(cls, speck: Speck, shadow: Shadow, snr: float, spacing_mm: float, *, mirrored: int | None = None) -> Sight:
        """What a shadow of the left breast's frame comes to; ``mirrored``: columns of an image stored mirrored."""
        outline = shadow.polygon if mirrored is None else shadow.polygon * (-1, 1) + (mirrored - 1, 0)
        return cls(speck, np.round(outline, 3), round(snr, 1), spacing_mm)

    @property
    def visible(self) -> bool:
        """Whether anybody can be expected to see it."""
        return self.snr >= VISIBLE

    @property
    def feret_mm(self) -> float:
        """Largest Feret diameter of the outline, mm."""
        return largest_feret(self.outline) * self.spacing_mm

    @cached_property
    def ignored(self) -> str | None:
        """Why no detector is asked for it; None: it is a target."""
        if not self.visible:
            return f"snr below {VISIBLE:g}"
        if self.speck.morphology in TYPICALLY_BENIGN:
            return "typically benign"
        return f"over {LARGEST_MM:g} mm" if round(self.feret_mm, 3) > LARGEST_MM else None

    @property
    def faint(self) -> bool:
        """Whether it is a target that is hard to see."""
        return self.snr < FAINT and self.ignored is None


@dataclass(frozen=True)
class Annotation:
    """What is known of the calcium in one view; fields of ``ImageTruth``."""

    calcifications: tuple[TrueCalcification, ...]
    clusters: tuple[TrueCluster, ...]
    ignore: tuple[Ignored, ...]


def too_faint(views: Sequence[Sequence[Sight]]) -> set[int]:
    """Indices of the specks to leave out of a breast, so that few enough of its targets are faint.

    Args:
        views: the sights of the same specks, in the same order, in each view of the breast.
    """
    left_out: set[int] = set()
    weakest = sorted((sight.snr, index) for view in views for index, sight in enumerate(view) if sight.faint)
    for _, index in weakest:
        kept = [sight for view in views for i, sight in enumerate(view) if i not in left_out]
        targets = sum(sight.ignored is None for sight in kept)
        if FAINT_ONE_IN * sum(sight.faint for sight in kept) <= targets:
            break
        left_out.add(index)
    return left_out


def annotate(lesions: Sequence[Lesion], sights: Sequence[Sight]) -> Annotation:
    """The truth of one view.

    Visible calcifications are listed. Those that are typically benign or too large are regions to ignore as well, and
    the matching rule leaves them out; those that cannot be seen are regions to ignore only. A lesion with a
    distribution and ``LEAST_MEMBERS`` visible members is a cluster.

    Args:
        lesions: what the breast holds.
        sights: of the lesions' specks, in order, but for those left out of the breast.
    """
    visible = [sight for sight in sights if sight.visible]
    return Annotation(
        tuple(_calcification(sight) for sight in visible),
        tuple(_clusters(lesions, visible)),
        tuple(
            Ignored(bbox=_box(sight.outline), polygon=_polygon(sight.outline), reason=sight.ignored)
            for sight in sights
            if sight.ignored
        ),
    )


def _calcification(sight: Sight) -> TrueCalcification:
    """A speck by its outline: centroid, and the diameter of the disc of equal area."""
    area, x, y = area_and_centroid(sight.outline)
    return TrueCalcification(
        x=round(x, 3),
        y=round(y, 3),
        diameter_mm=round(equal_disc(area) * sight.spacing_mm, 4),
        polygon=_polygon(sight.outline),
        pathology=sight.speck.pathology,
        morphology=sight.speck.morphology,
        snr=sight.snr,
    )


def _clusters(lesions: Sequence[Lesion], visible: Sequence[Sight]) -> Iterator[TrueCluster]:
    for lesion in lesions:
        specks = set(lesion.specks)
        members = tuple(index for index, sight in enumerate(visible) if sight.speck in specks)
        if lesion.distribution is not None and len(members) >= LEAST_MEMBERS:
            yield TrueCluster(
                bbox=_box(np.concatenate([visible[index].outline for index in members])),
                members=members,
                pathology=lesion.pathology,
                morphology=lesion.morphology,
                distribution=lesion.distribution,
            )


def _polygon(outline: Points) -> Polygon:
    return tuple((round(x, 3), round(y, 3)) for x, y in outline.tolist())


def _box(points: Points) -> Box:
    """Outer edges of the pixels that (n, 2) x, y points touch."""
    (x0, y0), (x1, y1) = np.floor(points.min(0) + 0.5) - 0.5, np.ceil(points.max(0) - 0.5) + 0.5
    return float(x0), float(y0), float(x1), float(y1)
