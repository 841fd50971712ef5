"""From OMI-DB's marks to the truth: which boxes are suspicious calcifications of known histology, by four filters.

The filters are those of Mračko et al. (section II-B, "Patches with Suspicious Clusters"): boxes with suspicious
calcifications alone, clearly linked to histopathology, which is malignant or benign, with valid coordinates. (Whether
a box has any content is seen when a patch is cut from it.) Calcium that does not pass is to be ignored: it is never a
negative.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from microcalc.datasets.record import OtherFinding
from microcalc.datasets.shapes import clipped
from microcalc.findings import Box
from microcalc.truth import Ignored, Pathology, TrueCluster

if TYPE_CHECKING:
    from omidb.lesion import Lesion
    from omidb.mark import Mark

#: Flags of a mark that mean calcium of a benign kind, and what truth files call it.
_BENIGN: Mapping[str, str] = {
    "dystrophic_calcification": "dystrophic",
    "milk_of_calcium": "milk of calcium",
    "other_benign_cluster": "other benign cluster",
    "plasma_cell_mastitis": "plasma cell mastitis",
    "suture_calcification": "suture",
    "vascular_feature": "vascular",
    # Skin features and fat necrosis need not be calcified, but may be.
    "benign_skin_feature": "skin",
    "fat_necrosis": "fat necrosis",
}
#: BI-RADS words for omidb's classes.
_MORPHOLOGY: Mapping[str, str] = {
    "coarse_or_popcorn-like": "popcorn",
    "egg_shell_or_rim": "rim",
    "lucent-centred": "lucent centre",
    "rod-like": "rod-like",
    "round_and_punctate": "round",
}
_OTHERS: Mapping[str, str] = {
    "mass": "mass",
    "architectural_distortion": "architectural distortion",
    "focal_asymmetry": "asymmetry",
}
#: Opinions on tissue, by omidb's names: after surgery, and after core biopsy.
_OPINIONS: Mapping[str, Pathology] = {"H5": "malignant", "B5": "malignant", "H2": "benign", "B2": "benign"}


@dataclass(frozen=True)
class Filters:
    """Which marks are targets: the paper's four filters, each of which can be left out, and what it leaves open."""

    suspicious_alone: bool = True
    linked: bool = True
    proven: bool = True
    valid_boxes: bool = True
    #: Whether calcium of a benign kind is a cluster, benign unless tissue says otherwise; else it is to be ignored.
    benign_kinds: bool = False


@dataclass(frozen=True)
class Marks:
    """What is marked on one image."""

    clusters: tuple[TrueCluster, ...] = ()
    ignore: tuple[Ignored, ...] = ()
    others: tuple[OtherFinding, ...] = ()
    #: Boxes that do not lie in the image, in words.
    remarks: tuple[str, ...] = ()


def histology(lesion: Lesion) -> Pathology | None:
    """What tissue of a lesion, from surgery or core biopsy, was found to be; cytology does not count.

    Malignant if any of it is, since a biopsy may have taken all there was.
    """
    opinions = [event.opinion for event in (lesion.surgery, lesion.biopsy_wide) if event and event.opinion]
    found = {_OPINIONS.get(opinion.name, "unknown") for opinion in opinions}
    if lesion.status is not None or "malignant" in found:  # omidb: invasive or in situ
        return "malignant"
    if "benign" in found:
        return "benign"
    return "unknown" if lesion.surgery or lesion.biopsy_wide else None


def marks_of(marks: Sequence[Mark], lesions: Mapping[str, Lesion], shape: tuple[int, int], filters: Filters) -> Marks:
    """The truth that the marks of an image state.

    Args:
        marks: of the image.
        lesions: of its episode, by number.
        shape: (rows, columns) of the image.
        filters: which marks are targets.
    """
    clusters, ignore, others, remarks = [], [], [], []
    for mark in marks:
        stated = _box(mark)
        box = clipped(stated, *shape)
        places = [box] if box else []
        if box != stated:
            remarks.append(_outside(mark, shape))
            places += filter(None, [clipped(_exchanged(stated), *shape)])
        pathology = _pathology(mark, lesions)
        kinds = [kind for flag, kind in _OTHERS.items() if getattr(mark, flag)]
        others += [OtherFinding(kind=kind, bbox=box, pathology=pathology) for kind in kinds if box]
        reason = _reason(mark, pathology, box == stated, filters) if _may_be_calcium(mark) else ""
        if reason is None and box:
            clusters.append(_cluster(mark, box, pathology))
        elif reason:
            ignore += [Ignored(bbox=place, reason=reason) for place in places]
    return Marks(tuple(clusters), tuple(ignore), tuple(others), tuple(remarks))


def _may_be_calcium(mark: Mark) -> bool:
    """Whether it is, or says nothing of what it is."""
    calcium = mark.suspicious_calcifications or mark.calcifications or _is_benign_kind(mark)
    return calcium or not any(getattr(mark, flag) for flag in _OTHERS)


def _is_benign_kind(mark: Mark) -> bool:
    return mark.benign_classification is not None or any(getattr(mark, flag) for flag in _BENIGN)


def _reason(mark: Mark, pathology: Pathology | None, valid: bool, filters: Filters) -> str | None:
    """Why a mark of calcium is to be ignored; None where it is a target."""
    others = _is_benign_kind(mark) or any(getattr(mark, flag) for flag in _OTHERS)
    if filters.valid_boxes and not valid:
        return "box that leaves the image"
    if not mark.suspicious_calcifications:
        if _is_benign_kind(mark):
            return None if filters.benign_kinds else "calcification of a benign kind"
        return "mark that may be calcium"
    if filters.suspicious_alone and others:
        return "suspicious calcifications with other abnormalities"
    if filters.linked and pathology is None:
        return "suspicious calcifications without histology"
    if filters.proven and pathology not in ("benign", "malignant"):
        return "suspicious calcifications, neither malignant nor benign"
    return None


def _cluster(mark: Mark, box: Box, pathology: Pathology | None) -> TrueCluster:
    presumed: Pathology = "unknown" if mark.suspicious_calcifications else "benign"
    return TrueCluster(bbox=box, pathology=pathology or presumed, morphology=_morphology(mark))


def _box(mark: Mark) -> Box:
    """From the first pixel to the last.

    The library calls the corners lower left and upper right; a public reader draws them from the top: what is smaller
    is first, whichever way it was meant, and rows count from the top.
    """
    box = mark.boundingBox
    x0, x1 = sorted((box.x1, box.x2))
    y0, y1 = sorted((box.y1, box.y2))
    return x0 - 0.5, y0 - 0.5, x1 + 0.5, y1 + 0.5


def _exchanged(box: Box) -> Box:
    x0, y0, x1, y1 = box
    return y0, x0, y1, x1


def _outside(mark: Mark, shape: tuple[int, int]) -> str:
    x0, y0, x1, y1 = _box(mark)
    exchanged = _exchanged((x0, y0, x1, y1))
    hint = ", which would fit with x and y exchanged" if clipped(exchanged, *shape) == exchanged else ""
    return f"mark {mark.id}: the box from {x0 + 0.5:g}, {y0 + 0.5:g} to {x1 - 0.5:g}, {y1 - 0.5:g}{hint}"


def _pathology(mark: Mark, lesions: Mapping[str, Lesion]) -> Pathology | None:
    """Of the lesions that a mark is linked to: malignant if any is, benign if all are; None where nothing is linked."""
    linked = [lesions.get(number) for number in sorted(mark.lesion_ids or ())]
    results = [histology(lesion) if lesion else None for lesion in linked]
    if not linked or None in results:
        return "malignant" if "malignant" in results else None
    return "malignant" if "malignant" in results else "benign" if set(results) == {"benign"} else "unknown"


def _morphology(mark: Mark) -> str | None:
    if mark.benign_classification is not None:
        return _MORPHOLOGY.get(mark.benign_classification.value)
    return next((word for flag, word in _BENIGN.items() if getattr(mark, flag)), None)
