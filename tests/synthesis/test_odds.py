from collections import Counter
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


def test_rare_pairs_lean_on_their_morphology():
    # Punctate: 31 of 107 are malignant; (0 + 3 * 31 / 107) / (2 + 3) for the two in a line.
    assert malignant_share("punctate", "linear") == pytest.approx(3 * 31 / 107 / 5)
    # Fine pleomorphic: 274 of 517; many grouped ones hardly lean.
    assert malignant_share("fine pleomorphic", "grouped") == pytest.approx((170 + 3 * 274 / 517) / 381)


def test_draws_follow_shares_and_odds():
    rng = np.random.default_rng(2)
    drawn = Counter(draw_kind(rng) for _ in range(4000))
    total = sum(lesions for lesions, _ in LESIONS.values())
    grouped = drawn["fine pleomorphic", "grouped", "malignant"], drawn["fine pleomorphic", "grouped", "benign"]
    assert sum(grouped) / 4000 == pytest.approx(378 / total, abs=0.03)
    assert grouped[0] / sum(grouped) == pytest.approx(170 / 378, abs=0.04)
    kinds = Counter(draw_benign(rng) for _ in range(1000))
    assert kinds["lucent centre"] / 1000 == pytest.approx(127 / 261, abs=0.05)
