"""Every detector on every image, through the job of ``detect``, and the comparison of what they find."""

from __future__ import annotations

import os
from collections import Counter
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

from microcalc.batch import MakeExecutor
from microcalc.benchmark.boxes import box_numbers
from microcalc.benchmark.contenders import Contender
from microcalc.benchmark.records import BoxNumbers, DetectorResult
from microcalc.benchmark.summary import seconds_of
from microcalc.comparison.job import Compared, EvaluateOptions, evaluate_to_folder
from microcalc.comparison.records import Estimate
from microcalc.datasets import Table
from microcalc.datasets.export import export_truth
from microcalc.detection import OnOutcome, Outcome, detect_to_folder
from microcalc.errors import ReadError
from microcalc.evaluation.bootstrap import resample
from microcalc.evaluation.matching import parse_rule
from microcalc.findings import Report
from microcalc.output.words import count


@dataclass(frozen=True)
class Detected:
    """What the detectors found, and what that is worth."""

    results: tuple[DetectorResult, ...]
    compared: Compared
    remarks: tuple[str, ...]


def run_detectors(
    table: Table,
    contenders: Mapping[str, Contender],
    out: Path,
    options: EvaluateOptions,
    *,
    make_executor: MakeExecutor | None,
    resume: bool,
    tell: Callable[[str, Outcome, int], None],
) -> Detected:
    """Detect, and compare on the images that no detector failed on.

    Args:
        table: images and truth.
        contenders: the detectors, by name.
        out: ``truth.json``, ``detectors/NAME/findings.json`` and ``evaluation/`` are written there.
        options: how findings are scored.
        make_executor: makes the pool that works on the images; None: the work is done here.
        resume: take over what an earlier run into the same folder has finished.
        tell: called with a detector's name, an outcome, and how many there have been of all detectors.

    Raises:
        ReadError: no detector could process any image.
        UsageError: an earlier run that does not match, or numbers that are not defined on this truth.
        WriteError: the folder cannot be written.
        KeyboardInterrupt: after everything finished has been written.
    """
    worked: Counter[str] = Counter()

    def watching(name: str, before: int) -> OnOutcome:
        def on_outcome(outcome: Outcome, done: int, total: int) -> None:
            worked[name] += outcome is not None
            tell(name, outcome, before + done)

        return on_outcome

    reports = {
        name: detect_to_folder(
            [record.path for record in table],
            (out / _findings(name)).parent,
            contender.options,
            formats=["json"],
            make_executor=make_executor,
            resume=resume,
            on_outcome=watching(name, number * len(table)),
        )
        for number, (name, contender) in enumerate(contenders.items())
    }
    compared = _compare(table, reports, out, options)
    boxes = _boxes(compared)
    areas = {system.name: system.froc.area for system in compared.evaluation.systems}
    results = tuple(
        _result(name, report, contenders[name], worked[name], area=areas.get(name), boxes=boxes.get(name))
        for name, report in reports.items()
    )
    return Detected(results, compared, tuple(_remarks(table, reports)))


def _compare(table: Table, reports: Mapping[str, Report], out: Path, options: EvaluateOptions) -> Compared:
    scored = [f"{name}={out / _findings(name)}" for name, of in reports.items() if of.images]
    first = next(iter(reports.values()))
    if not scored:
        raise ReadError(
            expected="an image that a detector can process",
            found=first.failed[0].reason,
            do="check the data",
            where=first.failed[0].path,
        )
    root = Path(first.root)
    export_truth(_under(root, table), root, out / "truth.json")
    return evaluate_to_folder(scored, out / "truth.json", out / "evaluation", options)


def _boxes(compared: Compared) -> dict[str, BoxNumbers]:
    """By name of the detector, on the resamples of the evaluation; none where the rule is about clusters."""
    settings = compared.evaluation.settings
    if parse_rule(settings.rule).lesions != "calcification":
        return {}
    truths = [image.truth for image in compared.scored[0].images]
    resamples = resample(truths, unit=settings.resample, draws=settings.draws, seed=settings.seed, accept_split=True)
    return {system.system.name: box_numbers(system, resamples) for system in compared.scored}


def _findings(name: str) -> str:
    """Where those of a detector lie, below the folder of the benchmark."""
    return f"detectors/{name}/findings.json"


def common_spacing(table: Table) -> float | None:
    """The pixel pitch of all images, mm, where the truth knows it: files of some data sets state none.

    None where it does not, or where images differ; the detectors then go by what each file states.
    """
    stated = {record.truth.spacing_mm for record in table}
    pitches = {pitch for spacing in stated for pitch in spacing or (None,)}
    return pitches.pop() if len(pitches) == 1 else None


def _under(root: Path, table: Table) -> Table:
    """The data set with its images under the paths that the findings have."""
    paths = {record.truth.path: os.path.relpath(record.path.absolute(), root) for record in table}
    return table.with_truth(lambda truth: truth.model_copy(update={"path": Path(paths[truth.path]).as_posix()}))


def _result(
    name: str,
    report: Report,
    contender: Contender,
    worked: int,
    *,
    area: Estimate | None,
    boxes: BoxNumbers | None,
) -> DetectorResult:
    seconds = tuple(image.seconds for image in report.images)
    return DetectorResult(
        name=name,
        detector=report.detector,
        kind=contender.kind,
        computed=contender.computed,
        findings=_findings(name),
        area=area,
        boxes=boxes,
        published=contender.published,
        seconds=seconds_of(seconds) if seconds else None,
        seconds_by_image=seconds,
        resumed=len(report.images) + len(report.failed) - worked,
        failed=report.failed,
    )


def _remarks(table: Table, reports: Mapping[str, Report]) -> Iterator[str]:
    for name, report in reports.items():
        if report.failed:
            left_out = "" if report.images else ", all there are: it is not in the evaluation"
            yield f"{name} failed on {count(len(report.failed), 'image')}{left_out}."
    assumed = max(sum(image.spacing_source == "assumed" for image in report.images) for report in reports.values())
    if assumed and any(record.truth.spacing_mm for record in table):
        yield (
            f"{count(assumed, 'image')} without a pixel spacing in the file: detectors took 0.07 mm there, whatever "
            "the truth says, since its images differ in spacing."
        )
