"""A synthetic study: four views of one patient as DICOM files, and their exact truth."""

from __future__ import annotations

import re
from collections.abc import Sequence
from pathlib import Path

import cv2
import numpy as np
from numpy.typing import NDArray

from microcalc import __version__
from microcalc.errors import UsageError, WriteError
from microcalc.findings import Box
from microcalc.mammogram import SPACING_LIMITS_MM, Side
from microcalc.synthesis.acquisition import Acquisition, acquire
from microcalc.synthesis.calcification import Speck
from microcalc.synthesis.dicom import MANUFACTURER, StudyIdentity, write_image
from microcalc.synthesis.lesions import draw_group, draw_isolated
from microcalc.synthesis.outline import View
from microcalc.synthesis.phantom import Density, Phantom
from microcalc.synthesis.visibility import VISIBLE
from microcalc.truth import Ignored, ImageTruth, Polygon, TrueCalcification, TrueCluster, Truth

_SIDES: tuple[Side, ...] = ("L", "R")
_VIEWS: tuple[View, ...] = ("CC", "MLO")
_DENSITIES: tuple[Density, ...] = ("A", "B", "C", "D")
_DENSITY_ODDS = (0.1, 0.4, 0.4, 0.1)

#: Shortest side of the detector field, mm: smaller breasts cannot hold the group.
_LEAST_FIELD_MM = 20.0


def write_study(
    folder: Path,
    *,
    seed: int,
    normal: bool = False,
    patient: str = "synthetic-0001",
    density: Density | None = None,
    spacing_mm: float = 0.07,
    shape: tuple[int, int] = (3328, 2560),
) -> Truth:
    """Write L and R, CC and MLO of one synthetic patient into ``folder``, and ``truth.json`` beside them.

    Unless ``normal``, one breast holds a group of fine pleomorphic, malignant-looking specks and both hold a few
    isolated round benign ones; each is in both views of its breast at the same distance behind the nipple. Specks
    with a matched-filter SNR below ``VISIBLE`` are regions to ignore. Files are named like
    ``synthetic-0001_L_CC.dcm``; equal arguments give equal files.

    Args:
        folder: made where missing; files of the same names are replaced.
        seed: 0 or more.
        normal: no calcium at all, and the truth says so.
        patient: the patient ID: 1 to 64 letters, digits, dots, hyphens and underscores.
        density: ACR density; drawn from the seed where None.
        spacing_mm: pixel pitch.
        shape: (rows, columns); a field below 233 x 179 mm holds a smaller breast.

    Raises:
        UsageError: an argument outside these limits, or pixels too few for a speck that was drawn near the edge.
        WriteError: a file that cannot be written.
    """
    _check(seed, patient, spacing_mm, shape)
    rng = np.random.default_rng(seed)
    age, drawn = int(rng.integers(40, 75)), _DENSITIES[rng.choice(4, p=_DENSITY_ODDS)]
    phantoms: dict[Side, dict[View, Phantom]] = {
        side: {view: Phantom(view, side, seed, density or drawn, shape, spacing_mm) for view in _VIEWS}
        for side in _SIDES
    }
    specks: dict[Side, list[Speck]] = {side: [] for side in _SIDES}
    if not normal:
        specks = {side: draw_isolated(phantoms[side], rng) for side in _SIDES}
        affected = _SIDES[rng.integers(2)]
        specks[affected] += draw_group(phantoms[affected], rng)
    # A version draws its own pixels: it must not write them under another version's identifiers.
    key = f"{patient} {seed} {normal} {density} {spacing_mm} {shape} {__version__}"
    study = StudyIdentity(patient, age, key)
    try:
        folder.mkdir(parents=True, exist_ok=True)
        truth = Truth(
            root=".",
            images=tuple(
                _write_view(folder, phantoms[side][view], specks[side], study, instance)
                for instance, (view, side) in enumerate(((v, s) for v in _VIEWS for s in _SIDES), start=1)
            ),
        )
        (folder / "truth.json").write_text(truth.to_json(), encoding="utf-8")
    except OSError as error:
        raise WriteError(
            expected="a folder to write a study into",
            found=error.strerror or str(error),
            do="choose another",
            where=error.filename or folder,
        ) from error
    return truth


def _check(seed: int, patient: str, spacing_mm: float, shape: tuple[int, int]) -> None:
    if seed < 0:
        raise UsageError(expected="a seed of 0 or more", found=str(seed), do="choose another")
    if not re.fullmatch(r"[A-Za-z0-9._-]{1,64}", patient):
        raise UsageError(
            expected="a patient ID of 1 to 64 letters, digits, dots, hyphens and underscores",
            found=repr(patient),
            do="choose another",
        )
    low, high = SPACING_LIMITS_MM
    if not low <= spacing_mm <= high:
        raise UsageError(
            expected=f"a pixel pitch of {low} to {high} mm", found=f"{spacing_mm:g} mm", do="choose another"
        )
    if min(shape) * spacing_mm < _LEAST_FIELD_MM:
        raise UsageError(
            expected=f"a field of at least {_LEAST_FIELD_MM:g} mm",
            found=f"{shape[0]} x {shape[1]} pixels of {spacing_mm:g} mm",
            do="ask for more pixels",
        )


def _write_view(
    folder: Path, phantom: Phantom, specks: Sequence[Speck], study: StudyIdentity, instance: int
) -> ImageTruth:
    """Acquire and write one view; return what is known about it."""
    side, view, spacing = phantom.side, phantom.view, phantom.spacing_mm
    acquisition = acquire(phantom, specks)
    path = folder / f"{study.patient}_{side}_{view}.dcm"
    uid = write_image(path, acquisition.pixels, study, side, view, instance=instance, spacing_mm=spacing)
    calcifications, cluster, ignored = _truth(specks, acquisition, spacing)
    return ImageTruth(
        path=path.name,
        sop_instance_uid=uid,
        patient=study.patient,
        study=study.uid("study"),
        normal=not specks,
        side=side,
        view=view,
        rows=phantom.shape[0],
        columns=phantom.shape[1],
        spacing_mm=(spacing, spacing),
        density=phantom.density,
        age=study.age,
        vendor=MANUFACTURER,
        breast_area_cm2=round(int(acquisition.breast.sum()) * spacing**2 / 100, 3),
        calcifications=calcifications,
        clusters=cluster,
        ignore=ignored,
    )


def _truth(
    specks: Sequence[Speck], acquisition: Acquisition, spacing_mm: float
) -> tuple[tuple[TrueCalcification, ...], tuple[TrueCluster, ...], tuple[Ignored, ...]]:
    """What can be seen, the group it forms (the malignant ones, if any), and what cannot be seen."""
    known = list(zip(specks, acquisition.outlines, acquisition.snr, strict=True))
    visible = [(speck, outline, snr) for speck, outline, snr in known if snr >= VISIBLE]
    ignored = tuple(
        Ignored(bbox=_bbox(outline), polygon=_polygon(outline), reason=f"snr below {VISIBLE:g}")
        for _, outline, snr in known
        if snr < VISIBLE
    )
    marks = tuple(_mark(speck, outline, snr, spacing_mm) for speck, outline, snr in visible)
    members = tuple(i for i, mark in enumerate(marks) if mark.pathology == "malignant")
    if not members:
        return marks, (), ignored
    group = TrueCluster(
        bbox=_bbox(np.concatenate([visible[i][1] for i in members])),
        members=members,
        pathology="malignant",
        morphology=marks[members[0]].morphology,
        distribution="grouped",
    )
    return marks, (group,), ignored


def _mark(speck: Speck, outline: NDArray[np.float64], snr: float, spacing_mm: float) -> TrueCalcification:
    """A speck by its outline: centroid, and the diameter of the disc of equal area."""
    moments = cv2.moments(outline.astype(np.float32))
    area = moments["m00"]
    return TrueCalcification(
        x=round(moments["m10"] / area, 3),
        y=round(moments["m01"] / area, 3),
        diameter_mm=round(2 * (area / np.pi) ** 0.5 * spacing_mm, 4),
        polygon=_polygon(outline),
        pathology=speck.pathology,
        morphology=speck.morphology,
        snr=round(snr, 2),
    )


def _polygon(outline: NDArray[np.float64]) -> Polygon:
    """An (n, 2) outline to a thousandth of a pixel."""
    return tuple((round(x, 3), round(y, 3)) for x, y in outline.tolist())


def _bbox(points: NDArray[np.float64]) -> Box:
    """Outer edges of the pixels that (n, 2) x, y points touch."""
    (x0, y0), (x1, y1) = np.floor(points.min(0) + 0.5) - 0.5, np.ceil(points.max(0) - 0.5) + 0.5
    return float(x0), float(y0), float(x1), float(y1)
