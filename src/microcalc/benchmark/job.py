"""The job behind ``microcalc benchmark``: a data set with truth in, methods side by side out."""

from __future__ import annotations

import dataclasses
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import get_args

import microcalc
from microcalc.batch import MakeExecutor
from microcalc.benchmark.contenders import open_contender
from microcalc.benchmark.detector_run import Detected, common_spacing, run_detectors
from microcalc.benchmark.figures import is_own_figure
from microcalc.benchmark.named import all_detectors, named_detectors, parse_proposer
from microcalc.benchmark.page import write_page
from microcalc.benchmark.proposer_run import run_proposers
from microcalc.benchmark.records import Benchmark, Proposed, ProposedImage
from microcalc.benchmark.sheets import SHEETS, write_sheets
from microcalc.benchmark.summary import summarise, unit_of
from microcalc.comparison.choice import check_defined, choose_rule
from microcalc.comparison.job import EvaluateOptions
from microcalc.datasets import Table, list_data, open_data
from microcalc.datasets.spec import Spec, parse
from microcalc.detection import Outcome
from microcalc.errors import UsageError, check_known
from microcalc.evaluation.bootstrap import Unit
from microcalc.evaluation.froc import Per
from microcalc.evaluation.levels import Level
from microcalc.findings import Failure
from microcalc.models.runtime import Precision, RuntimeName
from microcalc.output import remove, replacing
from microcalc.provenance import write_run_record
from microcalc.truth import ImageTruth, Split


@dataclass(frozen=True)
class BenchmarkOptions:
    """What is compared, on which part of the data, and how it is scored."""

    #: As :func:`~microcalc.benchmark.named.named_detectors` takes them; None: all there are, unless only proposers are
    #: named.
    detectors: tuple[str, ...] | None = None
    #: As :func:`~microcalc.benchmark.named.parse_proposer` takes them.
    proposers: tuple[str, ...] = ()
    #: The only side of the data's split to be used; None: all images.
    split: Split | None = None
    #: As in :class:`~microcalc.comparison.job.EvaluateOptions`; proposers are compared by calcification.
    level: Level | None = None
    rule: str | None = None
    per: Per = "image"
    draws: int = 1000
    seed: int = 0
    #: Of detectors with a network, as :func:`~microcalc.models.runtime.open_runtime` takes them.
    runtime: RuntimeName = "auto"
    precision: Precision = "f32"

    def __post_init__(self) -> None:
        # What makes no sense is told before hours of work, not after.
        if not (self.proposers or self.detectors is None or self.detectors):
            raise UsageError(
                expected="a detector or a proposer", found="none", do="name one (--detectors, --proposers)"
            )
        if len(set(self.proposers)) < len(self.proposers):
            raise UsageError(
                expected="each proposer once",
                found=", ".join(self.proposers),
                do="leave the doubles out of --proposers",
            )
        check_known("runtime", self.runtime, get_args(RuntimeName))
        check_known("precision", self.precision, get_args(Precision))
        if self.proposers and self.detectors is None and (self.runtime, self.precision) != ("auto", "f32"):
            raise UsageError(
                expected="detectors, for a runtime or a precision",
                found="proposers alone",
                do="name some (--detectors), or leave --runtime and --precision out",
            )
        self.scoring("patient")
        if self.rule is not None:
            choose_rule((), self.level, self.rule)
        for text in self.proposers:
            parse_proposer(text)
        if self.proposers:
            self.rule_of_candidates()

    def scoring(self, unit: Unit) -> EvaluateOptions:
        """How findings are scored, with intervals that draw these units."""
        return EvaluateOptions(
            self.level,
            self.rule,
            self.per,
            self.split,
            unmatched="common",  # a detector that failed on an image is not compared with others on it
            resample=unit,
            draws=self.draws,
            seed=self.seed,
            force=unit != "patient",
        )

    def named_detectors(self) -> dict[str, str]:
        """Name -> what ``detect`` takes."""
        if self.detectors is None:
            return {} if self.proposers else named_detectors(all_detectors())
        return named_detectors(self.detectors)

    def rule_of_candidates(self) -> str:
        """The rule that candidates are matched by."""
        return choose_rule((), "calcification", self.rule)[1].name


@dataclass(frozen=True)
class Done:
    """One image that a method is done with, for whoever is told of it."""

    method: str
    path: str
    failed: str | None = None


#: Told of each image, of how many are done and of how many there are, over all methods.
OnDone = Callable[[Done, int, int], None]
#: The same of a method's name, its outcome and how many are done.
Tell = Callable[[str, Outcome | ProposedImage, int], None]


def benchmark(
    data: str,
    out: Path,
    options: BenchmarkOptions,
    *,
    make_executor: MakeExecutor | None = None,
    resume: bool = False,
    on_done: OnDone | None = None,
) -> Benchmark:
    """Compare detectors, or proposers of candidates, on one data set, and write the report.

    Args:
        data: SPEC of :func:`~microcalc.datasets.open_data`.
        out: made where missing. Gets ``benchmark.json``, ``benchmark.html``, tables, figures and ``run.json``; for
            detectors also ``detectors/NAME/findings.json``, ``truth.json`` and, in ``evaluation/``, what ``evaluate``
            writes.
        options: what to compare, and how.
        make_executor: makes the pool that works on the images; None: the work is done here.
        resume: take over what an earlier run into the same folder has finished.
        on_done: told of each image that a method is done with.

    Raises:
        UsageError: no such data, detector, proposer or rule; an earlier run that does not match; or numbers that are
            not defined on this data.
        ReadError: the data cannot be read, or no image can be processed.
        WriteError: the folder cannot be written.
        KeyboardInterrupt: what is finished is kept.
    """
    started = time.perf_counter()
    detectors, proposers = options.named_detectors(), options.proposers
    table = open_data(data, make_executor=make_executor)
    table = table if options.split is None else table.split(options.split)
    lacking = list_data(data, make_executor=make_executor).lacking
    truths = [record.truth for record in table]
    if detectors:  # before hours of work
        check_defined(truths, *choose_rule(truths, options.level, options.rule), options.per)
    if proposers:
        _check_asks_for_calcifications(truths)
    tell = _telling(on_done, len(table) * (len(detectors) + bool(proposers)))
    detected = proposed = None
    if detectors:
        scoring, spacing_mm = options.scoring(unit_of(truths)), common_spacing(table)
        contenders = {
            name: open_contender(detector, options.runtime, options.precision, spacing_mm)
            for name, detector in detectors.items()
        }
        detected = run_detectors(table, contenders, out, scoring, make_executor=make_executor, resume=resume, tell=tell)
    if proposers:
        before = len(table) * len(detectors)
        proposed = run_proposers(
            table,
            proposers,
            options.rule_of_candidates(),
            out / "candidates",
            make_executor=make_executor,
            resume=resume,
            tell=lambda outcome, done: tell("candidates", outcome, before + done),
        )
    result = _result(data, table, options, detected, proposed, lacking)
    _write(result, detected, proposed, out)
    facts = {"failed": len(result.failed), "seconds": round(time.perf_counter() - started, 1)}
    settings = {"data": result.data, **dataclasses.asdict(options), "detectors": detectors}
    write_run_record(out / "run.json", settings, facts)
    return result


def _check_asks_for_calcifications(truths: Sequence[ImageTruth]) -> None:
    """Before hours of work: without any, candidates cannot be compared."""
    if choose_rule(truths, None, None)[0] != "calcification":
        raise UsageError(
            expected="calcifications to find, to compare proposers",
            found=f"none in {len(truths)} images",
            do="choose another data set or --split, or compare detectors by --level cluster",
        )


def _telling(on_done: OnDone | None, total: int) -> Tell:
    def tell(method: str, outcome: Outcome | ProposedImage, done: int) -> None:
        if on_done is not None and outcome is not None:
            failed = outcome.reason if isinstance(outcome, Failure) else None
            on_done(Done(method, outcome.path, failed), done, total)

    return tell


def _result(
    data: str,
    table: Table,
    options: BenchmarkOptions,
    detected: Detected | None,
    proposed: Proposed | None,
    lacking: str | None,
) -> Benchmark:
    candidates = None if proposed is None else summarise(proposed, table, draws=options.draws, seed=options.seed)
    return Benchmark(
        microcalc=microcalc.__version__,
        data=_without_folders(data),
        split=options.split,
        images=len(table),
        remarks=(*filter(None, [lacking]), *(() if detected is None else detected.remarks)),
        detectors=() if detected is None else detected.results,
        candidates=candidates,
    )


def _without_folders(data: str) -> str:
    """The SPEC; where a folder lies is nobody's business."""
    spec = parse(data)
    options = {name: Path(value).name for name, value in spec.options.items()}
    return str(Spec(spec.kind, Path(spec.place).name, options))


def _write(result: Benchmark, detected: Detected | None, proposed: Proposed | None, out: Path) -> None:
    if (out / "benchmark.json").exists():  # no table or figure of an earlier run stands beside these numbers
        own = filter(is_own_figure, (out / "figures").glob("*.svg"))
        for path in (*(out / name for name in (*SHEETS, "benchmark.html")), *own):
            remove(path)
    with replacing(out / "benchmark.json") as file:
        file.write(result.to_json().encode())
    write_sheets(result, proposed, out)
    write_page(result, None if detected is None else detected.compared, proposed, out)
