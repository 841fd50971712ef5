"""Little images with truth, and what proposers do on images, made by hand."""

import numpy as np
import pytest
from PIL import Image

from microcalc.benchmark.records import Outcome, ProposedImage
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
