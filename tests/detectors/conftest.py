"""A package of the kind ``cascade`` that has learnt something: specks from noise."""

from dataclasses import dataclass

import numpy as np
import pytest
from PIL import Image
from safetensors.numpy import save
from scipy import ndimage
from sklearn.svm import SVC

from microcalc.evaluation.calibration import Platt
from microcalc.features import feature_matrix
from microcalc.findings import OperatingPoint
from microcalc.mammogram import Mammogram
from microcalc.models import Calibration, Card, Input, Training, write_package
from microcalc.models.cascade import WEIGHTS, Cascade, RbfSvm, stored
from microcalc.recipe import Proposer, load_recipe

RECIPE = load_recipe("cortina2022-cascade")
#: Proposes noise too.
LAX = Proposer(name="morphology", parameters={"first_quantile": 0.8, "second_quantile": 0.4})


@pytest.fixture(scope="session")
def specks():
    """Image (rows, columns) of an even breast with noise and specks, its mask, and their centres (N, 2) x, y."""
    rng = np.random.default_rng(0)
    y, x = np.mgrid[:400, :300]
    breast = (x / 280) ** 2 + ((y - 200) / 190) ** 2 < 1
    image = 0.4 + 0.02 * ndimage.gaussian_filter(rng.standard_normal(breast.shape), 1)
    centres = np.stack([rng.integers(20, 190, 40), rng.integers(90, 310, 40)], axis=1).astype(float)
    for centre, peak in zip(centres, rng.uniform(0.02, 0.2, len(centres)), strict=True):
        image += peak * np.exp(-((x - centre[0]) ** 2 + (y - centre[1]) ** 2) / 6)
    return np.where(breast, image, 0).astype(np.float32), breast, centres


@pytest.fixture
def specks_png(specks, tmp_path):
    """The same as a file; it states no pixel pitch."""
    path = tmp_path / "specks.png"
    Image.fromarray(np.rint(specks[0] * 65535).astype(np.uint16)).save(path)
    return path


@pytest.fixture
def look_for_dots():
    """Detect on 12 dots in a left or right breast; how far the next mark is from each, pixels (12,)."""
    y, x = np.mgrid[:500, :400]
    image = 0.4 * np.clip(5 - 5 * ((x / 380) ** 2 + ((y - 250) / 240) ** 2), 0, 1)
    image += 0.004 * np.random.default_rng(0).standard_normal(image.shape)
    dots = np.stack(np.meshgrid([60, 130, 200], [130, 210, 290, 370]), axis=-1).reshape(-1, 2)
    for dot in dots:
        image += 0.2 * np.exp(-((x - dot[0]) ** 2 + (y - dot[1]) ** 2) / 6)

    def look(detector, side):
        pixels = np.clip(image[:, ::-1] if side == "R" else image, 0, 1).astype(np.float32)
        mammogram = Mammogram(pixels, spacing_mm=(0.07, 0.07), spacing_source="user", side=side, view="CC")
        findings = detector.detect(mammogram, detector.operating_point()).findings
        marks = np.array([(mark.x, mark.y) for mark in findings.calcifications])
        own = np.where([True, False], 399 - dots, dots) if side == "R" else dots
        return np.hypot(*(marks - own[:, None]).transpose(2, 0, 1)).min(axis=1)

    return look


@dataclass(frozen=True)
class Witness:
    """A cascade as scikit-learn has fitted it."""

    first: SVC
    threshold: float
    second: SVC
    #: What features are brought to 0..1 by.
    offset: np.ndarray
    scale: np.ndarray
    families: tuple = RECIPE.families
    haar: tuple = (0, 900, 28_000)

    def machine(self, fitted):
        return RbfSvm(
            support=stored(fitted.support_vectors_),
            coefficients=fitted.dual_coef_[0],
            intercept=float(fitted.intercept_[0]),
            gamma=fitted.gamma,
            offset=self.offset,
            scale=self.scale,
        )

    def arrays(self):
        machines = self.machine(self.first), self.machine(self.second)
        return Cascade(machines[0], self.threshold, machines[1], None, self.families, np.array(self.haar)).to_arrays()


@pytest.fixture(scope="session")
def witness(specks):
    image, _, centres = specks
    others = np.random.default_rng(1).uniform((20, 90), (190, 310), (160, 2))
    features = feature_matrix(image, np.concatenate([centres, others]), Witness.families, np.array(Witness.haar))
    labels = np.repeat([True, False], [len(centres), len(others)])
    offset, scale = features.min(axis=0).astype(float), np.ptp(features, axis=0).astype(float)
    scale[scale == 0] = 1
    first, second = (SVC(C=c, gamma=0.05).fit((features - offset) / scale, labels) for c in (1, 10))
    return Witness(first, -0.9, second, offset, scale)


@pytest.fixture(scope="session")
def card():
    return Card(
        name="speck-cascade",
        version="3",
        kind="cascade",
        title="Specks on noise",
        intended_use="Tests.",
        limitations="All.",
        malignancy=None,
        licence="Apache-2.0",
        citation="None.",
        input=Input(spacing_mm=0.07, proposer=LAX),
        labels=("calcification",),
        score_floor=0.001,
        operating_points=(OperatingPoint("balanced", 0.3, "2 here"), OperatingPoint("specific", 0.6, "none here")),
        default_operating_point="balanced",
        calibrated=True,
        calibration=Calibration(
            method="platt", population="specks on noise", parameters=Platt(slope=8.0, intercept=-6.0)
        ),
        metrics=(),
        training=Training(
            data="noise",
            terms="none",
            images=1,
            patients=1,
            coarsest_spacing_mm=0.1,
            seed=0,
            seconds=1.0,
            made_with={"numpy": "2"},
        ),
        recipe=RECIPE.as_written(),
    )


@pytest.fixture
def package(card, witness, tmp_path):
    """In a folder of its own: ``package.path``."""
    return write_package(tmp_path / "package", card, {WEIGHTS: save(witness.arrays())})
