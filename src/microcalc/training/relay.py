"""Progress told by the process that trains to the one that was called."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from dataclasses import dataclass
from multiprocessing.queues import SimpleQueue
from threading import Thread
from typing import Any

from torch.multiprocessing import get_context

from microcalc.training.steps import OnStep


@dataclass(frozen=True)
class _Relay:
    """Puts what it is told into a queue; goes to another process, as what it stands for could not."""

    queue: SimpleQueue[Any]

    def __call__(self, *told: Any) -> None:
        self.queue.put(told)


@contextlib.contextmanager
def across_processes(on_step: OnStep) -> Iterator[OnStep]:
    """What a process started meanwhile may call in place of ``on_step``, which is then called here."""
    queue: SimpleQueue[Any] = get_context("spawn").SimpleQueue()

    def hand_on() -> None:
        while (told := queue.get()) is not None:
            on_step(*told)

    thread = Thread(target=hand_on, daemon=True)
    thread.start()
    try:
        yield _Relay(queue)
    finally:
        queue.put(None)
        thread.join()
