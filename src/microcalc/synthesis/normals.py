"""A user's own normal mammograms as the background of synthetic lesions.

Nothing of a source goes into what is written but its pixels, side, view and pixel pitch: no path, identifier or date.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import cast, get_args

import numpy as np
from numpy.typing import NDArray

from microcalc.errors import ReadError, UsageError
from microcalc.imageio import find_images
from microcalc.imageio.dataset import open_dicom
from microcalc.imageio.sniff import HEAD_BYTES, is_dicom
from microcalc.imageio.tags import quiet, uid
from microcalc.mammogram import Side
from microcalc.synthesis.annotation import Annotation, annotate, too_faint
from microcalc.synthesis.background import Background
from microcalc.synthesis.device import DEFAULT_DEVICE, Device, draw_device
from microcalc.synthesis.dicom import StudyIdentity
from microcalc.synthesis.lesions import Difficulty, Lesion, draw_lesions
from microcalc.synthesis.outline import View
from microcalc.synthesis.phantom import Phantom
from microcalc.synthesis.study import Picture
from microcalc.truth import ImageTruth, Split, Truth

Array = NDArray[np.float32]

#: Raised whenever the same plan comes to draw other pixels: those must not go out under the earlier ones' identifiers.
_GENERATION = 1
#: More bright specks than this are no normal mammogram. (Full-field digital ones: 4 to 9; films of 0.2 mm: 3 to 36.)
_MOST_SPECKS = 40
#: Words of a file name that say side and view.
_VIEW_WORDS = re.compile(r"(?<![A-Z])([LR]|LEFT|RIGHT|[LR]?(CC|MLO))(?![A-Z])")
#: How INbreast's annotations (property lists in XML) begin.
_PLIST = b"<!DOCTYPE plist"
#: Images that are masks, by their name or their folder's.
_MASK = re.compile(r"(?<![a-z])masks?(?![a-z]).*\.(png|tiff?|pgm|jpe?g|bmp|dcm)$")


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


def plan_insertions(
    folder: Path,
    count: int | None,
    seed: int,
    *,
    normal_share: float = 0.4,
    difficulty: Difficulty | None = None,
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

    Raises:
        UsageError: a count, seed or share out of range; a folder that is missing, empty, or holds annotations.
    """
    _check_range(count, seed, normal_share)
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
            )
        )
    return plans


def _check_range(count: int | None, seed: int, normal_share: float) -> None:
    for name, given, holds in (
        ("a count of 1 or more", count, count is None or count >= 1),
        ("a seed of 0 or more", seed, seed >= 0),
        ("a share of normals of 0 to 1", normal_share, 0 <= normal_share <= 1),
    ):
        if not holds:
            raise UsageError(expected=name, found=str(given), do="choose another")


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
    _refuse_annotated(folder)
    patients: dict[str, list[Path]] = {}
    for path in images:
        patients.setdefault(_patient_key(path, folder), []).append(path)
    return [tuple(sorted(patients[key])) for key in sorted(patients)]


def _patient_key(path: Path, folder: Path) -> str:
    """Hash of what the images of one patient have in common."""
    relative, study = path.relative_to(folder), _study_uid(path)
    unsided = _VIEW_WORDS.sub("", relative.stem.upper())
    if study:
        common = study
    elif unsided != relative.stem.upper():
        common = f"{relative.parent.as_posix()}/{unsided}"
    else:
        common = relative.as_posix()
    return hashlib.sha256(common.encode("utf-8", "surrogateescape")).hexdigest()


def _study_uid(path: Path) -> str | None:
    """StudyInstanceUID; None without a header, and where the file cannot be read: drawing it will say why."""
    try:
        with path.open("rb") as file, quiet():
            head = file.read(HEAD_BYTES)
            file.seek(0)
            return uid(open_dicom(file).header, "StudyInstanceUID") if is_dicom(head) else None
    except (OSError, ReadError):
        return None


def _refuse_annotated(folder: Path) -> None:
    """Raise UsageError where something below the folder marks calcifications: those images are not known normals."""
    files = (path for path in sorted(folder.rglob("*")) if path.is_file())
    found = next((kind for path in files if (kind := _annotation(path, folder))), None)
    if found:
        raise UsageError(
            expected="normal mammograms without annotations",
            found=found,
            do="name a folder that holds images without findings only",
            where=folder,
        )


def _annotation(path: Path, folder: Path) -> str | None:
    """What kind of annotation a file is; None: it is none."""
    name = path.relative_to(folder).as_posix().lower()
    if path.name == "truth.json" and any(
        image.calcifications or image.clusters for image in Truth.from_json(path).images
    ):
        return "a truth.json that lists calcifications"
    if name.endswith(".xml") and _PLIST in _head(path):
        return "region files in XML, as INbreast has them"
    if re.search(r"_gt\.\w+$", name):
        return "ground-truth images (*_GT), as BMCD has them"
    return "mask images" if _MASK.search(name) else None


def _head(path: Path) -> bytes:
    try:
        with path.open("rb") as file:
            return file.read(512)
    except OSError as error:
        raise ReadError(
            expected="files that can be read", found=error.strerror or "none", do="check the permissions", where=path
        ) from error


def draw_insertions(plan: InsertionPlan) -> Iterator[Picture]:
    """Draw one patient: her images as they were read, and unless the plan says ``normal``, one breast with calcium.

    Both views of that breast get the same specks at the same distance behind the nipple; those too close to a bright
    speck of the image itself are left out, and the bright specks that a detector would mark are regions to ignore
    there. Of several images of one view the first is used. Pixels are 16 bit, bright = radio-opaque; one breast's views
    are in memory at a time.

    Raises:
        ReadError: an image that cannot be read, is no plain CC or MLO view, or has too many bright specks for a normal.
        MicrocalcError: an image without a breast, or with too small a one.
    """
    breasts = _breasts(plan.paths)
    rng = np.random.default_rng(plan.seed)
    affected = None if plan.normal else sorted(breasts)[rng.integers(len(breasts))]
    key = f"{plan.seed} {_content(plan.paths)} {_GENERATION}"
    identity = StudyIdentity(plan.patient, age=None, key=key, computed=False)
    instance = 0
    for side, paths in sorted(breasts.items()):
        views = {view: _read(path) for view, path in sorted(paths.items())}
        lesions = draw_lesions(_both(views), rng, plan.difficulty) if side == affected else []
        for view, pixels, known in _insert(views, lesions, rng):
            instance += 1
            truth = _truth(plan, identity, views[view], known)
            yield Picture(views[view].stored(pixels), truth, _device(views[view]), identity, plan.number, instance)


def _breasts(paths: Sequence[Path]) -> dict[Side, dict[View, Path]]:
    """The images by side and view, as their headers, names or, failing those, their pictures tell."""
    breasts: dict[Side, dict[View, Path]] = {}
    for path in paths:
        # Read again when its turn comes, so that not all are in memory.
        background = Background.read(path)
        breasts.setdefault(background.breast.side, {}).setdefault(background.ground.view, path)
    return breasts


def _content(paths: Sequence[Path]) -> str:
    """Hash of the files: other images must not go out under the same identifiers."""
    digest = hashlib.sha256()
    for path in paths:
        with path.open("rb") as file:
            digest.update(hashlib.file_digest(file, "sha256").digest())
    return digest.hexdigest()


def _read(path: Path) -> Background:
    background = Background.read(path)
    if len(background.bright) > _MOST_SPECKS:
        raise ReadError(
            expected=f"a normal mammogram, with at most {_MOST_SPECKS} bright specks",
            found=str(len(background.bright)),
            do="leave the image out",
            where=path,
        )
    return background


def _both(views: Mapping[View, Background]) -> Mapping[View, Phantom]:
    """The grounds of both views of a breast; a view that is missing is taken to look like the other."""
    grounds = {view: background.ground for view, background in views.items()}
    seen = next(iter(grounds.values()))
    both = {view: grounds.get(view) or replace(seen, view=view) for view in get_args(View)}
    return cast("Mapping[View, Phantom]", both)  # a ground answers all that placing asks of a phantom


def _insert(
    views: Mapping[View, Background], lesions: Sequence[Lesion], rng: np.random.Generator
) -> Iterator[tuple[View, Array, Annotation]]:
    """Per view its pixels in 0..1, chest wall at the left, and what is known about them."""
    if not lesions:
        yield from ((view, background.pixels, Annotation((), (), ())) for view, background in views.items())
        return
    specks = [speck for lesion in lesions for speck in lesion.specks]
    shadows = {view: [background.place(speck) for speck in specks] for view, background in views.items()}
    fitting = [i for i in range(len(specks)) if all(views[view].has_room(shadows[view][i]) for view in views)]
    insertions = {
        view: background.prepare([shadows[view][i] for i in fitting], rng) for view, background in views.items()
    }
    sights = {
        view: [
            background.see(specks[i], shadows[view][i], snr)
            for i, snr in zip(fitting, insertions[view].snr, strict=True)
        ]
        for view, background in views.items()
    }
    left_out = too_faint(list(sights.values()))
    kept = [index for index in range(len(fitting)) if index not in left_out]
    for view, background in views.items():
        known = annotate(lesions, [sights[view][index] for index in kept])
        if kept:
            known = replace(known, ignore=known.ignore + background.bright)
        yield view, insertions.pop(view).finish(kept, rng), known


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
    return replace(device, name="own", intent="presentation", bits=16, inverted=False)
