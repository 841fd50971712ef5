"""Many tasks on whatever executor is passed in; a worker process that dies costs only the task it died of."""

from __future__ import annotations

import itertools
import os
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import FIRST_COMPLETED, Executor, as_completed, wait
from concurrent.futures.process import BrokenProcessPool
from typing import TypeVar

from microcalc.errors import WriteError
from microcalc.findings import Failure

#: Tasks tried again one by one after a worker process died: those that are likely to have been under way.
SUSPECTS = 2 * (os.cpu_count() or 8)

MakeExecutor = Callable[[], Executor]
Task = TypeVar("Task")
Result = TypeVar("Result")


def work(
    tasks: Sequence[Task],
    process: Callable[[Task], Result],
    died: Callable[[Task], Result],
    make_executor: MakeExecutor | None,
) -> Iterator[tuple[Task, Result]]:
    """Process the tasks, as they finish.

    After Ctrl-C, or where ``process`` raises WriteError (a full disk), what is under way is still finished and handed
    out before the exception goes on.

    Args:
        tasks: hashable, picklable values.
        process: a function of a module; what else it raises ends the work at once.
        died: the result of a task that took its process down with it.
        make_executor: makes the pool to work on; None: the work is done here, in order.
    """
    if make_executor is None:
        for task in tasks:
            yield task, process(task)
        return
    left = list(tasks)
    while left:
        try:
            for task, result in _pooled(left, process, make_executor):
                left.remove(task)
                yield task, result
        except BrokenProcessPool:
            # A damaged file can take a native decoder, and the process, down with it. Tasks start in order, so it is
            # among the first ones left: try those one by one, and go on with the rest.
            for task in left[:SUSPECTS]:
                left.remove(task)
                yield task, _alone(task, process, died, make_executor)


def death(path: str) -> Failure:
    """What is said of an image, by its path in results, that took a worker process down with it."""
    reason = "expected an image that can be read, found one on which the process dies; check the file and free memory"
    return Failure(path=path, reason=reason)


def _pooled(
    tasks: Sequence[Task], process: Callable[[Task], Result], make_executor: MakeExecutor
) -> Iterator[tuple[Task, Result]]:
    with make_executor() as executor:
        # A process pool counts tasks that wait for a worker as running: no more are handed in than it works on, so that
        # Ctrl-C need not wait for others. (Other executors do not say how many that is.)
        at_once = getattr(executor, "_max_workers", SUSPECTS)
        waiting = iter(tasks)
        under_way = {executor.submit(process, task): task for task in itertools.islice(waiting, at_once)}
        try:
            while under_way:
                future = next(iter(wait(under_way, return_when=FIRST_COMPLETED).done))
                # Before the result is told: whoever is told may well interrupt at once.
                for task in itertools.islice(waiting, 1):
                    under_way[executor.submit(process, task)] = task
                yield under_way.pop(future), future.result()
        except (KeyboardInterrupt, WriteError):
            for future in as_completed(list(under_way)):
                task = under_way.pop(future)
                if future.exception() is None:
                    yield task, future.result()
            raise
        finally:
            executor.shutdown(wait=True, cancel_futures=True)


def _alone(
    task: Task, process: Callable[[Task], Result], died: Callable[[Task], Result], make_executor: MakeExecutor
) -> Result:
    try:
        return next(result for _, result in _pooled([task], process, make_executor))
    except BrokenProcessPool:
        return died(task)
