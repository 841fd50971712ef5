"""A user's own normal mammograms as the background of synthetic lesions.

Nothing of a source goes into what is written but its pixels, side, view and pixel pitch: no path, identifier or date.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any, cast, get_args

import numpy as np
from numpy.typing import NDArray

from microcalc import __version__
from microcalc.errors import MicrocalcError, ReadError, UsageError
from microcalc.imageio import find_images
from microcalc.imageio.tags import uid
from microcalc.mammogram import SPACING_LIMITS_MM, Side
from microcalc.synthesis.annotation import Annotation, Sight, annotate, too_faint
from microcalc.synthesis.calcification import Speck
from microcalc.synthesis.device import DEFAULT_DEVICE, Device, draw_device
from microcalc.synthesis.dicom import StudyIdentity
from microcalc.synthesis.insertion import Insertion
from microcalc.synthesis.insertion_image import Background, read_header
from microcalc.synthesis.insertion_refusal import refuse_annotated
from microcalc.synthesis.lesions import Difficulty, draw_lesions
from microcalc.synthesis.outline import View
from microcalc.synthesis.phantom import Phantom
from microcalc.synthesis.plans import check, check_set, key_of
from microcalc.synthesis.study import Picture
from microcalc.truth import ImageTruth, Split

Array = NDArray[np.float32]
#: View, pixels in 0..1 with the chest wall at the left, and what is known of the calcium in them.
_Image = tuple[View, Array, Annotation]

#: Raised whenever the same plan comes to draw other pixels: those must not go out under the earlier ones' identifiers.
_GENERATION = 1
#: More bright specks than this are no normal mammogram. (Full-field digital ones: 4 to 9; films of 0.2 mm: 3 to 36.)
_MOST_SPECKS = 40
#: Most draws of lesions for one of which a target can be seen: of single draws on real normals, one in seven has none.
_TRIES = 8
#: Words of a file name that say side and view.
_VIEW_WORDS = re.compile(r"(?<![A-Z])([LR]|LEFT|RIGHT|[LR]?(CC|MLO))(?![A-Z])")


@dataclass(frozen=True)
class InsertionPlan:
    """The normal mammograms of one patient, and what is to become of them; equal plans draw equal pictures."""

    #: "normal-0001"; for a patient who is used again "normal-0001.2". Her truth names her "normal-0001" either way, so
    #: that no split takes her for two.
    patient: str
    #: Of the study in its set, from 1.
    number: int
    seed: int
    #: The patient's images.
    paths: tuple[Path, ...]
    #: The images stay as they are.
    normal: bool = False
    split: Split | None = None
    #: Noise and density are the images' own: those of the dial do nothing.
    difficulty: Difficulty = field(default_factory=Difficulty)
    #: Pixel pitch, mm; None: the files' own.
    spacing_mm: float | None = None


def plan_insertions(
    folder: Path,
    count: int | None,
    seed: int,
    *,
    normal_share: float = 0.4,
    difficulty: Difficulty | None = None,
    spacing_mm: float | None = None,
) -> list[InsertionPlan]:
    """Plan synthetic studies on the normal mammograms below a folder.

    Images are one patient's where their DICOM headers name the same study, else where their names in one folder differ
    only in words of side and view ("7_L_CC.png", "7_R_MLO.png"); any other image is a patient of its own. Patients are
    numbered in the order of a hash.

    Args:
        folder: of mammograms that are known to be free of calcifications; subfolders count.
        count: of studies; None: every patient once. Beyond the patients there are, they come again with other lesions
            (never again as normal ones: the same picture twice would count double).
        seed: of the set; every study has a seed of its own, drawn from it.
        normal_share: of studies that stay as they are, 0 to 1.
        difficulty: the dial.
        spacing_mm: pixel pitch of all images; None: what their files state, else 0.07 mm is assumed.

    Raises:
        UsageError: a count, seed, pitch or share out of range; a folder that is missing, empty, or holds annotations.
    """
    check_set(count, seed, normal_share)
    low, high = SPACING_LIMITS_MM
    check(spacing_mm is None or low <= spacing_mm <= high, f"a pixel pitch of {low} to {high} mm", f"{spacing_mm} mm")
    patients = _patients(folder)
    count = count or len(patients)
    once = min(count, len(patients))
    normal = np.random.default_rng(seed).permutation(once) < round(normal_share * count)
    plans = []
    for index in range(count):
        again, which = divmod(index, len(patients))
        plans.append(
            InsertionPlan(
                patient=f"normal-{which + 1:04}" + (f".{again + 1}" if again else ""),
                number=index + 1,
                seed=int(np.random.SeedSequence([seed, index + 1]).generate_state(1, np.uint64)[0]),
                paths=patients[which],
                normal=not again and bool(normal[which]),
                difficulty=difficulty or Difficulty(),
                spacing_mm=spacing_mm,
            )
        )
    return plans


def _patients(folder: Path) -> list[tuple[Path, ...]]:
    """The images of each patient, in the order of a hash of what they have in common."""
    if not folder.is_dir():
        raise UsageError(
            expected="a folder of normal mammograms",
            found="a file" if folder.exists() else "nothing there",
            do="check the path",
            where=folder,
        )
    images = [found.path for found in find_images([folder])]
    if not images:
        raise UsageError(
            expected="a folder of normal mammograms",
            found="no DICOM, PNG, TIFF or PGM file in it",
            do="name the folder that holds the images",
            where=folder,
        )
    refuse_annotated(folder)
    patients: dict[str, list[Path]] = {}
    for path in images:
        patients.setdefault(patient_key(path, folder), []).append(path)
    return [tuple(sorted(patients[key])) for key in sorted(patients)]


def patient_key(path: Path, folder: Path) -> str:
    """Hash of what the images of one patient have in common, see :func:`plan_insertions`."""
    relative, study = path.relative_to(folder), uid(read_header(path), "StudyInstanceUID")
    unsided = _VIEW_WORDS.sub("", relative.stem.upper())
    if study:
        common = study
    elif unsided != relative.stem.upper():
        common = f"{relative.parent.as_posix()}/{unsided}"
    else:
        common = relative.as_posix()
    return hashlib.sha256(common.encode("utf-8", "surrogateescape")).hexdigest()


def draw_insertions(plan: InsertionPlan) -> Iterator[Picture]:
    """Draw one patient: her images as they were read, and unless the plan says ``normal``, one breast with calcium.

    Both views of that breast get the same specks at the same distance behind the nipple; those too close to a bright
    speck of the image itself are left out, and the bright specks that a detector would mark are regions to ignore
    there. Where none of them could be seen, others are drawn. An image that cannot be read, is no plain CC or MLO view
    or shows no breast large enough is left out; of several of one view the first is used. Pixels are 16 bit, bright =
    radio-opaque; one breast's views are in memory at a time.

    Raises:
        MicrocalcError: none of the images can be used, or one has too many bright specks for a normal: the patient may
            have calcifications. The file is named by its hash, because its path may name a person.
    """
    breasts = _breasts(plan.paths, plan.spacing_mm)
    rng = np.random.default_rng(plan.seed)
    affected = None if plan.normal else sorted(breasts)[rng.integers(len(breasts))]
    identity = StudyIdentity(plan.patient, age=None, key=_key(plan, breasts), computed=False)
    instance = 0
    for side, paths in sorted(breasts.items()):
        views = {view: _read(path, plan.spacing_mm) for view, path in sorted(paths.items())}
        images = _insert(views, plan.difficulty, rng) if side == affected else _untouched(views)
        for view, pixels, known in images:
            instance += 1
            truth = _truth(plan, identity, views[view], known)
            yield Picture(views[view].stored(pixels), truth, _device(views[view]), identity, plan.number, instance)


def _breasts(paths: Sequence[Path], spacing_mm: float | None) -> dict[Side, dict[View, Path]]:
    """The images by side and view, as their headers, names or, failing those, their pictures tell."""
    breasts: dict[Side, dict[View, Path]] = {}
    errors = []
    for path in paths:
        try:
            # Read again when its turn comes, so that not all are in memory.
            background = Background.read(path, spacing_mm)
        except MicrocalcError as error:
            errors.append(_without_name(error, path))
        else:
            breasts.setdefault(background.breast.side, {}).setdefault(background.ground.view, path)
    if not breasts:
        raise errors[0]
    return breasts


def _key(plan: InsertionPlan, breasts: Mapping[Side, Mapping[View, Path]]) -> str:
    """What identifiers are made from: whatever the pixels hang on, but not where the files lie."""
    files = [_sha256(path) for _, views in sorted(breasts.items()) for _, path in sorted(views.items())]
    return " ".join((key_of(replace(plan, paths=())), *files, __version__, str(_GENERATION)))


def _sha256(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def _without_name(error: MicrocalcError, path: Path) -> ReadError:
    """The error with the file named by its hash: the record of a run, where the reason stands, names no person."""
    try:
        name = f"the file whose SHA-256 begins {_sha256(path)[:12]}"
    except OSError:
        name = "a file that cannot be opened"
    return ReadError(expected=error.expected, found=f"{error.found}, in {name}", do=error.do, where=path)


def _read(path: Path, spacing_mm: float | None) -> Background:
    background = Background.read(path, spacing_mm)
    if len(background.bright) > _MOST_SPECKS:
        error = ReadError(
            expected=f"a normal mammogram, with at most {_MOST_SPECKS} bright specks",
            found=str(len(background.bright)),
            do="leave the image out",
        )
        raise _without_name(error, path)
    return background


def _both(views: Mapping[View, Background]) -> Mapping[View, Phantom]:
    """The grounds of both views of a breast; a view that is missing is taken to look like the other."""
    grounds = {view: background.ground for view, background in views.items()}
    seen = next(iter(grounds.values()))
    both = {view: grounds.get(view) or replace(seen, view=view) for view in get_args(View)}
    return cast("Mapping[View, Phantom]", both)  # a ground answers all that placing asks of a phantom


def _untouched(views: Mapping[View, Background]) -> Iterator[_Image]:
    for view, background in views.items():
        yield view, background.pixels, Annotation((), (), ())


def _insert(views: Mapping[View, Background], difficulty: Difficulty, rng: np.random.Generator) -> Iterator[_Image]:
    """The views with lesions in them; others are drawn, within ``_TRIES``, where not one target could be seen."""
    for _ in range(_TRIES):
        lesions = draw_lesions(_both(views), rng, difficulty)
        insertions, sights, kept = _place(views, [speck for lesion in lesions for speck in lesion.specks], rng)
        if any(seen[index].ignored is None for seen in sights.values() for index in kept):
            break
    for view, background in views.items():
        known = annotate(lesions, [sights[view][index] for index in kept])
        if kept:
            known = replace(known, ignore=known.ignore + background.bright)
        yield view, insertions.pop(view).finish(kept, rng), known


def _place(
    views: Mapping[View, Background], specks: Sequence[Speck], rng: np.random.Generator
) -> tuple[dict[View, Insertion], dict[View, list[Sight]], list[int]]:
    """Of the specks that have room in every view: insertions, sights, and indices of those that stay."""
    shadows = {view: [background.place(speck) for speck in specks] for view, background in views.items()}
    fitting = [i for i in range(len(specks)) if all(views[view].has_room(shadows[view][i]) for view in views)]
    unit = int(rng.integers(2**32))  # one made both views
    insertions = {
        view: background.prepare([shadows[view][i] for i in fitting], np.random.default_rng(unit))
        for view, background in views.items()
    }
    sights = {
        view: [
            background.see(specks[i], shadows[view][i], snr)
            for i, snr in zip(fitting, insertions[view].snr, strict=True)
        ]
        for view, background in views.items()
    }
    left_out = too_faint(list(sights.values()))
    return insertions, sights, [index for index in range(len(fitting)) if index not in left_out]


def _truth(plan: InsertionPlan, identity: StudyIdentity, background: Background, known: Annotation) -> ImageTruth:
    side, ground = background.breast.side, background.ground
    spacing = (ground.spacing_mm, ground.spacing_mm)
    return ImageTruth(
        path="",
        sop_instance_uid=identity.uid(side, ground.view),
        patient=plan.patient.partition(".")[0],
        study=identity.uid("study"),
        split=plan.split,
        normal=not (known.calcifications or known.ignore),
        side=side,
        view=ground.view,
        rows=ground.shape[0],
        columns=ground.shape[1],
        spacing_mm=spacing,
        vendor="own images, pixel pitch assumed" if background.assumed else "own images",
        breast_area_cm2=round(background.breast.area_cm2(spacing), 2),
        calcifications=known.calcifications,
        clusters=known.clusters,
        ignore=known.ignore,
    )


def _device(background: Background) -> Device:
    """The unit that made an image, as far as it is known: pitch, size, and how the pixels are stored."""
    ground = background.ground
    device = draw_device(
        np.random.default_rng(0), name=DEFAULT_DEVICE, spacing_mm=ground.spacing_mm, shape=ground.shape
    )
    detector = cast("Any", background.detector)  # DICOM has it empty where it is unknown
    return replace(device, name="own", detector=detector, intent="presentation", bits=16, inverted=False)
