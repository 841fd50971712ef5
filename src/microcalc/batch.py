"""Many tasks on whatever executor is passed in; a worker process that dies costs only the task it died of."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import Executor, Future, as_completed
from concurrent.futures.process import BrokenProcessPool
from typing import TypeVar

from microcalc.errors import WriteError

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


def _pooled(
    tasks: Sequence[Task], process: Callable[[Task], Result], make_executor: MakeExecutor
) -> Iterator[tuple[Task, Result]]:
    with make_executor() as executor:
        futures = {executor.submit(process, task): task for task in tasks}
        try:
            yield from _finished(futures)
        except (KeyboardInterrupt, WriteError):
            under_way = {future: task for future, task in futures.items() if not future.cancel()}
            for future in as_completed(under_way):
                if future.exception() is None:
                    yield under_way[future], future.result()
            raise
        finally:
            executor.shutdown(wait=True, cancel_futures=True)


def _finished(futures: dict[Future[Result], Task]) -> Iterator[tuple[Task, Result]]:
    """Results as they come; each is taken out of the dictionary, so that none is told twice."""
    for future in as_completed(list(futures)):
        yield futures.pop(future), future.result()


def _alone(
    task: Task, process: Callable[[Task], Result], died: Callable[[Task], Result], make_executor: MakeExecutor
) -> Result:
    try:
        return next(result for _, result in _pooled([task], process, make_executor))
    except BrokenProcessPool:
        return died(task)
