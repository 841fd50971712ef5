"""The steps of fine-tuning: lesions put into normal images, images made ready, the network fitted, packages asked."""

from __future__ import annotations

import functools
import time
from dataclasses import dataclass
from pathlib import Path

from microcalc import findings
from microcalc.batch import death, work
from microcalc.datasets import Record, Table
from microcalc.detection import Outcome
from microcalc.errors import MicrocalcError, WriteError
from microcalc.findings import Failure, ImageFindings, Report
from microcalc.models import Package
from microcalc.models.torch_network import load_torch, torch_device
from microcalc.output import remove
from microcalc.recipe import SegmenterRecipe
from microcalc.synthesis.generate import Outcome as Drawn
from microcalc.training.image_draws import ImageDraws
from microcalc.training.inserted import with_lesions
from microcalc.training.job import Job
from microcalc.training.map_fit import LAST, MapFit, fit_maps
from microcalc.training.scan import FINDINGS, scan
from microcalc.training.steps import Step
from microcalc.training.view_cache import CachedView, cache_view
from microcalc.training.window_batches import WindowBatches

#: Views, fit, and three looks: at validation, and with both packages at the test part.
_STEPS = 5


class Views(findings.Record):
    """The images to train on, as they lie on disk, and those that could not be read."""

    views: tuple[CachedView, ...]
    failed: tuple[Failure, ...]


@dataclass(frozen=True, eq=False)
class _Image:
    """An image to train on: all that a worker process needs to know."""

    record: Record
    spacing_mm: float
    folder: Path


def _cached(image: _Image) -> CachedView | Failure:
    try:
        return cache_view(image.record, image.spacing_mm, image.folder)
    except WriteError:
        raise
    except MicrocalcError as error:
        return Failure(path=image.record.truth.path, reason=error.reason)


def _died(image: _Image) -> CachedView | Failure:
    return death(image.record.truth.path)


class FinetuneSteps:
    """The steps of one run; what an earlier run has left of them is taken over where it is resumed."""

    def __init__(self, job: Job[SegmenterRecipe], copies: int) -> None:
        self._job, self._copies = job, copies
        self.steps = job.steps(_STEPS, copies=copies)
        #: Copies of patients' normal images that no lesion could be put into.
        self.without_lesions = 0

    def put_in(self, table: Table) -> Table:
        """The normal images of a part with lesions: those to train on several times over, others once."""
        side = str(table[0].truth.split)

        def on_study(drawn: Drawn, done: int, total: int) -> None:
            self.without_lesions += isinstance(drawn, Failure)
            self._tell(f"lesions for {side}, {done} of {total}", drawn)

        return with_lesions(
            table,
            self.steps.folder / "lesions" / side,
            copies=self._copies if side == "train" else 1,
            seed=self._job.seed,
            make_executor=self._job.make_executor,
            resume=self._job.resume,
            on_study=on_study,
        )

    def views(self, table: Table) -> Views:
        """The images to train on, made ready for windows to be read from."""
        return self.steps.record("views", Views, functools.partial(self._views, table))

    def _views(self, table: Table) -> Views:
        folder = (self.steps.folder / "views").resolve()  # a run may be resumed from another working directory
        images = [_Image(record, self._job.recipe.spacing_mm, folder) for record in table]
        made: dict[Path, CachedView | Failure] = {}
        for image, outcome in work(images, _cached, _died, self._job.make_executor):
            made[image.record.path] = outcome
            self._tell(f"image {len(made)} of {len(images)} to train on", outcome)
        in_order = [made[record.path] for record in table]
        return Views(
            views=tuple(one for one in in_order if isinstance(one, CachedView)),
            failed=tuple(one for one in in_order if isinstance(one, Failure)),
        )

    def fit(self, source: Package, views: Views, *, workers: int) -> MapFit:
        """The network, from the weights of a package on; ``workers`` processes draw windows meanwhile."""
        job, checkpoint, started = self._job, self.steps.folder / LAST, time.perf_counter()
        if not job.resume:
            remove(checkpoint)
        draws, fitting = ImageDraws(views.views), job.recipe.fitting

        def windows(first: int) -> WindowBatches:
            return WindowBatches(
                draws, job.recipe.windows, fitting.augmentation, job.seed, first=first, steps=fitting.steps
            )

        def on_steps(step: int, loss: float) -> None:
            self._tell(f"step {step} of {fitting.steps}, loss {loss:.3g}", seconds=time.perf_counter() - started)

        device = torch_device(job.compute.device)
        fit = fit_maps(
            load_torch(source), windows, fitting, checkpoint, device=device, workers=workers, on_steps=on_steps
        )
        self._note("fit", started)
        return fit

    def scan(self, name: str, table: Table, package: Package) -> Report:
        """What a package finds on a part; asked once."""
        folder, started = self.steps.folder / "scans" / name, time.perf_counter()
        if self.steps.has(name):
            return Report.from_json(folder / FINDINGS)

        def on_outcome(outcome: Outcome, done: int, total: int) -> None:
            self._tell(f"{name}, image {done} of {total}", outcome)

        report = scan(
            table,
            str(package.path),
            folder,
            make_executor=self._job.make_executor,
            resume=self._job.resume,
            on_outcome=on_outcome,
        )
        self._note(name, started)
        return report

    def _note(self, name: str, started: float) -> None:
        if not self.steps.has(name):
            self.steps.note(Step(name=name, seconds=round(time.perf_counter() - started, 2)))

    def _tell(self, name: str, outcome: object = None, seconds: float = 0.0) -> None:
        """Of a part of a step."""
        if self._job.on_step is not None:
            failed = outcome.reason if isinstance(outcome, Failure) else None
            seconds = outcome.seconds if isinstance(outcome, ImageFindings) else seconds
            self._job.on_step(Step(name=name, seconds=seconds, failed=failed), len(self.steps.done), _STEPS)
