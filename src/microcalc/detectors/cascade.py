"""Detectors out of model packages of the kind ``cascade``: candidates, their features, two machines in a row."""

from __future__ import annotations

import functools

import numpy as np
from numpy.typing import NDArray

from microcalc.candidates import Candidates, Propose
from microcalc.detectors.detector import Detector
from microcalc.detectors.of_package import detector_of
from microcalc.errors import UsageError
from microcalc.features import feature_matrix
from microcalc.models.cascade import WEIGHTS, Cascade
from microcalc.models.container import refused
from microcalc.models.package import Package
from microcalc.recipe import CascadeRecipe


def cascade_detector(package: Package) -> Detector:
    """The detector of a package.

    Raises:
        ReadError: a file of the package is damaged, its arrays are not those of a cascade, or its card names no
            proposer or no pixel pitch.
    """
    card = package.card
    proposer, spacing_mm = card.input.proposer, card.input.spacing_mm
    if proposer is None or spacing_mm == "native":
        raise refused(
            package.path,
            "a cascade with a proposer and a pixel pitch as its input",
            f"proposer {proposer and proposer.name}, spacing_mm {spacing_mm}",
        )
    return detector_of(package, functools.partial(propose, proposer.load(), _load(package)))


def propose(
    proposer: Propose, cascade: Cascade, image: NDArray[np.float32], breast: NDArray[np.bool_], spacing_mm: float
) -> Candidates:
    """The proposer's candidates, scored by the cascade, best first; further arguments as the proposer's."""
    found = proposer(image, breast, spacing_mm)
    scores = cascade.scores(feature_matrix(image, found.centres, cascade.families, cascade.haar))
    return Candidates(found.centres, found.diameters_mm, scores)[np.argsort(-scores, kind="stable")]


def _load(package: Package) -> Cascade:
    recipe, calibration = package.card.load_recipe(), package.card.calibration
    assert isinstance(recipe, CascadeRecipe)  # of the package's kind, as its card has been checked to be
    try:
        return Cascade.from_arrays(
            package.arrays(WEIGHTS),
            recipe.families,
            None if calibration is None else calibration.parameters,
        )
    except UsageError as error:
        raise refused(package.path, error.expected, error.found) from error
