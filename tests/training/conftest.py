"""Toy images: candidates whose hits have a bright middle, so that everything can be learnt from a few of them."""

from pathlib import Path

import numpy as np
import pytest

from microcalc.datasets import Record
from microcalc.training.pool import Pool
from microcalc.training.samples import FALSE, HIT, Samples
from microcalc.truth import ImageTruth, TrueCalcification

FAMILIES = ("first_order", "haar")


def _samples(hits, false, rng, contrast=1.0):
    """Candidates 40 px apart in a row, the hits first, each on a lesion of its own."""
    count = hits + false
    kinds = np.array([HIT] * hits + [FALSE] * false, np.int8)
    windows = rng.normal(0.3, 0.05, (count, 14, 14))
    windows[:hits, 5:9, 5:9] += 0.3 * contrast
    plain = rng.normal(size=(count, 17))
    plain[:hits, 0] += 3 * contrast
    return Samples(
        xy=np.stack([40.0 * np.arange(count), np.full(count, 50.0)], axis=1),
        proposed=rng.uniform(0.1, 0.9, count),
        kinds=kinds,
        windows=windows.astype(np.float32),
        plain=plain.astype(np.float32),
        spacing_mm=np.array([0.07, 0.07]),
        targets=hits,
        found=hits,
    )


def _record(name, patient, hits, split=None):
    lesions = tuple(TrueCalcification(x=40.0 * i, y=50.0, diameter_mm=0.2, snr=4.0 + 3 * (i % 2)) for i in range(hits))
    truth = ImageTruth(
        path=name, patient=patient, split=split, normal=not hits, rows=100, columns=4000, calcifications=lesions
    )
    return Record(Path(name), truth)


@pytest.fixture(scope="session")
def toy_samples():
    """Makes the samples of one image."""
    return _samples


@pytest.fixture(scope="session")
def toy_record():
    """Makes the record of an image whose lesions lie where the hits of its samples do."""
    return _record


@pytest.fixture(scope="session")
def toy_pool():
    """Makes a pool: patients with calcium and normal ones in turn, two images each."""

    def make(patients=8, hits=5, false=30, seed=0, contrast=1.0):
        rng = np.random.default_rng(seed)
        counts = [hits * (number % 2 == 0) for number in range(patients) for _ in range(2)]
        records = [_record(f"{i}.png", f"p{i // 2}", count) for i, count in enumerate(counts)]
        samples = [_samples(count, false, rng, contrast) for count in counts]
        return Pool(tuple(records), tuple(samples), FAMILIES)

    return make
