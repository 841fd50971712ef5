"""A synthetic study: four views of one patient that agree with each other, as finished pictures with their truth."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from typing import get_args

import numpy as np
from numpy.typing import NDArray

from microcalc.mammogram import SPACING_LIMITS_MM, Side
from microcalc.synthesis.acquisition import acquire, measure_snr, reference_attenuation
from microcalc.synthesis.annotation import Annotation, Sight, annotate, too_faint
from microcalc.synthesis.calcification import Morphology, Shadow, Speck, cast_shadow, place_px
from microcalc.synthesis.confusers import draw_confusers
from microcalc.synthesis.device import DEVICES, Device, draw_device
from microcalc.synthesis.dicom import MANUFACTURER, StudyIdentity
from microcalc.synthesis.lesions import Difficulty, Lesion, draw_lesions
from microcalc.synthesis.outline import View
from microcalc.synthesis.phantom import Density, Phantom, Tissue
from microcalc.synthesis.plans import check, key_of
from microcalc.truth import ImageTruth, Split

#: Raised whenever the same plan comes to draw other pixels: those must not go out under the earlier ones' identifiers.
_GENERATION = 1

SIDES: tuple[Side, ...] = get_args(Side)
VIEWS: tuple[View, ...] = get_args(View)
_DENSITIES: tuple[Density, ...] = get_args(Density)
#: Ages of screening, years, first and last.
_AGES = (40, 74)
#: Odds that both breasts hold calcium, where any does.
_BOTH_BREASTS = 2 / 3

#: Shortest side of the detector field, mm: smaller breasts cannot hold a group.
_LEAST_FIELD_MM = 20.0


@dataclass(frozen=True)
class StudyPlan:
    """One synthetic patient to draw; equal plans give equal studies.

    Raises:
        UsageError: values that make no study.
    """

    #: The patient ID: 1 to 64 letters, digits, dots, hyphens and underscores.
    patient: str
    #: Of the study in its set, from 1.
    number: int
    #: 0 or more.
    seed: int
    #: No calcium at all, and the truth says so.
    normal: bool = False
    split: Split | None = None
    difficulty: Difficulty = field(default_factory=Difficulty)
    #: What the first breast with calcium holds for sure; the rest is drawn.
    morphologies: tuple[Morphology, ...] = ()
    #: One of ``DEVICES``; None: drawn.
    device: str | None = None
    #: ACR density; None: drawn.
    density: Density | None = None
    #: Pixel pitch, mm; None: the device's own.
    spacing_mm: float | None = None
    #: (rows, columns) of the detector; a field below 233 x 179 mm holds a smaller breast. None: the device's own.
    shape: tuple[int, int] | None = None

    def __post_init__(self) -> None:
        low, high = SPACING_LIMITS_MM
        check(
            re.fullmatch(r"[A-Za-z0-9._-]{1,64}", self.patient) is not None,
            "a patient ID of 1 to 64 letters, digits, dots, hyphens and underscores",
            repr(self.patient),
        )
        check(self.number >= 1, "a study number of 1 or more", str(self.number))
        check(self.seed >= 0, "a seed of 0 or more", str(self.seed))
        check(
            self.device is None or self.device in DEVICES,
            f"an imaging unit out of {', '.join(DEVICES)}",
            repr(self.device),
        )
        check(
            self.density is None or self.density in _DENSITIES,
            f"a density out of {', '.join(_DENSITIES)}",
            repr(self.density),
        )
        if self.spacing_mm is not None:
            check(low <= self.spacing_mm <= high, f"a pixel pitch of {low} to {high} mm", f"{self.spacing_mm:g} mm")


@dataclass(frozen=True, eq=False)
class Picture:
    """A finished image of a study, before a layout writes it."""

    #: (rows, columns) as stored: right breasts mirrored, inverted where the device stores MONOCHROME1.
    pixels: NDArray[np.uint16]
    #: All that is known about it; ``path`` is empty.
    truth: ImageTruth
    device: Device
    identity: StudyIdentity
    #: Of the study in its set, and of the image in its study, from 1.
    number: int
    instance: int


def draw_study(plan: StudyPlan) -> Iterator[Picture]:
    """Draw L CC, L MLO, R CC and R MLO of one patient, imaged by one device; one picture is in memory at a time.

    Unless the plan says ``normal``, one breast or both hold what :func:`draw_lesions` draws; a breast's two views show
    the same specks at the same distance behind the nipple. Of the specks that are hard to see, those beyond a fifth
    are left out (:func:`too_faint`).

    Raises:
        UsageError: a field too small for a breast, or one that does not hold a calcification near its edge.
    """
    rng = np.random.default_rng(plan.seed)
    age = int(rng.integers(*_AGES, endpoint=True))
    density = _DENSITIES[rng.choice(4, p=plan.difficulty.densities)]
    device = draw_unit(plan, rng)
    affected = () if plan.normal else _affected(rng)
    identity = StudyIdentity(plan.patient, age, f"{key_of(plan)} {_GENERATION}")
    for side in SIDES:
        views = {
            view: Phantom(view, side, plan.seed, plan.density or density, device.shape, device.spacing_mm)
            for view in VIEWS
        }
        lesions: list[Lesion] = []
        if side in affected:
            wanted = plan.morphologies if side == affected[0] else ()
            lesions = draw_lesions(views, views["CC"].rng("lesions", side), plan.difficulty, wanted)
        for view, pixels, area_cm2, known in _image_breast(views, lesions, device):
            truth = ImageTruth(
                path="",
                sop_instance_uid=identity.uid(side, view),
                patient=plan.patient,
                study=identity.uid("study"),
                split=plan.split,
                normal=not (known.calcifications or known.ignore),
                side=side,
                view=view,
                rows=device.shape[0],
                columns=device.shape[1],
                spacing_mm=(device.spacing_mm, device.spacing_mm),
                density=plan.density or density,
                age=age,
                vendor=f"{MANUFACTURER} {device.name}",
                breast_area_cm2=area_cm2,
                calcifications=known.calcifications,
                clusters=known.clusters,
                ignore=known.ignore,
            )
            instance = 1 + SIDES.index(side) + len(SIDES) * VIEWS.index(view)
            yield Picture(pixels, truth, device, identity, plan.number, instance)


def _affected(rng: np.random.Generator) -> tuple[Side, ...]:
    """The breasts that hold calcium."""
    return SIDES if rng.random() < _BOTH_BREASTS else (SIDES[rng.integers(2)],)


def draw_unit(plan: StudyPlan, rng: np.random.Generator) -> Device:
    """The unit that images a plan's study.

    Raises:
        UsageError: a field too small for a breast.
    """
    device = draw_device(
        rng, name=plan.device, spacing_mm=plan.spacing_mm, shape=plan.shape, noise=plan.difficulty.noise
    )
    check(
        min(device.shape) * device.spacing_mm >= _LEAST_FIELD_MM,
        f"a field of at least {_LEAST_FIELD_MM:g} mm",
        f"{device.shape[0]} x {device.shape[1]} pixels of {device.spacing_mm:g} mm",
        "ask for more pixels",
    )
    return device


def _image_breast(
    views: dict[View, Phantom], lesions: Sequence[Lesion], device: Device
) -> Iterator[tuple[View, NDArray[np.uint16], float, Annotation]]:
    """Per view its stored pixels, breast area in cm2 and annotation."""
    specks = [speck for lesion in lesions for speck in lesion.specks]
    shadows = {view: [_cast(speck, phantom) for speck in specks] for view, phantom in views.items()}
    sights: dict[View, list[Sight]] = {view: [] for view in views}
    tissue = None
    if specks:
        # In reverse, so that the first view's tissue is at hand when pictures begin: no two are in memory together.
        for view, phantom in reversed(views.items()):
            tissue = None
            tissue = phantom.render()
            sights[view] = _see(specks, shadows[view], phantom, tissue, device)
    left_out = too_faint(list(sights.values()))
    kept = [index for index in range(len(specks)) if index not in left_out]
    for view, phantom in views.items():
        tissue = tissue or phantom.render()
        pixels = acquire(
            phantom,
            tissue,
            device,
            _noise(phantom, device),
            [shadows[view][index] for index in kept],
            draw_confusers(phantom, tissue, device, phantom.rng("confusers", phantom.side, view)),
        )
        area_cm2 = round(int((tissue.skin_distance > 0).sum()) * device.spacing_mm**2 / 100, 2)
        tissue = None
        yield view, pixels, area_cm2, annotate(lesions, [sights[view][index] for index in kept])


def _noise(phantom: Phantom, device: Device) -> NDArray[np.float32]:
    return device.unit_noise(phantom.shape, phantom.rng("noise", phantom.side, phantom.view))


def _see(
    specks: Sequence[Speck], shadows: Sequence[Shadow], phantom: Phantom, tissue: Tissue, device: Device
) -> list[Sight]:
    """What the view shows of each speck."""
    noise, reference = _noise(phantom, device), reference_attenuation(phantom, tissue)
    mirrored = phantom.shape[1] if phantom.side == "R" else None
    return [
        Sight.of(
            speck,
            shadow,
            measure_snr(shadow, tissue.attenuation, noise, device, reference),
            phantom.spacing_mm,
            mirrored=mirrored,
        )
        for speck, shadow in zip(specks, shadows, strict=True)
    ]


def _cast(speck: Speck, phantom: Phantom) -> Shadow:
    """The speck's shadow in a view (the left breast's frame)."""
    shadow = cast_shadow(speck, phantom.view, *place_px(phantom, speck), phantom.spacing_mm)
    down, across = shadow.region
    rows, columns = phantom.shape
    check(
        min(down.start, across.start) >= 0 and down.stop <= rows and across.stop <= columns,
        "a field that holds every calcification",
        f"one that reaches beyond {rows} x {columns} pixels of {phantom.spacing_mm:g} mm",
        "ask for more pixels",
    )
    return shadow
