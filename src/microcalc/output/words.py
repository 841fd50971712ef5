"""How findings are said in plain words."""

from __future__ import annotations

from collections.abc import Sequence

from microcalc.findings import Cluster, ImageFindings
from microcalc.mammogram import Side

NOT_A_DEVICE = "Research software, not a medical device. Not for clinical decisions."

#: Clusters of one breast that its summary names one by one; the others are counted.
_NAMED_CLUSTERS = 4


def count(number: int, noun: str, plural: str | None = None) -> str:
    """ "no mark", "1 mark", "3 marks"."""
    return f"{number or 'no'} {noun if number < 2 else plural or noun + 's'}"


def image_label(image: ImageFindings) -> str:
    """Side and view as a technologist writes them: "R MLO"; what is unknown is said."""
    if image.side is None and image.view is None:
        return "side and view unknown"
    return f"{image.side or 'side unknown,'} {image.view or 'view unknown'}"


def cluster_size(cluster: Cluster, image: ImageFindings) -> str:
    """Width and height of a cluster's box, "3.9 x 2.7 mm", the larger first; in pixels where spacing is unknown."""
    x0, y0, x1, y1 = cluster.bbox
    if image.spacing_mm is None:
        return "{:.0f} × {:.0f} pixels".format(*sorted((x1 - x0, y1 - y0), reverse=True))
    row, column = image.spacing_mm
    return "{:.1f} × {:.1f} mm".format(*sorted(((x1 - x0) * column, (y1 - y0) * row), reverse=True))


def spacing_words(image: ImageFindings) -> str:
    """Pixel spacing and where it came from: "0.07 mm (header)"."""
    if image.spacing_mm is None:
        return "pixel spacing unknown"
    row, column = image.spacing_mm
    size = f"{row:.4g} mm" if row == column else f"{row:.4g} × {column:.4g} mm"
    return f"{size} ({image.spacing_source})"


def single_marks(image: ImageFindings, threshold: float) -> int:
    """Marks at or above the threshold that belong to no cluster."""
    grouped = image.cluster_of
    return sum(mark.score >= threshold for i, mark in enumerate(image.calcifications) if i not in grouped)


def breast_summary(side: Side | None, images: Sequence[ImageFindings], threshold: float) -> str:
    """One sentence on one breast, from all its views.

    "Right breast: 1 cluster of 14 marks, 3.9 x 2.7 mm, grouped, CC view; 3 single marks."
    """
    name = {"R": "Right breast", "L": "Left breast", None: "Side unknown"}[side]
    found = [(cluster, image) for image in images for cluster in image.clusters]
    found.sort(key=lambda pair: -pair[0].score)
    parts = [
        f"1 cluster of {count(cluster.count, 'mark')}, {cluster_size(cluster, image)}, {cluster.distribution}, "
        f"{image.view or 'unknown'} view"
        for cluster, image in found[:_NAMED_CLUSTERS]
    ] or ["no cluster"]
    if len(found) > _NAMED_CLUSTERS:
        parts.append(f"{len(found) - _NAMED_CLUSTERS} more with lower scores")
    parts.append(count(sum(single_marks(image, threshold) for image in images), "single mark"))
    return f"{name}: {'; '.join(parts)}."
