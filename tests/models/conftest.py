"""A small package, made anew for each test."""

import numpy as np
import pytest
from safetensors.numpy import save

from microcalc.evaluation.calibration import Isotonic
from microcalc.findings import OperatingPoint
from microcalc.models import Calibration, Card, Input, Metric, Training, write_package
from microcalc.recipe import load_recipe


@pytest.fixture(scope="session")
def card():
    """Without its list of files."""
    recipe = load_recipe("cortina2022-cascade")
    return Card(
        name="cortina2022-cascade",
        version="1",
        kind="cascade",
        title="Morphology candidates, two machines",
        intended_use="Research on synthetic mammograms.\n\nNot a medical device.",
        limitations="Trained on phantoms of one generator, and never measured on patients with known findings: " * 2
        + ".",
        malignancy=None,
        licence="Apache-2.0",
        citation="Cortina Uribe, Seia, Zalevskyi: Calcification detection in mammograms (2022)",
        input=Input(spacing_mm=0.07, proposer=recipe.proposer),
        labels=("calcification",),
        score_floor=0.01,
        operating_points=(
            OperatingPoint("sensitive", 0.1, "10 per normal image on validation"),
            OperatingPoint("balanced", 0.5, "2 per normal image on validation"),
        ),
        default_operating_point="balanced",
        calibrated=True,
        calibration=Calibration(
            method="isotonic",
            population="validation part of bench:v1-small",
            parameters=Isotonic(scores=(0.0, 0.5, 1.0), probabilities=(0.0, 0.1, 0.9)),
        ),
        metrics=(
            Metric(
                measure="AUC50",
                value=0.61,
                low=0.5,
                high=0.7,
                data="bench:v1-small",
                split="test",
                n=120,
                level="calcification",
                rule="disc14",
            ),
            Metric(
                measure="AUC50, SNR 0 to 3",
                value=None,
                low=None,
                high=None,
                data="bench:v1-small",
                split="test",
                n=0,
                level="calcification",
                rule="disc14",
                remark="no such lesion",
            ),
        ),
        training=Training(
            data="bench:v1-small",
            terms="made by microcalc; none",
            images=40,
            patients=10,
            coarsest_spacing_mm=0.1,
            seed=0,
            seconds=1e-5,
            made_with={"numpy": "2.4", "scikit-learn": "1.10"},
        ),
        recipe=recipe.as_written(),
    )


@pytest.fixture
def arrays():
    rng = np.random.default_rng(0)
    return {"support": rng.random((5, 3)).astype(np.float32), "threshold": np.array(0.5)}


@pytest.fixture
def package(card, arrays, tmp_path):
    """In a folder of its own: ``package.path``."""
    return write_package(tmp_path / "package", card, {"weights.safetensors": save(arrays), "plateau.csv": b"1,2\n"})


@pytest.fixture(scope="session")
def classifier_card(card):
    """Of the smallest network, for patches of 16 px; without its list of files."""
    recipe = load_recipe("microcalc-resnet16")
    changes = {
        "name": recipe.name,
        "kind": recipe.kind,
        "recipe": recipe.as_written(),
        "input": {
            "spacing_mm": recipe.spacing_mm,
            "proposer": None,
            "patch": recipe.input.model_dump(),
            "network": recipe.network.model_dump(),
        },
    }
    return Card.model_validate(card.model_dump() | changes)


@pytest.fixture(scope="session")
def settled():
    """Network, recipe's outputs, px -> a network of random weights whose outputs differ from patch to patch.

    A deep one that has never seen a batch hardly lets anything through: its batch norms first have to see some patches.
    """
    import torch
    from torch import nn

    from microcalc.models.networks import build

    def make(network, outputs, px):
        torch.manual_seed(0)
        module = build(network, outputs).eval()
        for layer in module.modules():
            if isinstance(layer, nn.BatchNorm2d):
                layer.train().momentum = None  # the plain average of what is seen
        with torch.no_grad():
            module(torch.rand(16, network.channels, px, px))
        return module.eval()

    before = torch.get_num_threads()
    torch.set_num_threads(1)
    yield make
    torch.set_num_threads(before)


@pytest.fixture(scope="session")
def module(classifier_card, settled):
    """The network of ``classifier_package``."""
    return settled(classifier_card.input.network, 1, 16)


@pytest.fixture(scope="session")
def classifier_package(classifier_card, module, tmp_path_factory):
    """To be read, not changed."""
    from microcalc.models.network_files import write_network_package

    return write_network_package(tmp_path_factory.mktemp("classifier") / "package", classifier_card, module)
