"""The job behind ``microcalc finetune``: a segmenter's package and a user's own mammograms in, a better package out.

Or none: what comes of it is measured on patients who were held out, beside the package as it was, and takes its place
only if it is better there (:mod:`microcalc.training.finetune_verdict`).
"""

from __future__ import annotations

import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from pydantic import JsonValue

from microcalc.batch import MakeExecutor
from microcalc.comparison.drawing import write_figures
from microcalc.datasets import open_data
from microcalc.datasets.spec import named
from microcalc.errors import UsageError
from microcalc.models import Card, Metric, Package, load_package
from microcalc.models.card import CARD
from microcalc.models.network_files import write_network_package
from microcalc.models.network_package import segmenter_card
from microcalc.models.torch_network import torch_device
from microcalc.output import remove, replacing
from microcalc.output.words import count
from microcalc.provenance import write_run_record
from microcalc.recipe import SegmenterRecipe
from microcalc.training.assessment import reading_of
from microcalc.training.finetune_parts import Parts, divide, with_synthetic
from microcalc.training.finetune_steps import FinetuneSteps, Views
from microcalc.training.finetune_verdict import Account, Verdict
from microcalc.training.job import Compute, Job
from microcalc.training.map_fit import MapFit
from microcalc.training.measure import Measured
from microcalc.training.overrides import overridden
from microcalc.training.part_figures import froc_drawing
from microcalc.training.scan import Scan, accounts
from microcalc.training.segmenter_card import Fitted, make_card
from microcalc.training.stages import choose_points
from microcalc.training.steps import OnStep
from microcalc.training.tables import write_tables

#: Fine-tuning takes this share of the recipe's steps, at this share of its learning rate; the recipe of a package that
#: was fine-tuned before has both already.
_SHARE = 0.1
_SUFFIX = "-finetuned"
#: Folders for what is accepted, and what is not.
ACCEPTED, REJECTED = "package", "rejected"
UNCALIBRATED = "work/uncalibrated"


@dataclass(frozen=True)
class FinetuneOptions:
    """How it is done."""

    #: Of everything random.
    seed: int = 0
    #: How many times a normal image to train on comes with other lesions.
    copies: int = 4
    #: Values of the recipe that are replaced, by key.
    changes: Mapping[str, JsonValue] = field(default_factory=dict)
    #: auto, cpu, cuda or cuda:N.
    device: str = "auto"
    #: Processes that draw windows while the network works.
    workers: int = 1


@dataclass(frozen=True)
class Finetuned:
    """The new package, accepted or not, and why."""

    package: Package
    account: Account


def finetune(
    package: str,
    data: str,
    out: Path,
    options: FinetuneOptions | None = None,
    *,
    make_executor: MakeExecutor | None = None,
    resume: bool = False,
    on_step: OnStep | None = None,
) -> Finetuned:
    """Fine-tune a segmenter on annotated mammograms, or on merely normal ones, into which lesions are put.

    Args:
        package: name, folder or zip; it is not changed.
        data: SPEC of :func:`~microcalc.datasets.open_data`, with patients.
        out: made where missing. Gets ``package/``, or ``rejected/`` where it is not better, ``finetune.json``,
            ``figures/``, ``tables/``, ``run.json`` and ``work/``.
        options: how.
        make_executor: makes the pool that works on images; None: they are worked on here.
        resume: go on with an interrupted run into the same folder.
        on_step: told of each step and of its parts.

    Raises:
        UsageError: another kind of package, or one that lies where the new one goes; images or patients that do not
            suffice (:mod:`microcalc.training.finetune_parts`); an earlier run that does not match.
        ReadError: the package or the data cannot be read.
        WriteError: the folder cannot be written.
    """
    started, options = time.perf_counter(), options or FinetuneOptions()
    source = load_package(package)
    source.keep_from(*(out / folder for folder in (ACCEPTED, REJECTED, UNCALIBRATED)))
    recipe = _recipe(source, options.changes)
    divided, unannotated = divide(open_data(data, make_executor=make_executor), options.seed)
    job = Job(
        recipe=recipe,
        table=divided,
        store=None,
        data=named(data),
        synthetic=data.startswith("bench:"),
        smoke=False,
        out=out,
        seed=options.seed,
        make_executor=make_executor,
        resume=resume,
        on_step=on_step,
        compute=Compute(options.device),
    )
    work = FinetuneSteps(job, options.copies)
    for folder in (ACCEPTED, REJECTED):  # of an earlier run
        remove(out / folder / CARD)
    parts = with_synthetic(divided, unannotated, work.put_in)
    views = work.views(parts.train)
    fit = work.fit(source, views, workers=options.workers)
    made = _judged(job, work, source, parts, views, fit)
    facts = {
        "seed": job.seed,
        "device": str(torch_device(options.device)),
        "seconds": round(time.perf_counter() - started, 1),
        "package_sha256": made.package.sha256,
        "steps": [step.model_dump(mode="json", exclude_none=True) for step in work.steps.done],
    }
    write_run_record(out / "run.json", work.steps.settings, facts)
    return made


def _recipe(source: Package, changes: Mapping[str, JsonValue]) -> SegmenterRecipe:
    """The recipe of a package, shorter and gentler.

    Raises:
        UsageError: it is none of a segmenter that is trained on windows, or a change does not fit.
    """
    recipe = segmenter_card(source).recipe
    if not isinstance(recipe, SegmenterRecipe):
        raise UsageError(
            expected="a model package of the kind segmenter",
            found=f"{source.card.name} of the kind {source.card.kind}, which is trained on patches",
            do="cut patches of your own (microcalc data patches), and train on those (microcalc train --init FILE)",
            where=source.path,
        )
    fitting, share = recipe.fitting, 1.0 if source.card.name.endswith(_SUFFIX) else _SHARE
    steps = max(1, round(share * fitting.steps))
    gentler = {
        "steps": steps,
        "optimiser": {"learning_rate": share * fitting.optimiser.learning_rate},
        "checkpoint_every": min(steps, fitting.checkpoint_every),
    }
    note = f"Fine-tuned from {source.card.name}, SHA-256 {source.sha256}."
    return overridden(recipe.with_changes({"notes": [*recipe.notes, note], "fitting": gentler}), changes)


def _judged(
    job: Job[SegmenterRecipe], work: FinetuneSteps, source: Package, parts: Parts, views: Views, fit: MapFit
) -> Finetuned:
    """Calibration and thresholds from validation; then both packages on the patients held out, once."""
    before, after = _names(source.card)
    coarsest = max(source.card.training.coarsest_spacing_mm, *(view.spacing_mm for view in views.views))
    fitted = Fitted(fit.seconds, len(parts.train.patients), len(views.views), coarsest)
    raw = write_network_package(job.out / UNCALIBRATED, make_card(job, fitted, None), fit.module)
    seen = accounts(parts.validation, {after: work.scan("validation", parts.validation, raw)})[after]
    card = _read(job, fitted, seen)
    asked = {before: work.scan("before", parts.test, source), after: work.scan("after", parts.test, raw)}
    scans = accounts(parts.test, asked)
    if card.calibration is not None:
        scans[after] = scans[after].rescored(card.calibration.parameters)
    measured = _measured(job, scans, synthetic=parts.synthetic)
    metrics = measured.metrics([(after, before)])
    patients = {image.truth.patient for image in scans[after].images}
    verdict = Verdict.of(metrics, before, after, len(patients))
    _write_numbers(job, measured, metrics)
    metrics = (*metrics, *measured.at(after, card.operating_points))
    card = _card(source, after, job.data, card.model_copy(update={"metrics": metrics}), parts, verdict)
    package = write_network_package(job.out / (ACCEPTED if verdict.accepted else REJECTED), card, fit.module)
    failed = len(views.failed) + seen.left_out + measured.left_out
    account = Account.of(source, job.data, parts, verdict, failed=failed, without_lesions=work.without_lesions)
    with replacing(job.out / "finetune.json") as file:
        file.write(account.model_dump_json(indent=1).encode())
    return Finetuned(package, account)


def _read(job: Job[SegmenterRecipe], fitted: Fitted, seen: Scan) -> Card:
    """The card with thresholds and calibration; without the latter where there are only hits, or only false marks."""
    if seen.labels.any() and not seen.labels.all():
        return make_card(job, fitted, reading_of(job, seen))
    marking = choose_points(seen.images, job.recipe.operating_points, job.data)
    return make_card(job, fitted, None).model_copy(
        update={
            "score_floor": marking.score_floor,
            "operating_points": marking.operating_points,
            "default_operating_point": job.recipe.default_operating_point,
        }
    )


def _measured(job: Job[SegmenterRecipe], scans: Mapping[str, Scan], *, synthetic: bool) -> Measured:
    """Both packages on the patients held out."""
    return Measured(
        {name: one.images for name, one in scans.items()},
        "test",
        job.data,
        job.seed,
        remark="the lesions are synthetic" if synthetic else None,
        left_out=next(iter(scans.values())).left_out,
    )


def _write_numbers(job: Job[SegmenterRecipe], measured: Measured, metrics: Sequence[Metric]) -> None:
    """As a figure and a table."""
    drawing = froc_drawing("froc-test", "Before and after", measured.curves, measured)
    write_figures([drawing], job.out / "figures")
    write_tables(job.out / "tables", {"metrics": metrics})


def _names(card: Card) -> tuple[str, str]:
    """What the packages before and after are called; they are told apart, fine-tuned as often as may be."""
    after = card.name.removesuffix(_SUFFIX) + _SUFFIX
    return (f"{card.name}-before" if card.name == after else card.name), after


def _card(source: Package, name: str, data: str, card: Card, parts: Parts, verdict: Verdict) -> Card:
    """The card of a package that was trained anew, as that of one that was fine-tuned."""
    old, training = source.card, card.training
    lesions = f", {parts.inserted} of them normal ones with synthetic lesions" if parts.inserted else ""
    images, patients = count(training.images or 0, "image"), count(training.patients or 0, "patient")
    on = f"{images} of {patients} of {data}{lesions}"
    measured_on = "The lesions that it was measured on are synthetic. " if parts.synthetic else ""
    decided = "accepted" if verdict.accepted else "NOT accepted: use the earlier package"
    return card.model_copy(
        update={
            "name": name,
            "title": f"{old.title}; fine-tuned",
            "limitations": f"Fine-tuned from {old.name} (SHA-256 {source.sha256[:12]}...) on {on}. "
            f"{verdict}: {decided}. {measured_on}{card.limitations}",
            "training": training.model_copy(update={"data": f"{on}; before that {old.training.data}"}),
        }
    )
