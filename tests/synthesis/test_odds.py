import csv
from collections import Counter, defaultdict
from itertools import product
from typing import get_args

import numpy as np
import pytest

from microcalc.findings import Distribution
from microcalc.synthesis.calcification import TYPICALLY_BENIGN
from microcalc.synthesis.odds import BENIGN, LESIONS, draw_benign, draw_kind, malignant_share


def test_the_table_holds_every_distribution_and_no_typically_benign_lesion():
    assert {distribution for _, distribution in LESIONS} == set(get_args(Distribution))
    assert not {morphology for morphology, _ in LESIONS} & TYPICALLY_BENIGN
    assert set(BENIGN) == TYPICALLY_BENIGN
    assert all(0 <= malignant <= lesions for lesions, malignant in LESIONS.values())


@pytest.fixture
def findings(shared):
    """Rows of each finding of CBIS-DDSM: patient, breast, abnormality."""
    found = defaultdict(list)
    for part in ("train", "test"):
        with (shared / "cbis_ddsm" / f"calc_case_description_{part}_set.csv").open(newline="") as file:
            for row in csv.DictReader(file):
                found[row["patient_id"], row["left or right breast"], row["abnormality id"]].append(row)
    return found.values()


def test_the_table_counts_the_findings_of_cbis_ddsm(findings):
    morphologies = {
        "ROUND_AND_REGULAR": "round",
        "PUNCTATE": "punctate",
        "AMORPHOUS": "amorphous",
        "PLEOMORPHIC": "fine pleomorphic",
        "FINE_LINEAR_BRANCHING": "fine linear branching",
    }
    distributions = {
        "CLUSTERED": "grouped",
        "REGIONAL": "regional",
        "LINEAR": "linear",
        "SEGMENTAL": "segmental",
        "DIFFUSELY_SCATTERED": "diffuse",
    }
    lesions, malignant = Counter(), Counter()
    for rows in findings:
        split = [(row["calc type"].split("-"), row["calc distribution"].split("-")) for row in rows]
        named = {pair for types, spreads in split for pair in product(types, spreads)}
        pairs = [(morphologies[m], distributions[d]) for m, d in named if m in morphologies and d in distributions]
        lesions.update(pairs)
        if any(row["pathology"] == "MALIGNANT" for row in rows):
            malignant.update(pairs)
    assert len(findings) == 1045
    known = {pair: counts for pair, counts in LESIONS.items() if pair[0] != "coarse heterogeneous"}
    assert known == {pair: (count, malignant[pair]) for pair, count in lesions.items()}


def test_typically_benign_counts_are_those_of_cbis_ddsm(findings):
    morphologies = {
        "LUCENT_CENTER": "lucent centre",
        "LUCENT_CENTERED": "lucent centre",
        "VASCULAR": "vascular",
        "COARSE": "popcorn",
        "LARGE_RODLIKE": "rod-like",
        "EGGSHELL": "rim",
    }
    held = [{morphologies.get(m) for row in rows for m in row["calc type"].split("-")} - {None} for rows in findings]
    assert Counter(morphology for kinds in held for morphology in kinds) == BENIGN


def test_rare_pairs_lean_on_their_morphology():
    # Punctate: 33 of 117 are malignant; (0 + 3 * 33 / 117) / (3 + 3) for the three in a line.
    assert malignant_share("punctate", "linear") == pytest.approx(33 / 117 / 2)
    # Fine pleomorphic: 288 of 545; many grouped ones hardly lean.
    assert malignant_share("fine pleomorphic", "grouped") == pytest.approx((179 + 3 * 288 / 545) / 401)


def test_draws_follow_shares_and_odds():
    rng = np.random.default_rng(2)
    drawn = Counter(draw_kind(rng) for _ in range(4000))
    total = sum(lesions for lesions, _ in LESIONS.values())
    grouped = drawn["fine pleomorphic", "grouped", "malignant"], drawn["fine pleomorphic", "grouped", "benign"]
    assert sum(grouped) / 4000 == pytest.approx(398 / total, abs=0.03)
    assert grouped[0] / sum(grouped) == pytest.approx(179 / 398, abs=0.04)
    kinds = Counter(draw_benign(rng) for _ in range(1000))
    assert kinds["lucent centre"] / 1000 == pytest.approx(130 / 271, abs=0.05)
