"""How often which lesion: morphology and distribution together, and the odds that it is malignant.

The counts are those of the 1,045 calcification lesions of CBIS-DDSM (train and test; a lesion with several descriptors
counts under each), which are film cases sent to biopsy or recalled: more malignant than a screening round. The set does
not know "coarse heterogeneous"; its row is an assumed share at the clinical predictive value of 16-22 %
(European Radiology 2020, 1,076 women).
"""

from __future__ import annotations

import numpy as np

from microcalc.findings import Distribution
from microcalc.synthesis.calcification import Morphology, Pathology

#: (lesions, malignant ones) by morphology and distribution.
LESIONS: dict[tuple[Morphology, Distribution], tuple[int, int]] = {
    ("round", "grouped"): (12, 4),
    ("round", "regional"): (10, 0),
    ("round", "diffuse"): (14, 1),
    ("punctate", "grouped"): (64, 27),
    ("punctate", "regional"): (13, 1),
    ("punctate", "linear"): (2, 0),
    ("punctate", "segmental"): (13, 2),
    ("punctate", "diffuse"): (15, 1),
    ("amorphous", "grouped"): (85, 31),
    ("amorphous", "regional"): (10, 4),
    ("amorphous", "linear"): (3, 2),
    ("amorphous", "segmental"): (21, 8),
    ("amorphous", "diffuse"): (2, 1),
    ("coarse heterogeneous", "grouped"): (30, 6),
    ("coarse heterogeneous", "regional"): (6, 1),
    ("coarse heterogeneous", "segmental"): (4, 1),
    ("fine pleomorphic", "grouped"): (378, 170),
    ("fine pleomorphic", "regional"): (21, 17),
    ("fine pleomorphic", "linear"): (37, 31),
    ("fine pleomorphic", "segmental"): (78, 55),
    ("fine pleomorphic", "diffuse"): (3, 1),
    ("fine linear branching", "grouped"): (21, 19),
    ("fine linear branching", "regional"): (4, 4),
    ("fine linear branching", "linear"): (34, 26),
    ("fine linear branching", "segmental"): (16, 16),
}

#: Lesions of the same set with a typically benign descriptor (its "coarse" is popcorn here, its "eggshell" rim).
BENIGN: dict[Morphology, int] = {"lucent centre": 127, "vascular": 61, "popcorn": 45, "rod-like": 8, "rim": 20}


def malignant_share(morphology: Morphology, distribution: Distribution) -> float:
    """Share of malignant lesions, the few of a rare pair drawn towards all of their morphology (as if 3 more)."""
    lesions, malignant = LESIONS[morphology, distribution]
    alike = np.array([counts for (kind, _), counts in LESIONS.items() if kind == morphology]).sum(axis=0)
    return float((malignant + 3 * alike[1] / alike[0]) / (lesions + 3))


def draw_kind(rng: np.random.Generator, wanted: Morphology | None = None) -> tuple[Morphology, Distribution, Pathology]:
    """A lesion's morphology (unless one is wanted) and distribution by their shares, its pathology by their odds."""
    lesions = np.array([count if wanted in (None, kind) else 0 for (kind, _), (count, _) in LESIONS.items()])
    morphology, distribution = list(LESIONS)[rng.choice(len(lesions), p=lesions / lesions.sum())]
    malignant = rng.random() < malignant_share(morphology, distribution)
    return morphology, distribution, "malignant" if malignant else "benign"


def draw_benign(rng: np.random.Generator) -> Morphology:
    """A typically benign morphology by its share."""
    shares = np.array(list(BENIGN.values()))
    return list(BENIGN)[rng.choice(len(shares), p=shares / shares.sum())]
