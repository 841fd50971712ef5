"""The job behind ``microcalc detect``: files and folders in, a report out, one bad file never stopping the rest."""

from __future__ import annotations

import dataclasses
import hashlib
import os
import shutil
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

import microcalc
from microcalc.batch import MakeExecutor, death, work
from microcalc.detectors import DEFAULT_DETECTOR, Detection, Detector, load_detector
from microcalc.errors import MicrocalcError, NotAnImageError, ReadError, UsageError
from microcalc.findings import DetectorInfo, Failure, ImageFindings, OperatingPoint, Report, RunInfo
from microcalc.imageio import find_images, read_mammogram
from microcalc.journal import Journal
from microcalc.mammogram import check_spacing
from microcalc.models.runtime import Precision, RuntimeName
from microcalc.output import (
    PSEUDONYM,
    has_pictures,
    image_key,
    is_own_picture,
    remove,
    replacing,
    write_pictures,
    write_report,
    write_tables,
)
from microcalc.provenance import write_run_record

FORMATS = ("json", "csv", "html", "overlay")

Outcome = ImageFindings | Failure | None
OnOutcome = Callable[[Outcome, int, int], None]


@dataclass(frozen=True)
class DetectionOptions:
    """How images are read and detected; the same for every image of a run."""

    detector: str = DEFAULT_DETECTOR
    operating_point: str | None = None
    #: "auto" or a device of the detector.
    device: str = "auto"
    #: Of a detector with a network.
    runtime: RuntimeName = "auto"
    precision: Precision = "f32"
    #: Pixel pitch of all images, mm; None: what each file says.
    spacing_mm: float | None = None
    #: Read DICOM modalities other than those of mammography.
    force: bool = False
    #: An image about whose reading there is any doubt (a warning) fails.
    strict: bool = False
    #: Name images by their content and studies by a hash, in every output.
    pseudonymise: bool = False

    def __post_init__(self) -> None:
        if self.spacing_mm is not None:
            try:
                check_spacing((self.spacing_mm, self.spacing_mm))
            except MicrocalcError as error:
                raise UsageError(expected=error.expected, found=error.found, do=error.do) from error

    def load_detector(self) -> Detector:
        """The detector, as it is to be computed.

        Raises:
            UsageError: there is none, or it cannot be computed so.
            ReadError: something about its package is not as it should be.
        """
        return load_detector(self.detector, runtime=self.runtime, precision=self.precision, device=self.device)


@dataclass(frozen=True)
class Task:
    """One image to process: all that a worker process needs to know."""

    path: Path
    #: How outputs name the image.
    name: str
    #: The user named the file outright; a file found in a folder may turn out to hold no image.
    named: bool
    options: DetectionOptions
    #: The run's folder of pictures, and which are drawn of this image.
    pictures: Path | None = None
    overlay: bool = False
    report: bool = False


def detect(
    inputs: str | os.PathLike[str] | Sequence[str | os.PathLike[str]],
    *,
    detector: str = DEFAULT_DETECTOR,
    operating_point: str | None = None,
    spacing_mm: float | None = None,
    force: bool = False,
) -> Report:
    """Find microcalcifications on mammograms.

    Args:
        inputs: a DICOM, PNG, JPEG, TIFF or PGM file, a folder, or several of these.
        detector: as :func:`~microcalc.detectors.load_detector` takes it: a name, or the path of a model package.
        operating_point: one of the detector's; its default one by default.
        spacing_mm: pixel pitch, mm, instead of what the files say.
        force: read DICOM modalities other than those of mammography.

    Returns:
        The findings of every image that could be read, and in ``failed`` those that could not.

    Raises:
        UsageError: no such detector or operating point.
        ReadError: not one image could be processed, or the detector's package is not as it should be.
    """
    paths = [inputs] if isinstance(inputs, str | os.PathLike) else list(inputs)
    spacing = None if spacing_mm is None else float(spacing_mm)
    options = DetectionOptions(detector, operating_point, spacing_mm=spacing, force=force)
    run = _Run([Path(path) for path in paths], options)
    report = run.report([process(task) for task in run.tasks])
    if not report.images:
        reasons = "; ".join(f"{failure.path}: {failure.reason}" for failure in report.failed[:1])
        raise ReadError(
            expected="at least one mammogram",
            found=reasons or "other DICOM objects only",
            do="check the path",
            where=", ".join(os.fspath(path) for path in paths),
        )
    return report


def detect_to_folder(
    inputs: Sequence[Path],
    out: Path,
    options: DetectionOptions,
    *,
    formats: Sequence[str] = FORMATS,
    make_executor: MakeExecutor | None = None,
    resume: bool = False,
    on_outcome: OnOutcome | None = None,
) -> Report:
    """Detect, and write ``findings.json``, ``run.json`` and what else is asked for into a folder.

    An interruption (Ctrl-C) ends the run early: what is finished is written, and ``resume`` goes on from there.

    Args:
        inputs: files and folders.
        out: made where missing.
        options: how to read and detect.
        formats: out of ``FORMATS``; findings.json is always written.
        make_executor: makes the pool that works on the images; None, or a single image: the work is done here.
        resume: take over what an earlier run into the same folder has finished.
        on_outcome: called after each image with its outcome, the number done and the number of all.

    Raises:
        UsageError: no such detector, operating point or format; or an earlier run that does not match.
        ReadError: there is no image among the inputs.
        WriteError: the folder cannot be written.
        KeyboardInterrupt: after everything finished has been written.
    """
    unknown = sorted(set(formats) - set(FORMATS))
    if unknown:
        raise UsageError(
            expected=f"formats out of {', '.join(FORMATS)}", found=", ".join(unknown), do="choose of those"
        )
    run = _Run(inputs, options, out / "pictures", overlay="overlay" in formats, report="html" in formats)
    settings = {
        "package": {"version": microcalc.__version__},
        "detector": run.info.model_dump(),
        "options": dataclasses.asdict(options),
        "inputs": {"root": run.root},
    }
    journal = Journal(out / "findings.partial.jsonl", settings, ImageFindings, _results, resume=resume)
    outcomes, interruption = _work_through(run.tasks, journal, make_executor, on_outcome)
    report = run.report(outcomes)
    _write_all(report, out, run.point, formats)
    write_run_record(
        out / "run.json",
        settings,
        {
            "seed": None,
            "run": report.run.model_dump(),
            "seconds": {image.path: image.seconds for image in report.images},
            "failed": len(report.failed),
        },
    )
    if interruption:
        raise interruption
    journal.remove()
    return report


def _work_through(
    tasks: Sequence[Task],
    journal: Journal[ImageFindings],
    make_executor: MakeExecutor | None,
    on_outcome: OnOutcome | None,
) -> tuple[list[Outcome], KeyboardInterrupt | None]:
    """The outcomes of all tasks that an earlier run or this one has done, in their order; and what ended it early."""
    earlier = {image.path: image for image in journal.finished}
    outcomes: dict[str, Outcome] = {task.name: earlier[task.name] for task in tasks if _is_done(task, earlier)}
    todo = [task for task in tasks if task.name not in outcomes]
    interruption: KeyboardInterrupt | None = None
    try:
        for task, outcome in work(todo, process, _died, make_executor if len(todo) > 1 else None):
            outcomes[task.name] = outcome
            if isinstance(outcome, ImageFindings):
                journal.add(outcome)
            if on_outcome:
                on_outcome(outcome, len(outcomes), len(tasks))
    except KeyboardInterrupt as signal:
        interruption = signal
    return [outcomes[task.name] for task in tasks if task.name in outcomes], interruption


def process(task: Task) -> Outcome:
    """Read one image, detect, and draw what is asked; a failure comes back as a value, a non-image as None."""
    try:
        detection = _detect(task)
        if task.pictures is not None:
            _draw(task, detection, task.pictures / image_key(task.name))
        return detection.findings
    except NotAnImageError as error:
        return Failure(path=task.name, reason=error.reason) if task.named else None
    except MicrocalcError as error:
        return Failure(path=task.name, reason=error.reason)
    except Exception as error:  # a fault of ours must not cost the rest of the batch
        detail = "" if task.options.pseudonymise else f": {error}"
        return Failure(path=task.name, reason=f"unexpected {type(error).__name__}{detail}; please report this")


def _draw(task: Task, detection: Detection, folder: Path) -> None:
    shutil.rmtree(folder, ignore_errors=True)  # what an earlier run drew belongs to other findings
    if task.overlay or task.report:
        write_pictures(
            detection.mammogram,
            detection.breast,
            detection.findings,
            task.options.load_detector().operating_point(task.options.operating_point).threshold,
            folder,
            overlay=task.overlay,
            report=task.report,
        )


def _detect(task: Task) -> Detection:
    options = task.options
    detector = options.load_detector()
    mammogram = read_mammogram(task.path, force=options.force, spacing_mm=options.spacing_mm)
    detection = detector.detect(mammogram, detector.operating_point(options.operating_point), task.name)
    findings = detection.findings
    if options.strict and findings.doubts:
        raise ReadError(
            expected="an image read without doubt (--strict)",
            found=findings.doubts[0],
            do="mend that, or leave --strict out",
        )
    if options.pseudonymise:
        hidden = findings.model_copy(
            update={"study": _pseudonym(findings.study), "sop_instance_uid": _pseudonym(findings.sop_instance_uid)}
        )
        return Detection(detection.mammogram, detection.breast, hidden)
    return detection


class _Run:
    """What a run consists of, fixed before the first image is read."""

    def __init__(
        self,
        inputs: Sequence[Path],
        options: DetectionOptions,
        pictures: Path | None = None,
        *,
        overlay: bool = False,
        report: bool = False,
    ) -> None:
        self._started, self._clock = datetime.now(UTC), time.perf_counter()
        detector = options.load_detector()
        self.point: OperatingPoint = detector.operating_point(options.operating_point)
        self.info: DetectorInfo = detector.info(self.point)
        self._device = detector.device(options.device)
        # Results may lie among the inputs.
        found = [image for image in find_images(inputs) if image.named or not is_own_picture(image.path)]
        if not found:
            raise ReadError(
                expected="DICOM, PNG, JPEG, TIFF or PGM files",
                found="none",
                do="check the path",
                where=", ".join(map(str, inputs)) or None,
            )
        root = _common_folder(inputs)
        self.root = "pseudonymised" if options.pseudonymise else _text(root)
        self.tasks: list[Task] = []
        names = set()
        for number, image in enumerate(found, start=1):
            name = (
                _content_name(image.path, number)
                if options.pseudonymise
                else _text(Path(os.path.relpath(image.path.absolute(), root)))
            )
            if name not in names:  # under --pseudonymise, copies of one image are one image
                names.add(name)
                self.tasks.append(Task(image.path, name, image.named, options, pictures, overlay, report))

    def report(self, outcomes: Sequence[Outcome]) -> Report:
        """The report of what has been done, in the order of the inputs."""
        return Report(
            root=self.root,
            detector=self.info,
            run=RunInfo(
                microcalc=microcalc.__version__,
                device=self._device,
                started=self._started.isoformat(timespec="seconds"),
                seconds=round(time.perf_counter() - self._clock, 3),
            ),
            images=tuple(outcome for outcome in outcomes if isinstance(outcome, ImageFindings)),
            failed=tuple(outcome for outcome in outcomes if isinstance(outcome, Failure)),
        )


def _died(task: Task) -> Outcome:
    return death(task.name)


def _write_all(report: Report, out: Path, point: OperatingPoint, formats: Sequence[str]) -> None:
    if (out / "run.json").exists():
        for name in ("calcifications.csv", "clusters.csv", "report.html"):
            remove(out / name)  # the earlier run's must not stand beside these findings
    with replacing(out / "findings.json") as file:
        file.write(report.to_json().encode())
    if "csv" in formats:
        write_tables(report, out)
    if "html" in formats:
        write_report(report, out / "pictures", out / "report.html", f"{point.name}: {point.false_positives}")


def _results(folder: Path) -> Sequence[ImageFindings] | None:
    """The images that a complete run into the folder has left."""
    path = folder / "findings.json"
    return Report.from_json(path).images if path.exists() else None


def _is_done(task: Task, earlier: Mapping[str, ImageFindings]) -> bool:
    """Whether an earlier run has left the findings of this image, and the pictures asked for now."""
    if task.name not in earlier or task.pictures is None:
        return False
    folder = task.pictures / image_key(task.name)
    return has_pictures(folder, earlier[task.name], overlay=task.overlay, report=task.report)


def _common_folder(inputs: Sequence[Path]) -> Path:
    folders = [path.absolute() if os.path.isdir(path) else path.absolute().parent for path in inputs]  # noqa: PTH112
    return Path(os.path.commonpath(folders))


def _text(path: Path) -> str:
    """A path as POSIX text; bytes of its name that are no text come out as \\xNN."""
    return os.fsencode(path.as_posix()).decode("utf-8", "backslashreplace")


def _content_name(path: Path, number: int) -> str:
    """A name made of the file's content alone: a hash of its path could be found by trying likely names."""
    try:
        with path.open("rb") as file:
            return f"{PSEUDONYM}{hashlib.file_digest(file, 'sha256').hexdigest()[:24]}"
    except OSError:
        return f"unreadable-{number}"


def _pseudonym(uid: str | None) -> str | None:
    """A UID made of the hash of another (PS3.5 B.2: 2.25 and up to 39 digits)."""
    if uid is None:
        return None
    return f"2.25.{int.from_bytes(hashlib.sha256(uid.encode()).digest()[:16], 'big')}"
