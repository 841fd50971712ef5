"""Little images with truth, and what proposers do on images, made by hand.

A store of five patches made by hand, and a network whose answers are known.
"""

import functools
from types import SimpleNamespace

import numpy as np
import pytest
from PIL import Image

from microcalc.benchmark.records import Outcome, ProposedImage
from microcalc.patches.patch import Patch
from microcalc.patches.protocols import find_protocol
from microcalc.recipe import load_recipe
from microcalc.truth import ImageTruth, TrueCalcification, Truth

#: Where the speck of an image lies, px; images are 400 x 300.
SPECK = (120, 180)


def _outcome(found=(), false_positives=0, **other):
    values = {"candidates": sum(found) + false_positives, "covered": 0.1, "seconds": 1.0, "processor_seconds": 1.0}
    return Outcome(found=found, false_positives=false_positives, **values | other)


def _proposed(path, **outcomes):
    lesions = range(len(next(iter(outcomes.values())).found))
    return ProposedImage(path=path, lesions=tuple(lesions), outcomes=outcomes)


def _truth(path, lesions=0, **fields):
    marks = tuple(TrueCalcification(x=10.0 * i, y=5.0, diameter_mm=0.2) for i in range(lesions))
    return ImageTruth(path=path, normal=not lesions, calcifications=marks, **fields)


@pytest.fixture(scope="session")
def outcome():
    """Makes what a proposer does on an image."""
    return _outcome


@pytest.fixture(scope="session")
def proposed():
    """Makes an image with the outcome of each proposer."""
    return _proposed


@pytest.fixture(scope="session")
def image_truth():
    """Makes the truth of an image with so many lesions, in a row."""
    return _truth


@pytest.fixture(scope="session")
def breast_with_speck(breast_png):
    """Writes a drawn breast with one bright pixel, at ``SPECK``, or where that lies with left and right exchanged."""

    def write(path, *, mirrored=False):
        pixels = np.array(Image.open(breast_png(path)))
        x, y = SPECK
        pixels[y, x] = 65535
        Image.fromarray(pixels[:, ::-1] if mirrored else pixels).save(path)
        return path

    return write


@pytest.fixture(scope="session")
def data(tmp_path_factory, breast_png, breast_with_speck):
    """A folder with truth: of three patients, one with a speck on either breast, two normal."""
    folder = tmp_path_factory.mktemp("data")
    images = []
    for patient, side in ("pL", "pR", "qL", "rL"):
        path, mirrored = folder / f"{patient}_{side}.png", side == "R"
        if patient == "p":
            breast_with_speck(path, mirrored=mirrored)
        else:
            breast_png(path)
        x, y = (299 - SPECK[0] if mirrored else SPECK[0]), SPECK[1]
        lesions = (TrueCalcification(x=x, y=y, diameter_mm=0.07, snr=9.0),) if patient == "p" else ()
        images.append(
            ImageTruth(
                path=path.name,
                patient=patient,
                split="test",
                normal=not lesions,
                side=side,
                spacing_mm=(0.1, 0.1),
                calcifications=lesions,
            )
        )
    (folder / "truth.json").write_text(Truth(root=".", images=tuple(images)).to_json())
    return folder


_SIZE = 32
_LABELS = ("normal", "benign", "benign", "malignant", "malignant")
_PATIENTS = ("a", "a", "b", "a", "b")
#: Malignant lesions of 2 x 2 and of 3 x 4 pixels; benign ones of one pixel.
_LESIONS = ((), np.s_[12:13, 12:13], np.s_[12:13, 12:13], np.s_[2:4, 2:4], np.s_[5:8, 10:14])


def _write_store(write_patches, folder, *, patients=_PATIENTS, split="test", data="bench:toys"):
    """The store."""
    protocol = find_protocol("terrassin512")
    masks = np.zeros((len(_LABELS), _SIZE, _SIZE), np.uint8)
    for mask, label, lesion in zip(masks, _LABELS, _LESIONS, strict=True):
        if label != "normal":
            mask[lesion] = protocol.labels.index(label)
    patches = [
        Patch(f"{patient}.png", 100 * n, 0, _SIZE, label, "made up", split, patient)
        for n, (label, patient) in enumerate(zip(_LABELS, patients, strict=True))
    ]
    return write_patches(folder, protocol, patches, np.zeros(masks.shape, np.uint16), masks, data=data)


def _patch_recipe():
    """A UNet 3+'s, of such patches."""
    return load_recipe("terrassin2024-mutmus-unet3plus").with_changes({"input": {"size_px": _SIZE}})


class _Known:
    """Says of the five patches what stands here."""

    maps = "made up"
    probabilities = np.array(
        [[0.7, 0.2, 0.1], [0.2, 0.5, 0.3], [0.8, 0.1, 0.1], [0.1, 0.1, 0.8], [0.3, 0.5, 0.2]], np.float64
    )

    def __init__(self, *, mapping=True):
        self.recipe, self._mapping = _patch_recipe(), mapping
        self.module = SimpleNamespace(parameters=lambda: [SimpleNamespace(numel=lambda: 9)])

    def __call__(self, patches, classes):
        maps = np.zeros((5, _SIZE, _SIZE), np.float32)
        maps[1, 8:18, 8:18] = 0.9
        maps[3, 2:3, 2:4] = 0.8  # two of the four pixels, and two beside them
        maps[3, 20:21, 2:4] = 0.8
        maps[4, 5:8, 10:14] = 0.9
        return SimpleNamespace(probabilities=self.probabilities, maps=maps if self._mapping else None)


@pytest.fixture(scope="session")
def patch_toys(write_patches):
    """Makes the store (folder), its recipe, and the network."""
    write_store = functools.partial(_write_store, write_patches)
    return SimpleNamespace(write_store=write_store, recipe=_patch_recipe, network=_Known, patients=_PATIENTS)
