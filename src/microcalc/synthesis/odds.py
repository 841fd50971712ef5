"""How often which lesion: morphology and distribution together, and the odds that it is malignant.

The counts are those of the 1,045 calcification findings (patient, breast, abnormality) of CBIS-DDSM's four case
descriptions, train and test. A finding counts once under each pair of a morphology and a distribution that a row of it,
one per view, names together, and is malignant where a row says so. They are film cases sent to biopsy or recalled: more
malignant than a screening round. The set does not know "coarse heterogeneous"; its row is an assumed share at the
clinical predictive value of 16-22 % (European Radiology 2020, 1,076 women).
"""

from __future__ import annotations

import numpy as np

from microcalc.findings import Distribution
from microcalc.synthesis.calcification import Morphology, Pathology

#: (lesions, malignant ones) by morphology and distribution.
LESIONS: dict[tuple[Morphology, Distribution], tuple[int, int]] = {
    ("round", "grouped"): (13, 4),
    ("round", "regional"): (11, 0),
    ("round", "diffuse"): (14, 1),
    ("punctate", "grouped"): (72, 29),
    ("punctate", "regional"): (14, 1),
    ("punctate", "linear"): (3, 0),
    ("punctate", "segmental"): (13, 2),
    ("punctate", "diffuse"): (15, 1),
    ("amorphous", "grouped"): (94, 34),
    ("amorphous", "regional"): (10, 4),
    ("amorphous", "linear"): (4, 2),
    ("amorphous", "segmental"): (21, 8),
    ("amorphous", "diffuse"): (2, 1),
    ("coarse heterogeneous", "grouped"): (30, 6),
    ("coarse heterogeneous", "regional"): (6, 1),
    ("coarse heterogeneous", "segmental"): (4, 1),
    ("fine pleomorphic", "grouped"): (398, 179),
    ("fine pleomorphic", "regional"): (22, 18),
    ("fine pleomorphic", "linear"): (42, 35),
    ("fine pleomorphic", "segmental"): (80, 55),
    ("fine pleomorphic", "diffuse"): (3, 1),
    ("fine linear branching", "grouped"): (38, 30),
    ("fine linear branching", "regional"): (4, 4),
    ("fine linear branching", "linear"): (36, 28),
    ("fine linear branching", "segmental"): (16, 16),
}

#: Findings of the same set with a typically benign descriptor (its "coarse" is popcorn here, its "eggshell" rim).
BENIGN: dict[Morphology, int] = {"lucent centre": 130, "vascular": 65, "popcorn": 47, "rod-like": 8, "rim": 21}


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
