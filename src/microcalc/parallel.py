"""Pools for the jobs that take an executor: of processes on this machine, or on the machines of a Ray cluster."""

from __future__ import annotations

import ctypes
import functools
import logging
import multiprocessing
import os
import signal
import sys
from collections.abc import Callable
from concurrent.futures import Executor, Future, ProcessPoolExecutor
from concurrent.futures.process import BrokenProcessPool
from typing import Any

from microcalc.models.extras import needs

MOST_PER_PROCESSOR = 4
_PR_SET_PDEATHSIG = 1


def process_pool(jobs: int | None = None) -> Callable[[], Executor]:
    """What makes a pool of ``jobs`` processes, by default one for each processor this process may use.

    More than ``MOST_PER_PROCESSOR`` for each would only take memory: no more are started.
    """
    # Started afresh rather than forked: a fork copies the locks of OpenCV's threads in whatever state they are.
    context = multiprocessing.get_context("spawn")
    workers = min(jobs or _processors(), MOST_PER_PROCESSOR * _processors())
    return functools.partial(ProcessPoolExecutor, workers, mp_context=context, initializer=_prepare_worker)


def _processors() -> int:
    """Processors this process may run on; a container is often given fewer than the machine has."""
    if hasattr(os, "sched_getaffinity"):
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1


def _prepare_worker() -> None:
    import cv2

    cv2.setNumThreads(1)  # the processes share the processors among them
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C is for the parent, which lets the images under way finish
    signal.signal(signal.SIGTERM, signal.SIG_DFL)
    if sys.platform == "linux":
        # A parent that is killed cannot stop its workers: let the kernel do it.
        ctypes.CDLL(None).prctl(_PR_SET_PDEATHSIG, signal.SIGKILL)


def ray_pool(jobs: int, *, gpus: int = 0) -> Callable[[], Executor]:
    """What makes a pool on the Ray cluster that ``RAY_ADDRESS`` names, by default on this machine alone.

    The machines of the cluster have to see the same files under the same paths.

    Args:
        jobs: tasks at a time, at most.
        gpus: that each task has to itself; none where the cluster has fewer, since tasks would wait for ever.

    Raises:
        UsageError: Ray is missing.
    """
    with needs("ray", "ray"):
        import ray  # noqa: F401
    return functools.partial(_RayExecutor, jobs, gpus)


class _RayExecutor(Executor):
    """Tasks of Ray as futures; a worker that dies breaks the pool, as one of processes does."""

    def __init__(self, jobs: int, gpus: int) -> None:
        import ray

        if not ray.is_initialized():
            ray.init(include_dashboard=False, log_to_driver=False, logging_level=logging.ERROR)
        there: dict[str, float] = ray.cluster_resources()  # type: ignore[no-untyped-call]  # of Ray
        self._max_workers, self._gpus = jobs, gpus if there.get("GPU", 0) >= gpus else 0

    def submit(self, task: Callable[..., Any], /, *arguments: Any, **named: Any) -> Future[Any]:
        import ray

        def end(of_ray: Future[Any]) -> None:
            error = of_ray.exception()
            if isinstance(error, ray.exceptions.RayError) and not isinstance(error, ray.exceptions.RayTaskError):
                error = BrokenProcessPool(str(error))
            if error is None:
                future.set_result(of_ray.result())
            else:
                future.set_exception(error)

        future: Future[Any] = Future()
        remote = ray.remote(num_cpus=1, num_gpus=self._gpus, max_retries=0)(_call)
        remote.remote(task, *arguments, **named).future().add_done_callback(end)
        return future

    def shutdown(self, wait: bool = True, *, cancel_futures: bool = False) -> None:
        """What is under way has been waited for; the cluster is not ours to stop, the processes here are."""
        import ray

        ray.shutdown()


def _call(task: Callable[..., Any], *arguments: Any, **named: Any) -> Any:
    """Ray takes plain functions only."""
    return task(*arguments, **named)
