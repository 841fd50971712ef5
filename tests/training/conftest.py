"""Toy images: candidates whose hits have a bright middle, so that everything can be learnt from a few of them.

Made-up predictions: patches of a few patients, told apart about as well as asked.

Little mammograms with specks on them.
"""

import functools
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest
from PIL import Image

from microcalc.datasets import Record, Table
from microcalc.findings import Calcification, DetectorInfo, ImageFindings, Report, RunInfo
from microcalc.patches.patch import Patch
from microcalc.patches.protocols import find_protocol
from microcalc.patches.store import TRUTH, WHITE
from microcalc.training.parts import Part, Parts
from microcalc.training.pool import Pool
from microcalc.training.predictions import Predictions
from microcalc.training.samples import FALSE, HIT, Samples
from microcalc.truth import ImageTruth, TrueCalcification, Truth

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


#: Patients of each part, and patches of each class of each patient.
_PATIENTS, _PATCHES = {"train": 4, "validation": 8, "test": 8}, 4
_SNR, _AGES = (4.0, 6.5, 9.0, 13.0), (35.0, 50.0, 70.0)


def _write_store(write_patches, folder, recipe, seed=0, contrast=0.2):
    """A store of the recipe's protocol: noise, and a speck in the middle of whatever is not of the first label."""
    protocol, size = find_protocol(recipe.patches.protocol), recipe.input.size_px
    patches, images = [], []
    for split, patients in _PATIENTS.items():
        for patient in range(patients):
            image = f"{split}{patient}.png"
            rows = [
                Patch(image, 100 * n, 100 * code, size, label, "made up", split, f"{split}-{patient}")
                for code, label in enumerate(protocol.labels)
                for n in range(_PATCHES)
            ]
            patches += rows
            calcifications = tuple(
                TrueCalcification(x=row.x0 + size // 2, y=row.y0 + size // 2, snr=_SNR[n % _PATCHES])
                for n, row in enumerate(rows)
                if row.label != protocol.labels[0]
            )
            spacing, age = (0.07, 0.07), _AGES[patient % 3]
            images.append(ImageTruth(path=image, spacing_mm=spacing, age=age, calcifications=calcifications))
    rng = np.random.default_rng(seed)
    grey = rng.normal(0.4, 0.05, (len(patches), size, size))
    speck = np.array([patch.label != protocol.labels[0] for patch in patches])
    grey[speck, size // 2, size // 2] += contrast
    pixels = np.rint(grey.clip(0, 1) * WHITE).astype(np.uint16)
    store = write_patches(folder, protocol, patches, pixels, spacing_mm=protocol.spacing_mm, seed=seed)
    (folder / TRUTH).write_text(Truth(root=".", images=tuple(images)).to_json())
    return store


def _parts_of(store, recipe):
    """The parts of the store's own split; labels that no class names are left out."""
    codes = {label: code for code, one in enumerate(recipe.patches.classes) for label in one.labels}

    def part(split):
        chosen = [n for n, it in enumerate(store.patches) if it.split == split and it.label in codes]
        classes = np.array([codes[store.patches[n].label] for n in chosen], np.intp)
        return Part(store, np.array(chosen, np.intp), classes, split)

    return Parts(part("train"), part("validation"), part("test"), {"of labels that the recipe leaves out": 3})


def _predict(part, recipe, signal=1.5, seed=0):
    """Logits: noise, and the signal for the true class."""
    rng = np.random.default_rng(seed)
    logits = rng.normal(size=(len(part.indices), recipe.outputs))
    if recipe.outputs == 1:
        logits[:, 0] += signal * (2 * part.classes - 1)
    else:
        logits[np.arange(len(logits)), part.classes] += signal
    return Predictions(part, logits.astype(np.float32))


@pytest.fixture(scope="session")
def predicted(write_patches):
    """Makes a store (folder, recipe), its parts (store, recipe), and predictions of a part (part, recipe, signal)."""
    write_store = functools.partial(_write_store, write_patches)
    return SimpleNamespace(write_store=write_store, parts_of=_parts_of, predict=_predict)


_SPECKLED = 320, 240
_SPECKS = [(60, 150), (75, 160), (90, 140), (70, 175)]
#: Patient -> side of the split, and whether calcium is there; of the last, the file is damaged.
_SPECKLED_PATIENTS = {
    "a": ("validation", True),
    "b": ("validation", False),
    "c": ("test", True),
    "d": ("test", False),
    "e": ("test", True),
}


def _draw_speckled(path, specks, seed):
    """Half a disc of even noise at the left edge, and bright specks of 3 x 3 pixels on it."""
    y, x = np.mgrid[: _SPECKLED[0], : _SPECKLED[1]]
    breast = (x / (0.8 * _SPECKLED[1])) ** 2 + ((y - _SPECKLED[0] / 2) / (0.45 * _SPECKLED[0])) ** 2 < 1
    grey = np.where(breast, 0.45 + 0.02 * np.random.default_rng(seed).standard_normal(_SPECKLED), 0)
    for column, row in specks:
        grey[row - 1 : row + 2, column - 1 : column + 2] += 0.3
    Image.fromarray(np.rint(grey.clip(0, 1) * 65535).astype(np.uint16)).save(path)


@pytest.fixture(scope="session")
def speckled(tmp_path_factory):
    """A table of little images, to validate and to test on: patient by patient, the first with calcium."""
    folder, records = tmp_path_factory.mktemp("speckled"), []
    for seed, (patient, (split, calcium)) in enumerate(_SPECKLED_PATIENTS.items()):
        path, specks = folder / f"{patient}.png", _SPECKS if calcium else []
        _draw_speckled(path, specks, seed)
        truth = ImageTruth(
            path=path.name,
            patient=patient,
            split=split,
            normal=not calcium,
            rows=_SPECKLED[0],
            columns=_SPECKLED[1],
            spacing_mm=(0.1, 0.1),
            calcifications=tuple(TrueCalcification(x=x, y=y, diameter_mm=0.3) for x, y in specks),
        )
        records.append(Record(path, truth))
    (folder / "e.png").write_bytes(b"no picture")
    return Table(records)


def _report(marks):
    def image(path, of_image):
        return ImageFindings(
            path=path,
            rows=400,
            columns=400,
            spacing_mm=(0.07, 0.07),
            spacing_source="header",
            breast_area_cm2=1.0,
            seconds=0.1,
            calcifications=tuple(Calcification(x=x, y=y, score=score) for x, y, score in of_image),
            clusters=(),
        )

    info = DetectorInfo(name="d", version="1", operating_point="all", threshold=0.1, score_floor=0.1, calibrated=False)
    run = RunInfo(microcalc="0", device="cpu", started="2026-01-01T00:00:00+00:00", seconds=1.0)
    return Report(root="/images", detector=info, run=run, images=tuple(image(*one) for one in marks.items()))


@pytest.fixture(scope="session")
def report():
    """Makes a report: path -> (x, y, score) of each mark, on images of 400 x 400 px in the folder /images."""
    return _report
