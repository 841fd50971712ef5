"""A training run of a Faster R-CNN, step by step.

Patches with calcifications are cut and boxed, and a network fitted to those of the training part, watched on
validation. What it then finds on whole validation images gives calibration and operating points. Only when all that is
fixed are the test images looked at, once, beside other detectors, for the numbers on the card.
"""

from __future__ import annotations

import dataclasses
import time

import torch

from microcalc.errors import UsageError
from microcalc.models.card import CARD
from microcalc.models.network_files import write_network_package
from microcalc.models.torch_network import torch_device
from microcalc.output import remove
from microcalc.recipe import FasterRcnnRecipe
from microcalc.training.assessment import assess, held_out
from microcalc.training.faster_rcnn_card import Trainee, make_card
from microcalc.training.faster_rcnn_fit import FIT, check_start, fit_boxes, score_boxes, steps_of
from microcalc.training.job import Job, Trained
from microcalc.training.marked_patches import open_marked
from microcalc.training.phases import Phases
from microcalc.training.smoke_studies import smoke_studies

_IF_UNREADABLE = "give more epochs (fitting.stopping.epochs), a lower scanning.score_floor, or more validation images"


def run(job: Job[FasterRcnnRecipe]) -> Trained:
    """Train a Faster R-CNN and write its package (see :func:`microcalc.training.run.train`)."""
    device = _device(job)
    check_start(job)
    if job.table is None:
        job = dataclasses.replace(job, table=smoke_studies(job.out / "work" / "data", job.make_executor))
    images = held_out(job)
    started = time.perf_counter()
    parts = open_marked(job)
    phases = Phases(job, {"patches": 1, FIT: steps_of(job.recipe, parts)} | images.looks(job.recipe))
    phases.note("patches", time.perf_counter() - started)
    remove(job.out / "package" / CARD)  # without one, no package of an earlier run is taken for this one's
    fit = fit_boxes(job, parts, phases, device)
    test = score_boxes(fit.module, parts.test, job.recipe, device) if parts.test else None
    trainee = Trainee(fit, parts, test)
    module = fit.module.cpu()
    raw = write_network_package(job.out / "work" / "uncalibrated", make_card(job, trainee, None), module)
    reading = assess(job, phases, raw, images, if_unreadable=_IF_UNREADABLE)
    package = write_network_package(job.out / "package", make_card(job, trainee, reading), module)
    return Trained(package, phases.steps, str(device))


def _device(job: Job[FasterRcnnRecipe]) -> torch.device:
    """What the network is fitted on.

    Raises:
        UsageError: there is no such device, or more is asked for than this way to train can.
    """
    if job.compute.gpus > 1:
        raise UsageError(
            expected="one device for a Faster R-CNN", found=f"--gpus {job.compute.gpus}", do="leave it out"
        )
    return torch_device(job.compute.device)
