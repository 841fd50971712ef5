import pickle

import pytest

from microcalc.training.relay import across_processes
from microcalc.training.steps import Step


def test_what_is_told_is_told_here_in_order_before_the_end():
    told = []
    with across_processes(lambda *step: told.append(step)) as tell:
        for epoch in (1, 2):
            tell(Step(name=f"epoch {epoch}", seconds=1.0), epoch, 2)
    assert [(step.name, done, epochs) for step, done, epochs in told] == [("epoch 1", 1, 2), ("epoch 2", 2, 2)]


def test_it_goes_to_other_processes_only_as_they_start():
    with across_processes(print) as tell, pytest.raises(RuntimeError, match="inheritance"):
        pickle.dumps(tell)
