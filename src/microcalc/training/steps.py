"""The steps of a training run: each leaves a file behind, so that an interrupted run goes on where it stopped."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from pydantic import Field

from microcalc.findings import Record, RecordT, read_record
from microcalc.journal import Journal
from microcalc.output import replacing


class Step(Record):
    """A finished step."""

    name: str
    seconds: float = Field(ge=0.0)
    #: Why an image was left out.
    failed: str | None = None


#: Told of each step, of how many are done and of how many there are.
OnStep = Callable[[Step, int, int], None]


class Steps:
    """The steps done so far, in a folder of their own.

    Args:
        folder: for what the steps leave behind; made where missing.
        settings: what all steps depend on.
        total: how many steps the run has.
        resume: take over the steps of an earlier run.
        on_step: told of each step that is done now.

    Raises:
        UsageError: the earlier run had other settings.
        ReadError: what it left is damaged.
        WriteError: the folder cannot be written.
    """

    def __init__(
        self, folder: Path, settings: Mapping[str, Any], *, total: int, resume: bool, on_step: OnStep | None
    ) -> None:
        self.folder = folder
        self.settings = settings
        self._journal = Journal(folder / "steps.jsonl", settings, Step, lambda _: None, resume=resume)
        self._done = {step.name: step for step in self._journal.finished}
        self._total = total
        self._on_step = on_step

    @property
    def done(self) -> tuple[Step, ...]:
        """The steps done, those of an earlier run first."""
        return tuple(self._done.values())

    def has(self, name: str) -> bool:
        """Whether a step is done."""
        return name in self._done

    def note(self, step: Step) -> None:
        """A step is done and what it leaves is written."""
        self._journal.add(step)
        self._done[step.name] = step
        if self._on_step is not None:
            self._on_step(step, len(self._done), self._total)

    def record(self, name: str, kind: type[RecordT], make: Callable[[], RecordT]) -> RecordT:
        """What a step makes: read where an earlier run has made it, and else made, written and noted."""
        path = self.folder / f"{name}.json"
        if self.has(name):
            return read_record(kind, path, f"what the step {name} of the earlier run has left")
        started = time.perf_counter()
        made = make()
        with replacing(path) as file:
            file.write(made.model_dump_json(indent=1).encode())
        self.note(Step(name=name, seconds=round(time.perf_counter() - started, 2)))
        return made
