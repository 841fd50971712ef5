"""A run's phases, such as a fit and the looks at the images held out, told of in one count of their parts."""

from __future__ import annotations

import dataclasses
import itertools
from collections.abc import Mapping

from microcalc.training.job import Job, RecipeT
from microcalc.training.steps import Step, Steps


class Phases:
    """The phases of one run, in their order; each is one of its steps.

    Args:
        job: whose recipe, seed and data they depend on.
        sizes: phase -> parts that are told of one by one.
        options: what they depend on beside those.

    Raises:
        UsageError: the earlier run that is to be gone on with was another one.
    """

    def __init__(self, job: Job[RecipeT], sizes: Mapping[str, int], **options: int | str) -> None:
        self._sizes = sizes
        self._on_step = job.on_step
        self.steps: Steps = dataclasses.replace(job, on_step=None).steps(len(sizes), **options)

    def tell(self, phase: str, done: int, step: Step) -> None:
        """``done`` parts of a phase are."""
        if self._on_step is not None:
            before = itertools.takewhile(lambda name: name != phase, self._sizes)
            self._on_step(step, sum(self._sizes[name] for name in before) + done, sum(self._sizes.values()))

    def note(self, phase: str, seconds: float) -> None:
        """A phase is done, now or by the earlier run that this one goes on from."""
        if not self.steps.has(phase):
            self.steps.note(Step(name=phase, seconds=round(seconds, 2)))
