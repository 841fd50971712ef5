"""Checkpoints that others have published, made into model packages."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from pathlib import Path

import torch
from safetensors.torch import save

from microcalc.errors import ReadError, check_known
from microcalc.evaluation.tables import published, worth
from microcalc.findings import OperatingPoint
from microcalc.mammogram import TYPICAL_SPACING_MM
from microcalc.models import Card, Metric, Package, Training, write_package
from microcalc.models.card import Input
from microcalc.models.network_files import write_network_package
from microcalc.models.network_package import WEIGHTS
from microcalc.models.networks import NETWORKS, build
from microcalc.models.state_dicts import StateDict, completed, differences, in_words, read_state_dict
from microcalc.provenance import package_version
from microcalc.recipe import PatchClassifierRecipe, load_recipe


@dataclass(frozen=True)
class Checkpoint:
    """What is known of a published checkpoint; the rest is in the recipe of the same name."""

    #: The recipe's classes in the order of the file's outputs.
    outputs: tuple[str, ...]
    #: The operating point that the paper reports.
    point: OperatingPoint
    #: Name of the rows in :mod:`microcalc.evaluation.tables` that the paper prints of it.
    row: str
    data: str
    terms: str
    licence: str
    citation: str
    limitations: str


CHECKPOINTS: dict[str, Checkpoint] = {
    "mracko2024-resnet101": Checkpoint(
        outputs=("cluster", "no cluster"),
        point=OperatingPoint(
            "paper",
            0.5,
            "the likelier class; printed for the authors' validation patches: sensitivity 0.946, specificity 0.991",
        ),
        row="ResNet-101, best model",
        data="29,942 patches of CBIS-DDSM and OMI-DB, turned copies among them",
        terms="those of CBIS-DDSM (CC BY 3.0) and OMI-DB (by agreement with its provider)",
        licence="MIT, with a duty to cite, as stated beside the published weights",
        citation="Mračko, Cimrák, Vanovčanová: Detection of Suspicious Microcalcification Clusters in Mammography: A "
        "Patch Classification Approach, 2024; weights: Cimrák, Microcalc-Detect, github.com/icimrak/Microcalc-Detect",
        limitations="It judges patches of 674 px at the pixels of their source, and tells suspicious clusters from all "
        "else: single calcifications, vascular and macrocalcifications are negatives. It is not calibrated: its score "
        "is a score and no probability. Not known of its training: how many images and patients, their pixel pitch "
        "(0.07 mm was taken), the seed, how long it took, and whether the published weights are those of the best "
        "model, with on-line augmentation, to which the printed numbers belong.",
    )
}

_INTENDED_USE = (
    "Research: a second opinion on spots that a reader has found. Not a medical device: no use in care of patients."
)
_NOT_MEASURED = "as printed, not measured by microcalc"
_MADE_WITH = ("microcalc", "torch", "torchvision", "onnx", "onnxruntime", "safetensors")


def import_checkpoint(name: str, path: Path, out: Path, *, onnx: bool = True) -> Package:
    """Make a model package of a published checkpoint.

    Its outputs are brought into the order of the recipe's classes, so that the package is read as any other.

    Args:
        name: of ``CHECKPOINTS``, and of the recipe that the checkpoint was trained by.
        path: the file, as :func:`~microcalc.models.state_dicts.read_state_dict` reads it.
        out: folder for the package.
        onnx: write the network for ONNX Runtime too, once its outputs have been found to be torch's.

    Raises:
        UsageError: no such checkpoint is known, or the folder holds other files.
        ReadError: the file is damaged, or a tensor's name, shape, type or value is not as it should be.
    """
    check_known("published checkpoint", name, CHECKPOINTS)
    known, recipe = CHECKPOINTS[name], load_recipe(name)
    assert isinstance(recipe, PatchClassifierRecipe)
    state, notes = read_state_dict(path)
    with torch.device("meta"):
        module = build(recipe.network, recipe.outputs, recipe.input)
    _check(state, module.state_dict(), recipe, path)
    state = completed(state, module.state_dict())
    _reorder(state, recipe, known)
    module.load_state_dict(state, assign=True)
    card = _card(recipe, known, ("Converted from " + _sha256(path), *notes))
    if onnx:
        return write_network_package(out, card, module)
    return write_package(out, card, {WEIGHTS: save(state)})


def _check(state: StateDict, wanted: StateDict, recipe: PatchClassifierRecipe, path: Path) -> None:
    if wrong := differences(state, wanted):
        raise ReadError(
            expected=f"the checkpoint of {recipe.name}: {recipe.network.name} with {recipe.outputs} outputs",
            found=in_words(wrong),
            do="check that it is the published file",
            where=path,
        )


def _reorder(state: StateDict, recipe: PatchClassifierRecipe, known: Checkpoint) -> None:
    """Bring the rows of the head, one an output, into the order of the recipe's classes."""
    order = [known.outputs.index(one.name) for one in recipe.patches.classes]
    head = NETWORKS[recipe.network.name].head
    for name in (f"{head}.weight", f"{head}.bias"):
        state[name] = state[name][order].clone()


def _card(recipe: PatchClassifierRecipe, known: Checkpoint, conversion: tuple[str, ...]) -> Card:
    order = ", ".join(known.outputs)
    return Card(
        name=recipe.name,
        version="published",
        kind=recipe.kind,
        title=recipe.title,
        intended_use=_INTENDED_USE,
        limitations=f"{known.limitations} {'; '.join(conversion)}; its outputs, in the file {order}, were reordered.",
        malignancy=None,
        licence=known.licence,
        citation=known.citation,
        input=Input(spacing_mm=recipe.spacing_mm, proposer=None, patch=recipe.input, network=recipe.network),
        labels=tuple(one.name for one in recipe.patches.classes),
        score_floor=0.0,
        operating_points=(known.point,),
        default_operating_point=known.point.name,
        calibrated=False,
        calibration=None,
        metrics=tuple(_printed(recipe, known)),
        training=Training(
            data=known.data,
            terms=known.terms,
            images=None,
            patients=None,
            coarsest_spacing_mm=TYPICAL_SPACING_MM[0],
            seed=None,
            seconds=None,
            made_with={package: version for package in _MADE_WITH if (version := package_version(package))},
        ),
        recipe=recipe.as_written(),
    )


def _printed(recipe: PatchClassifierRecipe, known: Checkpoint) -> list[Metric]:
    """The paper's own numbers."""
    return [
        Metric(
            measure=row.measure,
            value=row.value,
            low=None,
            high=None,
            data=row.data,
            split=row.split if row.split in ("train", "validation", "test") else None,
            n=row.n,
            level="patch",
            rule=None,
            remark=f"{_NOT_MEASURED}. {worth(row)}",
        )
        for row in published(level="patch")
        if row.paper == recipe.paper and row.name == known.row
    ]


def _sha256(path: Path) -> str:
    with path.open("rb") as file:
        return f"the file of SHA-256 {hashlib.file_digest(file, 'sha256').hexdigest()}"
