"""The pool of Ray; that of processes is tested with the jobs that use it."""

import os
from concurrent.futures.process import BrokenProcessPool

import pytest

from microcalc.parallel import ray_pool


@pytest.mark.slow  # Ray takes seconds to start
def test_a_ray_pool_is_an_executor(monkeypatch):
    pytest.importorskip("ray")
    monkeypatch.setenv("RAY_raylet_start_wait_time_s", "600")  # on a busy machine
    with ray_pool(2, gpus=1000)() as pool:  # more than there are: it must not wait for them
        right, wrong, dead = (pool.submit(*task) for task in ((pow, 2, 5), (divmod, 1, 0), (os._exit, 1)))
        assert right.result(timeout=300) == 32
        with pytest.raises(ZeroDivisionError):
            wrong.result(timeout=300)
        with pytest.raises(BrokenProcessPool):
            dead.result(timeout=300)
