"""The job behind ``microcalc explain``: an image, a spot on it and a package in, a second opinion out."""

from __future__ import annotations

import time
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from os import PathLike
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

import microcalc
from microcalc.errors import UsageError
from microcalc.explain.li import binarise
from microcalc.explain.opinion import give_opinion
from microcalc.explain.peak import peak
from microcalc.explain.records import Evidence, Explanation, ImageFacts, Map, Method, Model, PatchPlace, Role
from microcalc.explain.spot import Point, Spot, find_spot
from microcalc.findings import RunInfo
from microcalc.mammogram import Mammogram
from microcalc.models import PACKAGES, Package, load_package
from microcalc.models.extras import needs
from microcalc.models.network_package import NetworkCard, network_card
from microcalc.models.normalise import prepare
from microcalc.models.patch_classifier import load_patch_classifier

#: Of the packages that can be explained.
KIND = "patch-classifier"
_HOW_TO_GET_ONE = "train one (microcalc train RECIPE) or import one (microcalc models import)"

Maps = Mapping[Role, NDArray[np.float32]]


@dataclass(frozen=True, eq=False)
class Explained:
    """An explanation, and what it is drawn from."""

    explanation: Explanation
    spot: Spot
    #: (side, side) in 0..1 of the patch each, of the likeliest class of the question, and of the others.
    maps: Maps


def explain(
    image: str | PathLike[str],
    at: Point,
    *,
    model: str | PathLike[str] | None = None,
    method: Method = "gradcam",
    layer: str | None = None,
    pitch_mm: float | None = None,
) -> Explained:
    """What a patch classifier says of a spot on a mammogram, and where it sees it.

    Args:
        image: DICOM, PNG, JPEG, TIFF or PGM file.
        at: x, y of the spot in pixels of the image, centres at integers.
        model: name or path of a package of the kind ``patch-classifier``; None: the first that comes with microcalc.
        method: ``gradcam`` or ``gradcam++``.
        layer: whose feature maps are shown, by its name in torch; None: that of the last ones.
        pitch_mm: pixel pitch of an image whose file states none.

    Raises:
        UsageError: no such package, method or layer, a package of another kind, a spot off the image or off the
            breast, or torch is missing.
        ReadError: the image or the package cannot be read.
        MicrocalcError: no breast is on the image, or it is smaller than a patch.
    """
    started, begun = time.perf_counter(), datetime.now(UTC)
    package, card = patch_package(model)
    stated = package.card.input.spacing_mm
    working_mm = None if stated == "native" else stated
    spot = find_spot(Path(image), at, card.patch.cut_px, working_mm, pitch_mm)
    score, classes = _scored(package, spot)
    opinion = give_opinion(package.card, score, classes, spot.mammogram.spacing_mm, working_mm)
    evidence, maps = _evidence(package, card, spot, classes, method, layer)
    explanation = Explanation(
        image=image_facts(spot.patch.image, spot.mammogram),
        at=at,
        patch=_place(spot, card),
        model=model_facts(package, card),
        opinion=opinion,
        evidence=evidence,
        doubts=(*spot.mammogram.warnings, *spot.breast.warnings),
        notes=spot.mammogram.notes,
        run=RunInfo(
            microcalc=microcalc.__version__,
            device="cpu",
            started=begun.isoformat(timespec="seconds"),
            seconds=round(time.perf_counter() - started, 2),
        ),
    )
    return Explained(explanation, spot, maps)


def patch_package(model: str | PathLike[str] | None) -> tuple[Package, NetworkCard]:
    """A package that can be explained; None: the first that comes with microcalc.

    Raises:
        UsageError: no such package, or one of another kind.
        ReadError: it cannot be read.
    """
    ours = [name for name, kind in PACKAGES.items() if kind == KIND]
    expected = f"a model package of the kind {KIND}: {', '.join(ours) or 'none comes with this version'}"
    if model is None and not ours:
        raise UsageError(expected=expected, found="no --model", do=f"{_HOW_TO_GET_ONE}, and name it with --model")
    package = load_package(ours[0] if model is None else model)
    if package.card.kind != KIND:
        raise UsageError(
            expected=expected,
            found=f"{package.card.name}, of the kind {package.card.kind}, which judges whole mammograms",
            do=_HOW_TO_GET_ONE,
        )
    return package, network_card(package)


def _scored(package: Package, spot: Spot) -> tuple[float, dict[str, float]]:
    """The score, and the probability of each class."""
    # In torch, as the maps are: the score of the very network that they explain.
    classifier = load_patch_classifier(package, runtime="torch", device="cpu")
    names = [one.name for one in classifier.classes]
    (score,), (shares,) = classifier.scores(spot.pixels[None]), classifier.probabilities(spot.pixels[None])
    return float(score), dict(zip(names, shares.tolist(), strict=True))


def _evidence(
    package: Package,
    card: NetworkCard,
    spot: Spot,
    classes: Mapping[str, float],
    method: Method,
    layer: str | None,
) -> tuple[Evidence, Maps]:
    """The maps, in numbers and as they are, of the likeliest class of the question and the likeliest other one."""
    with needs("train", "torch", "torchvision", "timm"):
        from microcalc.explain.gradcam import gradcam, on_patch
        from microcalc.models.networks import cam_layer
        from microcalc.models.torch_network import load_torch

        module = load_torch(package)
    layer = layer or cam_layer(card.network)
    batch = prepare(spot.pixels[None], card.patch, card.network.channels)
    names, asked = list(classes), card.recipe.patches.targets[0].classes
    likeliest: dict[Role, str] = {
        "for": max((name for name in names if name in asked), key=classes.__getitem__),
        "against": max((name for name in names if name not in asked), key=classes.__getitem__),
    }
    maps = {
        role: on_patch(gradcam(module, layer, batch, names.index(name), method)[0], card.patch)
        for role, name in likeliest.items()
    }
    first, second = (_facts(spot, role, name, maps[role]) for role, name in likeliest.items())
    return Evidence(method=method, layer=layer, maps=(first, second)), maps


def _facts(spot: Spot, role: Role, class_name: str, values: NDArray[np.float32]) -> Map:
    highest = peak(values)
    return Map(
        role=role,
        class_name=class_name,
        peak=None if highest is None else spot.to_original(highest, len(values)),
        standing_out=float(binarise(values).mean()),
    )


def image_facts(name: str, mammogram: Mammogram) -> ImageFacts:
    """What a record says of an image, which its file is called like."""
    return ImageFacts(
        name=name,
        sop_instance_uid=mammogram.sop_instance_uid,
        rows=mammogram.shape[0],
        columns=mammogram.shape[1],
        spacing_mm=mammogram.spacing_mm,
        spacing_source=mammogram.spacing_source,
    )


def _place(spot: Spot, card: NetworkCard) -> PatchPlace:
    return PatchPlace(
        bbox=spot.patch.box,
        size_px=card.patch.cut_px,
        network_px=card.patch.network_px,
        spacing_mm=spot.ground.frame.spacing_mm,
    )


def model_facts(package: Package, card: NetworkCard) -> Model:
    """What a record says of the package that was asked."""
    target = card.recipe.patches.targets[0]
    return Model(
        name=package.card.name,
        version=package.card.version,
        package_sha256=package.sha256,
        network=card.network.name,
        question=target.name,
        classes=target.classes,
    )
