"""A network that looks for brightness, in a package, and a breast with a bright blob to look at."""

from types import SimpleNamespace

import numpy as np
import pytest
import torch
from PIL import Image
from safetensors.torch import save

from microcalc.evaluation.calibration import Platt
from microcalc.findings import OperatingPoint
from microcalc.models import Calibration, Card, Input, Training, write_package
from microcalc.models.card import CalibrationBin
from microcalc.models.networks import build
from microcalc.recipe import PatchClassifierRecipe

#: Centre of the blob: x, y.
BLOB = (90, 210)

RECIPE = {
    "name": "toy2026-bright",
    "kind": "patch-classifier",
    "paper": None,
    "title": "Looks for brightness",
    "seed": 0,
    "spacing_mm": "native",
    "notes": [],
    "patches": {
        "protocol": "cortina16",
        "classes": [{"name": "dark", "labels": ["normal"]}, {"name": "bright", "labels": ["calcification"]}],
        "targets": [{"name": "brightness", "classes": ["bright"]}],
    },
    "input": {"size_px": 32, "normalisation": "none"},
    "network": {"name": "scalable_resnet", "start": "random", "channels": 1, "stages": 2},
    "fitting": {
        "loss": {"kind": "cross-entropy"},
        "optimiser": {"kind": "adam", "learning_rate": 0.001},
        "batch": 4,
        "stopping": {"epochs": 1, "keep": "last"},
    },
    "calibration": "platt",
    "operating_points": {"balanced": {"rule": "youden"}},
    "default_operating_point": "balanced",
}


@pytest.fixture(autouse=True)
def _one_thread():
    torch.set_num_threads(1)


def bright_network(recipe):
    """One channel that hands brightness on to the last layer, where it speaks for ``bright`` and for nothing else."""
    module = build(recipe.network, recipe.outputs)
    with torch.no_grad():
        for parameter in module.parameters():
            parameter.zero_()
        for name, layer in module.named_modules():
            if isinstance(layer, torch.nn.BatchNorm2d):
                layer.weight.fill_(1.0)  # of means 0 and variances 1: they leave what they are given
            if name == "conv1":
                layer.weight[0, 0, 1, 1] = 1.0
            if name.endswith("downsample.0"):
                layer.weight[0, 0, 0, 0] = 1.0
        module.fc.weight[1, 0] = 5.0
        module.fc.bias[1] = -2.0
    return module


def make_package(folder, *, calibrated=True, spacing_mm="native", coarsest_mm=0.1, **changes):
    recipe = PatchClassifierRecipe.model_validate(RECIPE | {"spacing_mm": spacing_mm} | changes)
    bins = (
        CalibrationBin(low=0.0, high=0.5, positives=1, count=20),
        CalibrationBin(low=0.5, high=1.0, positives=18, count=20),
    )
    calibration = Calibration(
        method="platt",
        population="patches of a toy data set",
        parameters=Platt(slope=4.0, intercept=-2.0),
        bins=bins,
    )
    card = Card(
        name=recipe.name,
        version="1",
        kind=recipe.kind,
        title=recipe.title,
        intended_use="Tests.",
        limitations="All.",
        malignancy=None,
        licence="Apache-2.0",
        citation="None.",
        input=Input(spacing_mm=recipe.spacing_mm, proposer=None, patch=recipe.input, network=recipe.network),
        labels=("bright",),
        score_floor=0.0,
        operating_points=(
            OperatingPoint("balanced", 0.5, "1 of 20 on validation"),
            OperatingPoint("specific", 0.999, "none of 20 on validation"),
        ),
        default_operating_point="balanced",
        calibrated=calibrated,
        calibration=calibration if calibrated else None,
        metrics=(),
        training=Training(
            data="nothing",
            terms="none",
            images=1,
            patients=1,
            coarsest_spacing_mm=coarsest_mm,
            seed=0,
            seconds=0.0,
            made_with={"torch": "2"},
        ),
        recipe=recipe.as_written(),
    )
    return write_package(folder, card, {"weights.safetensors": save(bright_network(recipe).state_dict())})


def draw_breast(path, shape=(400, 300), blob=BLOB, side="L"):
    """Write a 16-bit PNG: a dim half ellipse with faint noise, at the left edge or (R) the right, and a blob on it."""
    rows, columns = shape
    y, x = np.mgrid[:rows, :columns]
    inside = ((x if side == "L" else columns - 1 - x) / (0.8 * columns)) ** 2 + (
        (y - rows / 2) / (0.45 * rows)
    ) ** 2 < 1
    grey = 0.3 + 0.01 * np.random.default_rng(0).standard_normal(shape)
    grey += 0.6 * np.exp(-((x - blob[0]) ** 2 + (y - blob[1]) ** 2) / (2 * 2.5**2))
    Image.fromarray(np.where(inside, grey * 65535, 0).clip(0, 65535).astype(np.uint16)).save(path)
    return path


@pytest.fixture(scope="session")
def toy():
    """The functions above, and the blob's centre."""
    return SimpleNamespace(package=make_package, draw=draw_breast, blob=BLOB)


@pytest.fixture(scope="session")
def package(tmp_path_factory):
    """Path of a package that looks for brightness on native patches of 32 px."""
    return make_package(tmp_path_factory.mktemp("package")).path


@pytest.fixture(scope="session")
def breast(tmp_path_factory):
    """An image of a left breast with a blob; it states no pixel pitch."""
    return draw_breast(tmp_path_factory.mktemp("image") / "toy_L_CC.png")
