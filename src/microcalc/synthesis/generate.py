"""The job behind ``microcalc synthesize``: plans in, a set laid out on disk with its truth, study by study."""

from __future__ import annotations

import contextlib
import itertools
import json
import shutil
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeVar

import numpy as np

from microcalc.batch import MakeExecutor, work
from microcalc.errors import MicrocalcError, UsageError, WriteError
from microcalc.findings import Failure, Record
from microcalc.journal import Journal
from microcalc.output import replacing
from microcalc.provenance import write_run_record
from microcalc.synthesis.device import DEFAULT_DEVICE
from microcalc.synthesis.layouts import LAYOUTS
from microcalc.synthesis.lesions import Difficulty
from microcalc.synthesis.normals import InsertionPlan, draw_insertions
from microcalc.synthesis.phantom import Density
from microcalc.synthesis.plans import VERSIONS, check, check_set, key_of, plain
from microcalc.synthesis.study import StudyPlan, draw_study
from microcalc.truth import ImageTruth, Split, Truth

Plan = StudyPlan | InsertionPlan
Key = TypeVar("Key")

_JOURNAL, _TRUTH, _RUN = "studies.partial.jsonl", "truth.json", "run.json"


class StudyRecord(Record):
    """A finished study."""

    #: As its plan calls the patient.
    patient: str
    #: Hash of its plan: another plan draws other pictures.
    plan: str
    images: tuple[ImageTruth, ...]


Outcome = StudyRecord | Failure
OnStudy = Callable[[Outcome, int, int], None]


def plan_studies(
    count: int,
    seed: int,
    *,
    normal_share: float = 0.4,
    split_shares: Mapping[Split, float] | None = None,
    difficulty: Difficulty = Difficulty(),  # noqa: B008  # frozen
    device: str | None = None,
    density: Density | None = None,
    spacing_mm: float | None = None,
    shape: tuple[int, int] | None = None,
) -> list[StudyPlan]:
    """Plans of ``count`` patients; the first ones are the same whatever the count.

    Args:
        count: 1 or more.
        seed: of the set, 0 or more; every patient has one of its own, drawn from it.
        normal_share: of patients without any calcium, 0 to 1. In one of three others, one breast has none either.
        split_shares: of patients on each side of the split, adding up to 1, with and without calcium alike.
        difficulty: the dial.
        device: one of ``DEVICES`` for all; None: drawn for each.
        density: ACR density of all; None: drawn for each.
        spacing_mm: pixel pitch; None: the device's own.
        shape: (rows, columns) of the detector; None: the device's own.

    Raises:
        UsageError: a value out of range.
    """
    check_set(count, seed, normal_share)
    shares = (split_shares or {}).values()
    check(
        not shares or (min(shares) >= 0 and abs(sum(shares) - 1) < 1e-6),
        "split shares of 0 to 1 that add up to 1",
        str(split_shares),
    )
    kinds = _in_turn({False: 1 - normal_share, True: normal_share})
    splits = {normal: _in_turn(split_shares or {None: 1.0}) for normal in (False, True)}
    return [
        StudyPlan(
            patient=f"synthetic-{number:04}",
            number=number,
            seed=int(np.random.SeedSequence([seed, number]).generate_state(1, np.uint64)[0]),
            normal=normal,
            split=next(splits[normal]),
            difficulty=difficulty,
            device=device,
            density=density,
            spacing_mm=spacing_mm,
            shape=shape,
        )
        for number, normal in enumerate(itertools.islice(kinds, count), start=1)
    ]


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

    Pictures are those of the device ``DEFAULT_DEVICE``, see :func:`draw_study`. Files are named like
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
    plan = StudyPlan(
        patient, 1, seed, normal, density=density, device=DEFAULT_DEVICE, spacing_mm=spacing_mm, shape=shape
    )
    _forget(folder / _TRUTH)
    truth = Truth(root=".", images=_write_pictures(plan, folder, "truth"))
    with replacing(folder / _TRUTH) as file:
        file.write(truth.to_json().encode())
    return truth


def synthesize(
    plans: Sequence[Plan],
    out: Path,
    *,
    layout: str = "truth",
    make_executor: MakeExecutor | None = None,
    resume: bool = False,
    on_study: OnStudy | None = None,
) -> Truth:
    """Draw the planned studies and lay them out in a folder, with ``truth.json`` and ``run.json``.

    A study's files appear once it is finished. An interruption (Ctrl-C) or a full disk ends the run early: what is
    finished is kept and described, and ``resume`` goes on from there. A study that fails costs itself alone.

    Args:
        plans: of patients and numbers that are all different.
        out: made where missing; files of the same names are replaced, others are left alone.
        layout: one of ``LAYOUTS``.
        make_executor: makes the pool that draws the studies; None: they are drawn here.
        resume: take over what an earlier run into the same folder has finished; its plans must be those given now.
        on_study: called after each study with its outcome, the number done and the number of all.

    Returns:
        The truth of all finished studies, in the order of the plans.

    Raises:
        UsageError: no such layout, plans that exclude each other or the earlier run's, another set's truth in ``out``.
        WriteError: the folder cannot be written, or not any more.
        KeyboardInterrupt: after everything finished has been described.
    """
    _check_plans(plans, layout)
    _check_folder(plans, out, layout, resume=resume)
    clock = time.perf_counter()
    settings = {"package": VERSIONS, "set": {"layout": layout}}
    tasks = [_Task(plan, out, layout) for plan in plans]
    whole = not (out / _JOURNAL).exists()
    journal = Journal(out / _JOURNAL, settings, StudyRecord, _results, resume=resume)
    try:
        outcomes: dict[str, Outcome] = _earlier(journal.finished, tasks)
    except UsageError:
        if whole:
            journal.remove()
        raise
    if not resume:  # from here on files are replaced, and what is known of the earlier ones holds no more
        _forget(out / _TRUTH, out / _RUN)
    todo = [task for task in tasks if task.plan.patient not in outcomes]
    stopped: KeyboardInterrupt | WriteError | None = None
    try:
        for task, outcome in work(todo, _draw, _died, make_executor if len(todo) > 1 else None):
            outcomes[task.plan.patient] = outcome
            if isinstance(outcome, StudyRecord):
                journal.add(outcome)
            if on_study:
                on_study(outcome, len(outcomes), len(tasks))
    except (KeyboardInterrupt, WriteError) as reason:
        stopped = reason
    truth = _describe(tasks, outcomes, settings, time.perf_counter() - clock)
    if stopped:
        raise stopped
    journal.remove()
    return truth


@dataclass(frozen=True)
class _Task:
    """One study to draw: all that a worker process needs to know."""

    plan: Plan
    out: Path
    layout: str

    @property
    def key(self) -> str:
        """Hash of the plan."""
        return key_of(self.plan)

    @property
    def described(self) -> dict[str, Any]:
        """The plan for the record; a user's own files may be named after patients, and are left out."""
        return {"sha256": self.key} | {name: value for name, value in plain(self.plan).items() if name != "paths"}


def _draw(task: _Task) -> Outcome:
    """Draw and write one study; a failure comes back as a value, but for a disk that cannot be written."""
    plan = task.plan
    try:
        images = _write_pictures(plan, task.out, task.layout)
        if images:
            return StudyRecord(patient=plan.patient, plan=task.key, images=images)
        views = " or ".join(LAYOUTS[task.layout].views)
        raise MicrocalcError(
            expected=f"{views} views, which the layout {task.layout} holds", found="none", do="choose another layout"
        )
    except WriteError:
        raise
    except MicrocalcError as error:
        return Failure(path=plan.patient, reason=error.reason)
    except Exception as error:  # a fault of ours must not cost the rest of the batch
        detail = f": {error}" if isinstance(plan, StudyPlan) else ""  # it could name a user's own file
        return Failure(path=plan.patient, reason=f"unexpected {type(error).__name__}{detail}; please report this")


def _write_pictures(plan: Plan, out: Path, layout: str) -> tuple[ImageTruth, ...]:
    """Write a study's files below ``out``, all or none; their truths in the order of the images in the study."""
    chosen = LAYOUTS[layout]
    stage = out / f".{plan.patient}.part"
    pictures = draw_study(plan) if isinstance(plan, StudyPlan) else draw_insertions(plan)
    truths: dict[int, ImageTruth] = {}
    shutil.rmtree(stage, ignore_errors=True)  # a run that was killed may have left some of it
    try:
        with _writing(out):
            for picture in pictures:
                if picture.truth.view in chosen.views:
                    stage.mkdir(parents=True, exist_ok=True)
                    truths[picture.instance] = chosen.write(stage, picture)
            for path in sorted(stage.rglob("*")):
                if path.is_file():
                    (out / path.relative_to(stage)).parent.mkdir(parents=True, exist_ok=True)
                    path.replace(out / path.relative_to(stage))
    finally:
        shutil.rmtree(stage, ignore_errors=True)
    return tuple(truth for _, truth in sorted(truths.items()))


def _forget(*paths: Path) -> None:
    for path in paths:
        with _writing(path.parent):
            path.unlink(missing_ok=True)


@contextlib.contextmanager
def _writing(folder: Path) -> Iterator[None]:
    """The system's refusals as WriteError."""
    try:
        yield
    except OSError as error:
        # pydicom raises the system's error anew, with a traceback for its text.
        system = error if error.strerror else error.__cause__
        raise WriteError(
            expected="a folder to write studies into",
            found=getattr(system, "strerror", None) or type(error).__name__,
            do="check its permissions and the free disk space",
            where=folder,
        ) from error


def _died(task: _Task) -> Outcome:
    reason = "expected a study that can be drawn, found one on which the process dies; try with fewer --jobs"
    return Failure(path=task.plan.patient, reason=reason)


def _describe(
    tasks: Sequence[_Task], outcomes: Mapping[str, Outcome], settings: Mapping[str, Any], seconds: float
) -> Truth:
    """Write the layout's tables, ``truth.json`` and ``run.json`` for what is finished."""
    done = [outcomes[task.plan.patient] for task in tasks if task.plan.patient in outcomes]
    finished = [outcome for outcome in done if isinstance(outcome, StudyRecord)]
    truth = Truth(root=".", images=tuple(image for record in finished for image in record.images))
    out, layout = tasks[0].out, tasks[0].layout
    with replacing(out / _TRUTH) as file:
        file.write(truth.to_json().encode())
    LAYOUTS[layout].finish(out, truth.images)
    images = {record.patient: [image.path for image in record.images] for record in finished}
    facts = {
        "seconds": round(seconds, 3),
        "plans": {(name := task.plan.patient): {**task.described, "images": images.get(name, [])} for task in tasks},
        "failed": {failure.path: failure.reason for failure in done if isinstance(failure, Failure)},
    }
    write_run_record(out / _RUN, settings, facts)
    return truth


def _results(folder: Path) -> list[StudyRecord] | None:
    """The studies that a complete run into the folder has left."""
    if not (folder / _TRUTH).exists():
        return None
    images = {image.path: image for image in Truth.from_json(folder / _TRUTH).images}
    plans = json.loads((folder / _RUN).read_text(encoding="utf-8"))["plans"]
    return [
        StudyRecord(patient=patient, plan=plan["sha256"], images=tuple(images[path] for path in plan["images"]))
        for patient, plan in plans.items()
        if plan["images"]
    ]


def _earlier(records: Sequence[StudyRecord], tasks: Sequence[_Task]) -> dict[str, Outcome]:
    """What an earlier run has left of the planned studies.

    Raises:
        UsageError: a study was drawn by another plan.
    """
    known = {record.patient: record for record in records}
    left: dict[str, Outcome] = {}
    for task in tasks:
        record = known.get(task.plan.patient)
        if record is None:
            continue
        if record.plan != task.key:
            raise UsageError(
                expected="the settings of the earlier run in this folder, to resume it",
                found=f"another plan for {record.patient} (seed, device, density, difficulty or share of normals)",
                do="use another output folder, or leave --resume out",
                where=task.out,
            )
        if all((task.out / image.path).exists() for image in record.images):
            left[record.patient] = record
    return left


def _check_folder(plans: Sequence[Plan], out: Path, layout: str, *, resume: bool) -> None:
    """Raise UsageError where a run would write among its own inputs, or leave images beside a truth without them.

    Another set's truth may be somebody's work of weeks: only what a run of ours has written is replaced, by the same
    studies.
    """
    inputs = {path.resolve().parent for plan in plans if isinstance(plan, InsertionPlan) for path in plan.paths}
    if inputs & {out.resolve(), *out.resolve().parents}:
        raise UsageError(
            expected="an output folder outside the normal mammograms'",
            found="one in it",
            do="choose another",
            where=out,
        )
    try:
        run = json.loads((out / _RUN).read_text(encoding="utf-8"))
        earlier, same_layout = set(run["plans"]), run["settings"]["set"]["layout"] == layout
    except (OSError, ValueError, KeyError, TypeError):
        earlier, same_layout = set(), True
    foreign = (out / _TRUTH).exists() and not earlier and not (out / _JOURNAL).exists()
    other = earlier - {plan.patient for plan in plans} if same_layout else earlier
    if foreign or (other and not resume):
        raise UsageError(
            expected="a folder without another set",
            found="the truth of one" if foreign else f"studies of another run ({len(other)})",
            do="choose another --out",
            where=out,
        )


def _check_plans(plans: Sequence[Plan], layout: str) -> None:
    if layout not in LAYOUTS:
        raise UsageError(expected=f"a layout out of {', '.join(LAYOUTS)}", found=repr(layout), do="choose one of them")
    if not plans or len({p.patient for p in plans}) < len(plans) or len({p.number for p in plans}) < len(plans):
        raise UsageError(
            expected="plans of different patients and numbers",
            found=f"{len(plans)} plans of {len({p.patient for p in plans})} patients",
            do="give each study its own",
        )
    LAYOUTS[layout].check(max(plan.number for plan in plans))


def _in_turn(shares: Mapping[Key, float]) -> Iterator[Key]:
    """Keys without end, each as often as its share asks at any point."""
    given = dict.fromkeys(shares, 0)
    for number in itertools.count(1):
        key = max(shares, key=lambda key: shares[key] * number - given[key])
        given[key] += 1
        yield key
