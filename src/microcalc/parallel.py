"""A pool of processes on this machine, for the jobs that take an executor."""

from __future__ import annotations

import ctypes
import functools
import multiprocessing
import os
import signal
import sys
from collections.abc import Callable
from concurrent.futures import Executor, ProcessPoolExecutor

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
