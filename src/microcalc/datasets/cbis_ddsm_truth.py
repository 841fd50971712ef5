"""What is known about an image of CBIS-DDSM, from its case description and the outlines of its abnormalities.

Masks outline regions, not specks, so that every abnormality of calcifications becomes a cluster. One whose distribution
the set does not state (single calcifications, mostly of a typically benign type) is a cluster without a distribution:
its outline lies around it, too, and is not its own. Typically benign calcifications are regions to ignore as well:
truth for classification, not for detection. Masses become other findings.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence

import numpy as np
from scipy.sparse.csgraph import connected_components

from microcalc.datasets.cbis_ddsm_cases import Abnormality, Case
from microcalc.datasets.cbis_ddsm_masks import hull
from microcalc.datasets.headers import Stated
from microcalc.datasets.outlines import box_of
from microcalc.datasets.record import Facts, OtherFinding
from microcalc.datasets.shapes import everywhere
from microcalc.evaluation.regions import region_of
from microcalc.findings import Spacing
from microcalc.synthesis.calcification import TYPICALLY_BENIGN
from microcalc.truth import Ignored, ImageTruth, Pathology, Polygon, Split, TrueCluster

#: BI-RADS knows more typically benign kinds than the generator draws.
_TYPICALLY_BENIGN = TYPICALLY_BENIGN | {"dystrophic", "milk of calcium", "skin"}
#: Kinds that are said of typically benign calcifications, too.
_ALSO = {"round", "punctate"}


def truth_of(
    case: Case,
    path: str,
    split: Split,
    stated: Stated,
    outlines: Sequence[Polygon | None],
    spacing_mm: Spacing,
    join_mm: float | None,
) -> ImageTruth:
    """The truth of an image.

    Args:
        case: its description.
        path: POSIX, below the root of the set.
        split: the side it stands on.
        stated: its header.
        outlines: of each abnormality; None where it could not be found.
        spacing_mm: (row, column) where the header has none.
        join_mm: clusters at most this far apart become one, typically benign ones excepted; None: none do.
    """
    spacing = stated.spacing_mm or spacing_mm
    calcified = [pair for pair in zip(case.abnormalities, outlines, strict=True) if pair[0].kind == "calcification"]
    clusters = [_cluster(abnormality, outline) for abnormality, outline in calcified if outline is not None]
    benign = [cluster for cluster in clusters if _is_typically_benign(cluster)]
    ignored = [Ignored(bbox=cluster.bbox, polygon=cluster.polygon, reason="typically benign") for cluster in benign]
    if join_mm is not None:
        clusters = [*joined([cluster for cluster in clusters if cluster not in benign], spacing, join_mm), *benign]
    if None in (outline for _, outline in calcified):
        ignored.append(everywhere(stated.rows, stated.columns, "calcifications without a mask"))
    return ImageTruth(
        path=path,
        sop_instance_uid=stated.sop_instance_uid,
        patient=case.patient,
        study=case.study,
        split=split,
        normal=False if calcified else None,  # whether there is calcium beside masses is not said
        side=case.side,
        view=case.view,
        rows=stated.rows,
        columns=stated.columns,
        spacing_mm=spacing,
        density=case.density,
        clusters=tuple(clusters),
        ignore=tuple(ignored),
    )


def facts_of(case: Case, outlines: Sequence[Polygon | None], *, seen_twice: bool) -> Facts:
    """What else the set says of an image; ``seen_twice``: calcifications and masses of its view are two images."""
    remarks = [
        f"abnormality {abnormality.case.rpartition('_')[2]}: BI-RADS {abnormality.assessment}, "
        f"subtlety {abnormality.subtlety} of 5"
        for abnormality in case.abnormalities
    ]
    if seen_twice:
        remarks.append("the same view stands in both parts of the set, with calcifications and with masses")
    return Facts(
        assessment=max(abnormality.assessment for abnormality in case.abnormalities),
        pathology=_worst(abnormality.pathology for abnormality in case.abnormalities),
        others=tuple(
            _mass(abnormality, outline)
            for abnormality, outline in zip(case.abnormalities, outlines, strict=True)
            if abnormality.kind == "mass" and outline is not None
        ),
        film=True,
        remarks=tuple(remarks),
    )


def joined(clusters: Sequence[TrueCluster], spacing_mm: Spacing, gap_mm: float) -> list[TrueCluster]:
    """Clusters at most ``gap_mm`` apart as one: the hull around them, malignant where one of them is.

    The gap is that between the nearest pixels of two clusters, from centre to centre.
    """
    if not clusters:
        return []
    regions = [region_of(cluster) for cluster in clusters]
    rims = [region.rim().astype(np.float64) for region in regions]
    near = [[region.near(rim, gap_mm, spacing_mm).any() for rim in rims] for region in regions]
    count, number = connected_components(np.array(near), directed=False)
    parts = ([cluster for cluster, own in zip(clusters, number, strict=True) if own == one] for one in range(count))
    return [_one(members) if len(members) > 1 else members[0] for members in parts]


def _cluster(abnormality: Abnormality, outline: Polygon) -> TrueCluster:
    morphology, distribution = abnormality.words
    return TrueCluster(
        bbox=box_of(outline),
        polygon=outline,
        pathology=abnormality.pathology,
        morphology=morphology,
        distribution=distribution,
    )


def _mass(abnormality: Abnormality, outline: Polygon) -> OtherFinding:
    shape, margins = abnormality.words
    stated = [f"{what} {word}" for what, word in (("shape", shape), ("margins", margins)) if word]
    return OtherFinding(
        kind="mass",
        bbox=box_of(outline),
        polygon=outline,
        pathology=abnormality.pathology,
        assessment=abnormality.assessment,
        description="; ".join(stated) or None,
    )


def _is_typically_benign(cluster: TrueCluster) -> bool:
    """By its kind, of which at least one word says so and no other contradicts; never where it proved malignant."""
    kinds = set((cluster.morphology or "").split(", "))
    return bool(kinds & _TYPICALLY_BENIGN) and kinds <= _TYPICALLY_BENIGN | _ALSO and cluster.pathology != "malignant"


def _one(clusters: Sequence[TrueCluster]) -> TrueCluster:
    outline = hull([cluster.polygon for cluster in clusters if cluster.polygon is not None])
    return TrueCluster(
        bbox=box_of(outline),
        polygon=outline,
        pathology=_worst(cluster.pathology for cluster in clusters),
        morphology=_all_words(cluster.morphology for cluster in clusters),
        distribution=_all_words(cluster.distribution for cluster in clusters),
    )


def _all_words(words: Iterable[str | None]) -> str | None:
    """Words joined by commas, each once."""
    stated = [each for word in words if word for each in word.split(", ")]
    return ", ".join(dict.fromkeys(stated)) or None


def _worst(pathologies: Iterable[Pathology | None]) -> Pathology | None:
    stated = set(pathologies)
    return next((pathology for pathology in ("malignant", "benign", "unknown") if pathology in stated), None)
