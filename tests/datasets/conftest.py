"""Little data sets to read: drawn pictures in the layouts of the public sets."""

import dataclasses

import numpy as np
import pytest

from microcalc.synthesis.device import draw_device
from microcalc.synthesis.dicom import StudyIdentity
from microcalc.synthesis.layouts import LAYOUTS
from microcalc.synthesis.study import Picture
from microcalc.truth import ImageTruth, TrueCalcification, TrueCluster

SHAPE, SPACING = (300, 200), 0.07
DEVICE = dataclasses.replace(
    draw_device(np.random.default_rng(0), name="direct-70", spacing_mm=SPACING, shape=SHAPE), bits=12, inverted=False
)
#: Centres (x, y) of 3 x 3 px specks: five of a cluster.
CLUSTER = ((100, 80), (110, 80), (120, 90), (100, 100), (112, 102))
#: Centres and half widths of benign ones of their own: 9 px are 0.63 mm, 21 px 1.47 mm.
SINGLES = ((40, 200, 4.5), (130, 230, 10.5), (60, 250, 1.5))


def _speck(x, y, half, pathology, morphology):
    corners = ((x - half, y - half), (x + half, y - half), (x + half, y + half), (x - half, y + half))
    diameter = 2 * half * SPACING * 2 / np.sqrt(np.pi)
    return TrueCalcification(
        x=x, y=y, diameter_mm=diameter, polygon=corners, pathology=pathology, morphology=morphology, snr=7.0
    )


def _truth(side, view, normal):
    known = {"path": "", "side": side, "view": view, "age": 51, "density": "C", "normal": normal}
    known |= {"rows": SHAPE[0], "columns": SHAPE[1], "spacing_mm": (SPACING, SPACING)}
    if normal:
        return ImageTruth(**known)
    marks = [_speck(x, y, 1.5, "malignant", "fine pleomorphic") for x, y in CLUSTER]
    group = TrueCluster(
        bbox=(98.5, 78.5, 121.5, 103.5),
        members=tuple(range(len(marks))),
        pathology="malignant",
        morphology="fine pleomorphic",
        distribution="grouped",
    )
    marks += [_speck(*single, "benign", "round") for single in SINGLES]
    return ImageTruth(calcifications=marks, clusters=(group,), **known)


def draw(side="L", view="CC", *, number=1, normal=False, device=DEVICE):
    """A picture of patient ``number`` to be laid out: grey, with bright squares for calcifications."""
    pixels = np.full(SHAPE, 1000, np.uint16)
    truth = _truth(side, view, normal)
    for mark in truth.calcifications:
        (x0, y0), _, (x1, y1), _ = mark.polygon
        pixels[round(y0 + 0.5) : round(y1 + 0.5), round(x0 + 0.5) : round(x1 + 0.5)] = 3500
    patient, study = f"p{number}", f"1.2.{number}"
    return Picture(
        pixels=device.store(pixels),
        truth=truth.model_copy(update={"patient": patient, "study": study}),
        device=device,
        identity=StudyIdentity(patient, 51, patient),
        number=number,
        instance=1 + ("L", "R").index(side) + 2 * ("CC", "MLO").index(view),
    )


@pytest.fixture(scope="session")
def lay_out():
    """Lays out two patients, 1 with calcifications in the left breast, 2 without any; gives the truth by path."""

    def write(root, name):
        layout = LAYOUTS[name]
        views = [(side, view) for view in ("CC", "MLO") if view in layout.views for side in "LR"]
        pictures = [draw(*of, number=n, normal=n == 2 or of[0] == "R") for n in (1, 2) for of in views]
        truths = [layout.write(root, picture) for picture in pictures]
        layout.finish(root, truths)
        return {truth.path: truth for truth in truths}

    return write
