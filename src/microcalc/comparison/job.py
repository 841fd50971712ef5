"""The job behind ``microcalc evaluate``: files of detections and of truth in, numbers, tables and a page out."""

from __future__ import annotations

import dataclasses
import os
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, get_args

from microcalc.comparison.assess import assess
from microcalc.comparison.choice import choose_rule
from microcalc.comparison.page import write_page
from microcalc.comparison.pairing import Unmatched, align
from microcalc.comparison.records import Evaluation, Settings, TruthInfo
from microcalc.comparison.scored import ScoredSystem, score_systems
from microcalc.comparison.sheets import SHEETS, write_sheets
from microcalc.comparison.sources import KnownImages, read_systems, read_truth
from microcalc.comparison.systems import System
from microcalc.errors import UsageError
from microcalc.evaluation.bootstrap import Unit, resample
from microcalc.evaluation.froc import Per
from microcalc.evaluation.levels import Level
from microcalc.output import remove, replacing
from microcalc.provenance import write_run_record
from microcalc.truth import ImageTruth, Split

FORMATS = ("json", "csv", "html")


@dataclass(frozen=True)
class EvaluateOptions:
    """How systems are scored; the same for all of them."""

    #: None: calcification where the truth holds any that a detector is asked for, else cluster.
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
            if value is not None and value not in choices:
                raise UsageError(
                    expected=f"{name} out of {', '.join(choices)}", found=f"'{value}'", do="choose one of them"
                )
        if self.draws < 1:
            raise UsageError(expected="1 resample or more (draws)", found=str(self.draws), do="draw 1000, say")


_CHOICES: dict[str, tuple[str, ...]] = {
    "level": get_args(Level),
    "per": get_args(Per),
    "split": get_args(Split),
    "unmatched": get_args(Unmatched),
    "resample": get_args(Unit),
}


def evaluate(
    findings: str | os.PathLike[str] | Sequence[str | os.PathLike[str]],
    truth: str | os.PathLike[str],
    out: str | os.PathLike[str] | None = None,
    options: EvaluateOptions | None = None,
    *,
    formats: Sequence[str] = FORMATS,
    images: str | os.PathLike[str] | None = None,
) -> Evaluation:
    """Score detections against truth, and compare systems on the same images.

    Args:
        findings: a file of detections (docs/reference/evaluation-inputs.md), or several; ``NAME=path`` names one.
        truth: a file of ``microcalc.truth/1``, or a folder with such a ``truth.json``.
        out: folder for ``evaluation.json``, ``run.json`` and what ``formats`` says; None writes nothing.
        options: how to score.
        formats: json (always written), csv, html.
        images: folder of the images, for the crops of the page; by default the truth's own root, if they are there.

    Raises:
        UsageError: arguments that make no sense together, or numbers that are not defined on this truth.
        ReadError: a file is missing, damaged, or names other images than the truth.
        WriteError: a result cannot be written.
    """
    started = time.perf_counter()
    options = options or EvaluateOptions()
    for name in set(formats) - set(FORMATS):
        raise UsageError(
            expected=f"formats out of {', '.join(FORMATS)}", found=f"'{name}'", do="name them with commas between"
        )
    paths = [findings] if isinstance(findings, str | os.PathLike) else findings
    systems = read_systems([os.fspath(path) for path in paths], options.coco_images)
    known = read_truth(Path(truth), options.split)
    root = known.root if images is None else _folder(Path(images))
    evaluation, scored = _evaluate(systems, known, options)
    if out is not None:
        _write_all(evaluation, scored, Path(out), formats, root)
        _write_run(Path(out), evaluation, options, formats, time.perf_counter() - started)
    return evaluation


def _folder(images: Path) -> Path:
    if not images.is_dir():
        raise UsageError(expected="a folder of images", found="none", do="check --images", where=images)
    return images


def _evaluate(
    systems: Sequence[System], known: KnownImages, options: EvaluateOptions
) -> tuple[Evaluation, tuple[ScoredSystem, ...]]:
    aligned = align(known.chosen, systems, known.others, options.unmatched)
    level, rule = choose_rule(aligned.truths, options.level, options.rule)
    scored = score_systems(aligned.truths, systems, aligned.found, rule)
    _check_patients(aligned.truths, options.resample, known.path)
    resamples = resample(
        aligned.truths, unit=options.resample, draws=options.draws, seed=options.seed, accept_split=options.force
    )
    settings = Settings(
        level=level,
        rule=rule.name,
        per=options.per,
        split=options.split,
        unmatched=options.unmatched,
        resample=options.resample,
        draws=options.draws,
        seed=options.seed,
    )
    truth = _truth_info(known, aligned.truths, scored)
    return assess(scored, resamples, settings, truth, aligned.remarks), scored


def _check_patients(truths: Sequence[ImageTruth], unit: Unit, path: Path) -> None:
    nameless = sum(truth.patient is None for truth in truths)
    if unit == "patient" and nameless:
        raise UsageError(
            expected="a patient for every image, to resample by patient",
            found=f"{nameless} of {len(truths)} without",
            do="complete the truth, or resample by image (--resample image)",
            where=path,
        )


def _truth_info(known: KnownImages, truths: Sequence[ImageTruth], scored: Sequence[ScoredSystem]) -> TruthInfo:
    patients = {truth.patient for truth in truths}
    return TruthInfo(
        source=known.path.name,
        sha256=known.sha256,
        images=len(truths),
        normal_images=sum(bool(truth.normal) for truth in truths),
        patients=None if None in patients else len(patients),
        lesions=sum(image.lesions.size for image in scored[0].scores),
    )


def _write_all(
    evaluation: Evaluation, scored: Sequence[ScoredSystem], out: Path, formats: Sequence[str], root: Path | None
) -> None:
    if (out / "evaluation.json").exists():  # what an earlier run made must not stand beside these numbers
        for path in (*(out / name for name in (*SHEETS, "evaluation.html")), *(out / "figures").glob("*.svg")):
            remove(path)
    with replacing(out / "evaluation.json") as file:
        file.write(evaluation.to_json().encode())
    if "csv" in formats:
        write_sheets(evaluation, out)
    if "html" in formats:
        write_page(evaluation, scored, root, out / "evaluation.html")


def _write_run(
    out: Path, evaluation: Evaluation, options: EvaluateOptions, formats: Sequence[str], seconds: float
) -> None:
    asked: dict[str, Any] = dataclasses.asdict(options) | {"formats": list(formats)}
    asked["coco_images"] = None if options.coco_images is None else options.coco_images.name
    files = [("truth", evaluation.truth.source, evaluation.truth.sha256)]
    files += [(system.name, system.source, system.sha256) for system in evaluation.systems]
    write_run_record(
        out / "run.json",
        asked | {"level": evaluation.settings.level, "rule": evaluation.settings.rule},
        {
            "files": [{"is": what, "name": name, "sha256": sha256} for what, name, sha256 in files],
            "seconds": round(seconds, 3),
        },
    )
