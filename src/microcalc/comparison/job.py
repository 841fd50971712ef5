"""The job behind ``microcalc evaluate``: files of detections and of truth in, numbers, tables and a page out."""

from __future__ import annotations

import dataclasses
import hashlib
import os
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, get_args

from microcalc.comparison.assess import assess
from microcalc.comparison.choice import choose_rule
from microcalc.comparison.drawing import Drawing
from microcalc.comparison.figures import is_own_figure
from microcalc.comparison.page import write_page
from microcalc.comparison.pairing import Unmatched, align
from microcalc.comparison.records import Evaluation, Settings, TruthInfo
from microcalc.comparison.scored import ScoredSystem, score_systems
from microcalc.comparison.sheets import SHEETS, write_sheets
from microcalc.comparison.sources import TruthSet, read_systems, read_truth
from microcalc.errors import UsageError, check_known
from microcalc.evaluation.bootstrap import Unit
from microcalc.evaluation.bootstrap import resample as draw
from microcalc.evaluation.froc import Per
from microcalc.evaluation.levels import Level
from microcalc.output import remove, replacing
from microcalc.output.words import count
from microcalc.provenance import write_run_record
from microcalc.truth import ImageTruth, Split

FORMATS = ("json", "csv", "html")
#: With fewer, the ends of an interval of 95 % are the extremes of a handful of draws.
LEAST_DRAWS = 100


@dataclass(frozen=True)
class EvaluateOptions:
    """How systems are scored; the same for all of them."""

    #: None: that of the rule; without one, calcification where the truth asks for any, else cluster.
    level: Level | None = None
    #: None: disc14 for calcifications, cluster for clusters.
    rule: str | None = None
    #: What false positives are counted on.
    per: Per = "image"
    #: The only side of the truth's split to be scored; None: all images.
    split: Split | None = None
    #: What to do about images that not every file names.
    unmatched: Unmatched = "fail"
    #: What intervals draw with replacement.
    resample: Unit = "patient"
    draws: int = 1000
    seed: int = 0
    #: Resample even where a patient's images are parted by it.
    force: bool = False
    #: COCO annotation file that says which file each number in ``image_id`` is.
    coco_images: Path | None = None

    def __post_init__(self) -> None:
        for name, choices in _CHOICES.items():
            value = getattr(self, name)
            if value is not None:
                check_known(name, value, choices)
        for name, least, do in (("draws", LEAST_DRAWS, "draw 1000, say"), ("seed", 0, "give another")):
            if getattr(self, name) < least:
                raise UsageError(expected=f"{name} of {least} or more", found=str(getattr(self, name)), do=do)


#: One file of detections, or several.
Findings = str | os.PathLike[str] | Sequence[str | os.PathLike[str]]
_CHOICES: dict[str, tuple[str, ...]] = {
    "level": get_args(Level),
    "per": get_args(Per),
    "split": get_args(Split),
    "unmatched": get_args(Unmatched),
    "resample": get_args(Unit),
}


def evaluate(
    findings: Findings,
    truth: str | os.PathLike[str],
    *,
    level: Level | None = None,
    rule: str | None = None,
    per: Per = "image",
    split: Split | None = None,
    unmatched: Unmatched = "fail",
    resample: Unit = "patient",
    draws: int = 1000,
    seed: int = 0,
    force: bool = False,
    coco_images: str | os.PathLike[str] | None = None,
) -> Evaluation:
    """Score detections against truth, and compare systems on the same images.

    Args:
        findings: a file of detections (docs/reference/evaluation-inputs.md), or several; ``NAME=path`` names one.
        truth: a file of ``microcalc.truth/1``, or a folder with such a ``truth.json``.
        level: what is to be found; this and all below as in :class:`EvaluateOptions`.
        rule: what counts as a hit.
        per: what false positives are counted on.
        split: the only side of the truth's split to be scored.
        unmatched: what to do about images that not every file names.
        resample: what intervals draw.
        draws: how many resamples.
        seed: of the resamples.
        force: resample even where a patient's images are parted by it.
        coco_images: COCO annotation file that says which file each number in ``image_id`` is.

    Raises:
        UsageError: arguments that make no sense together, or numbers that are not defined on this truth.
        ReadError: a file is missing, damaged, or names other images than the truth.
    """
    names = None if coco_images is None else Path(coco_images)
    options = EvaluateOptions(level, rule, per, split, unmatched, resample, draws, seed, force, names)
    return _evaluate(findings, read_truth(Path(truth), split), options)[0]


@dataclass(frozen=True, eq=False)
class Compared:
    """An evaluation, with what it was computed from."""

    evaluation: Evaluation
    scored: tuple[ScoredSystem, ...]
    #: Folder that the truth's paths start from; None: the images are not at hand.
    images_root: Path | None
    #: Of the page, by section; none where no page is asked for.
    figures: dict[str, tuple[Drawing, ...]]


def evaluate_to_folder(
    findings: Findings,
    truth: str | os.PathLike[str],
    out: Path,
    options: EvaluateOptions,
    *,
    formats: Sequence[str] = FORMATS,
    images: Path | None = None,
) -> Compared:
    """Score and compare, and write ``evaluation.json``, ``run.json`` and what else is asked for into a folder.

    Args:
        findings: as for :func:`evaluate`.
        truth: likewise.
        out: made where missing.
        options: how to score.
        formats: out of ``FORMATS``; evaluation.json is always written.
        images: folder of the images, for the crops of the page; by default the truth's own root, if they are there.

    Raises:
        UsageError: as ``evaluate`` does, or no such format.
        ReadError: likewise.
        WriteError: a result cannot be written.
    """
    started = time.perf_counter()
    _check_formats(formats)
    known = read_truth(Path(truth), options.split)
    root = known.root if images is None else _folder(images)
    evaluation, scored = _evaluate(findings, known, options)
    _remove_earlier(out)
    with replacing(out / "evaluation.json") as file:
        file.write(evaluation.to_json().encode())
    if "csv" in formats:
        write_sheets(evaluation, out)
    drawn = write_page(evaluation, scored, root, out / "evaluation.html") if "html" in formats else {}
    _write_run(out, evaluation, options, formats, time.perf_counter() - started)
    return Compared(evaluation, scored, root, drawn)


def _check_formats(formats: Sequence[str]) -> None:
    if isinstance(formats, str) or not formats:
        raise UsageError(expected=f"a list of formats out of {', '.join(FORMATS)}", found=repr(formats), do="list some")
    for name in formats:
        check_known("format", name, FORMATS)


def _folder(images: Path) -> Path:
    if not images.is_dir():
        raise UsageError(expected="a folder of images", found="none", do="check --images", where=images)
    return images


def _evaluate(
    findings: Findings, known: TruthSet, options: EvaluateOptions
) -> tuple[Evaluation, tuple[ScoredSystem, ...]]:
    paths = [findings] if isinstance(findings, str | os.PathLike) else findings
    systems = read_systems([os.fspath(path) for path in paths], options.coco_images)
    aligned = align(known.chosen, systems, known.others, options.unmatched)
    level, rule = choose_rule(aligned.truths, options.level, options.rule)
    scored = score_systems(aligned.truths, systems, aligned.found, rule, options.per)
    resamples = draw(
        aligned.truths, unit=options.resample, draws=options.draws, seed=options.seed, accept_split=options.force
    )
    asked = {name: value for name, value in dataclasses.asdict(options).items() if name in Settings.model_fields}
    settings = Settings(**asked | {"level": level, "rule": rule.name})
    remarks = [*aligned.remarks, *_split_patients(known, options.split)]
    return assess(scored, resamples, settings, _truth_info(known, aligned.truths, scored), remarks), scored


def _split_patients(known: TruthSet, split: Split | None) -> Iterator[str]:
    """Where a split takes patients apart: a system trained on its other side has seen them."""
    shared = {image.patient for image in known.chosen} & {image.patient for image in known.others} - {None}
    if shared:
        yield (
            f"{count(len(shared), 'patient')} of the split {split} with images on another side of it: "
            "a system trained there has seen them."
        )


def _truth_info(known: TruthSet, truths: Sequence[ImageTruth], scored: Sequence[ScoredSystem]) -> TruthInfo:
    patients = {truth.patient for truth in truths}
    return TruthInfo(
        source=known.path.name,
        sha256=known.sha256,
        images=len(truths),
        normal_images=sum(bool(truth.normal) for truth in truths),
        patients=None if None in patients else len(patients),
        lesions=sum(image.lesions.size for image in scored[0].scores),
    )


def _remove_earlier(out: Path) -> None:
    """What an earlier run made must not stand beside these numbers; what else is in the folder stays."""
    if (out / "evaluation.json").exists():
        own = filter(is_own_figure, (out / "figures").glob("*.svg"))
        for path in (*(out / name for name in (*SHEETS, "evaluation.html")), *own):
            remove(path)


def _write_run(
    out: Path, evaluation: Evaluation, options: EvaluateOptions, formats: Sequence[str], seconds: float
) -> None:
    asked: dict[str, Any] = dataclasses.asdict(options) | {"formats": list(formats)}
    asked["coco_images"] = None if options.coco_images is None else options.coco_images.name
    files = [("truth", evaluation.truth.source, evaluation.truth.sha256)]
    files += [(system.name, system.source, system.sha256) for system in evaluation.systems]
    if options.coco_images is not None:
        digest = hashlib.sha256(options.coco_images.read_bytes()).hexdigest()
        files.append(("coco_images", options.coco_images.name, digest))
    write_run_record(
        out / "run.json",
        asked | {"level": evaluation.settings.level, "rule": evaluation.settings.rule},
        {
            "files": [{"is": what, "name": name, "sha256": sha256} for what, name, sha256 in files],
            "seconds": round(seconds, 3),
        },
    )
