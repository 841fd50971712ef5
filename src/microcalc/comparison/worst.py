"""The worst of each system: lesions missed that should be the easiest, and the false positives it is surest of."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from microcalc.comparison.scored import ScoredImage, ScoredSystem
from microcalc.comparison.wording import score
from microcalc.evaluation.matching import DISC14_RADIUS_MM
from microcalc.evaluation.regions import lesion_box, outline
from microcalc.findings import Spacing
from microcalc.truth import TrueCalcification, TrueCluster

Array = NDArray[np.float64]
Indices = NDArray[np.intp]
#: Term and text, in reading order.
Facts = tuple[tuple[str, str], ...]

#: Shown of each kind and system.
MOST = 12
#: False positives shown of one image, so that a single bad one does not fill the page.
MOST_OF_AN_IMAGE = 3
#: Width and height of what is shown around a spot, at the least.
SHOWN_MM = 9.0
#: Tissue shown on each side of a large lesion.
_MARGIN_MM = 2.0
#: Corners of a drawn circle.
_CORNERS = 48


@dataclass(frozen=True, eq=False)
class Spot:
    """One place on one image; coordinates are pixels of the original image."""

    #: Which of the scored images.
    image: int
    centre: tuple[float, float]
    #: Width and height to be shown around it.
    shown_mm: float
    #: (N, 2) x, y of the corners of what is to be seen.
    outline: Array
    facts: Facts


@dataclass(frozen=True, eq=False)
class Worst:
    """The first few of one kind, of one system."""

    spots: tuple[Spot, ...]
    #: How many there are.
    total: int


def worst_misses(scored: Sequence[ScoredSystem], which: int) -> Worst:
    """Target lesions that a system does not find, or only below its own threshold where it states one.

    Those never found come first; among equals by falling SNR, then, where that is not known, by falling size. One that
    lies within the crop of another, which comes before it, is counted but not shown.
    """
    images = scored[which].images
    image, row = places([image.scores.lesions.size for image in images])
    best = _joined([image.scores.best for image in images])
    missed = np.flatnonzero(best < (scored[which].threshold or 0.0))
    image, row, never_found = image[missed], row[missed], np.isneginf(best[missed])
    targets = [of_image.scores.targets for of_image in images]
    lesions = [targets[i][j] for i, j in zip(image, row, strict=True)]
    snr = np.array([-np.inf if (value := _snr(lesion)) is None else value for lesion in lesions])
    boxes = [bounds_of(lesion, images[i].spacing_mm) for lesion, i in zip(lesions, image, strict=True)]
    corners = np.array(boxes).reshape(-1, 2, 2)
    spacing = _spacing(images, image)
    size_mm = (np.diff(corners, axis=1)[:, 0] * spacing).max(axis=1, initial=0.0)
    shown_mm = np.maximum(SHOWN_MM, size_mm + 2 * _MARGIN_MM)
    centres = corners.mean(axis=1)
    order = np.lexsort((-size_mm, -snr, ~never_found))
    spots = tuple(
        Spot(
            image=int(image[i]),
            centre=(float(centres[i, 0]), float(centres[i, 1])),
            shown_mm=float(shown_mm[i]),
            outline=_lesion_outline(lesions[i], images[image[i]].spacing_mm),
            facts=(
                *_scores(scored, which, int(image[i]), int(row[i])),
                *_lesion_facts(lesions[i], float(size_mm[i])),
                _at(centres[i]),
            ),
        )
        for i in _apart(order, image, centres * spacing, shown_mm, MOST)
    )
    return Worst(spots, missed.size)


def worst_false_positives(system: ScoredSystem) -> Worst:
    """False positives that enter the curve, by falling score.

    One within the crop of another is counted but not shown, nor are more than three (``MOST_OF_AN_IMAGE``) of an image.
    """
    images = system.images
    image, row = places([len(image.detections) for image in images])
    false = np.flatnonzero(_joined([image.match.false_positive & image.judged for image in images]))
    image, row = image[false], row[false]
    scores = _joined([image.detections.scores for image in images])[false]
    centres = np.concatenate([np.empty((0, 2)), *(image.detections.xy for image in images)])[false]
    of_image = np.bincount(image, minlength=len(images))
    order = np.argsort(-scores, kind="stable")
    spots = tuple(
        Spot(
            image=int(image[i]),
            centre=(float(centres[i, 0]), float(centres[i, 1])),
            shown_mm=SHOWN_MM,
            outline=_mark_outline(images[image[i]], int(row[i])),
            facts=(
                ("score", score(float(scores[i]))),
                ("false on this image", str(of_image[image[i]])),
                _at(centres[i]),
            ),
        )
        for i in _apart(
            order, image, centres * _spacing(images, image), np.full(false.size, SHOWN_MM), MOST_OF_AN_IMAGE
        )
    )
    return Worst(spots, false.size)


def places(counts: Sequence[int]) -> tuple[Indices, Indices]:
    """Image of each thing, and its place within the image, where image i has ``counts[i]`` of them."""
    image = np.repeat(np.arange(len(counts)), counts)
    return image, np.arange(image.size) - np.searchsorted(image, image)


def _joined(parts: Sequence[NDArray[np.generic]]) -> Array:
    return np.concatenate([np.empty(0), *parts])


def _spacing(images: Sequence[ScoredImage], image: Indices) -> Array:
    """(N, 2) mm per pixel along x and y."""
    return np.array([image.spacing_mm[::-1] for image in images]).reshape(-1, 2)[image]


def _apart(order: Indices, image: Indices, xy_mm: Array, shown_mm: Array, most_of_an_image: int) -> list[int]:
    """The first few in order, without those that lie within the crop of one chosen before."""
    chosen: list[int] = []
    while order.size and len(chosen) < MOST:
        first = order[0]
        chosen.append(int(first))
        full = np.count_nonzero(image[chosen] == image[first]) == most_of_an_image
        near = (np.abs(xy_mm[order] - xy_mm[first]) <= shown_mm[first] / 2).all(axis=1)
        order = order[~((image[order] == image[first]) & (near | full))]
    return chosen


def _snr(lesion: TrueCalcification | TrueCluster) -> float | None:
    return lesion.snr if isinstance(lesion, TrueCalcification) else None


def bounds_of(lesion: TrueCalcification | TrueCluster, spacing_mm: Spacing) -> Array:
    """(4,) x0, y0, x1, y1 of a calcification or a cluster."""
    return lesion_box(lesion, spacing_mm) if isinstance(lesion, TrueCalcification) else np.array(lesion.bbox)


def _lesion_outline(lesion: TrueCalcification | TrueCluster, spacing_mm: Spacing) -> Array:
    if isinstance(lesion, TrueCluster):
        return outline(lesion)
    if lesion.polygon is not None:
        return np.array(lesion.polygon, np.float64)
    return _circle(np.array([lesion.x, lesion.y]), (lesion.diameter_mm or 0.0) / 2 or DISC14_RADIUS_MM, spacing_mm)


def _mark_outline(image: ScoredImage, row: int) -> Array:
    """What the rule takes of a detection: its box, or the disc within which a lesion counts as hit.

    Where it takes the centre alone, the disc of ``disc14`` shows where that is.
    """
    rule = image.scores.rule
    x0, y0, x1, y1 = image.detections.boxes[row]
    form = rule.form.partition(":")[0]
    if (form == "iou" or rule.detections == "clusters") and not np.isnan(x0):
        return np.array([(x0, y0), (x1, y0), (x1, y1), (x0, y1)])
    radius_mm = rule.limit if form == "distance" else DISC14_RADIUS_MM
    return _circle(image.detections.xy[row], radius_mm, image.spacing_mm)


def _circle(centre: Array, radius_mm: float, spacing_mm: Spacing) -> Array:
    turn = np.linspace(0, 2 * np.pi, _CORNERS, endpoint=False)
    corners: Array = centre + radius_mm / np.array(spacing_mm[::-1]) * np.stack([np.cos(turn), np.sin(turn)], axis=1)
    return corners


def _scores(scored: Sequence[ScoredSystem], which: int, image: int, row: int) -> Facts:
    """What each system's best detection of a lesion scores, the one in question first."""
    order = [which, *(i for i in range(len(scored)) if i != which)]
    best = [float(scored[i].images[image].scores.best[row]) for i in order]
    texts = ["not found" if np.isneginf(value) else score(value) for value in best]
    terms = ["score", *(f"score of {scored[i].system.name}" for i in order[1:])]
    return tuple(zip(terms, texts, strict=True))


def _lesion_facts(lesion: TrueCalcification | TrueCluster, size_mm: float) -> Facts:
    snr = _snr(lesion)
    facts = (
        ("size", f"{size_mm:.2f} mm"),
        ("SNR", None if snr is None else f"{snr:.1f}"),
        ("morphology", lesion.morphology),
        ("pathology", lesion.pathology),
    )
    return tuple((term, text) for term, text in facts if text is not None)


def _at(centre: Array) -> tuple[str, str]:
    return "x, y", f"{centre[0]:.0f}, {centre[1]:.0f}"
