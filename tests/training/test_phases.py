"""Phases of a run told of in one count."""

from types import SimpleNamespace

import pytest

from microcalc.errors import UsageError
from microcalc.recipe import load_recipe
from microcalc.training.job import Job
from microcalc.training.phases import Phases
from microcalc.training.steps import Step

SIZES = {"bank": 4, "fit": 10, "validation": 3}


@pytest.fixture
def make(tmp_path):
    """Makes the phases of a run into one folder, and the list of what they tell."""

    def phases(*, resume=False, **options):
        told = []
        job = Job(
            recipe=load_recipe("microcalc-default"),
            table=None,
            store=None,
            data="toys",
            synthetic=True,
            smoke=True,
            out=tmp_path,
            seed=1,
            make_executor=None,
            resume=resume,
            on_step=lambda step, done, total: told.append((step.name, done, total)),
        )
        return SimpleNamespace(phases=Phases(job, SIZES, **options), told=told)

    return phases


def test_parts_are_counted_on_from_the_phases_before(make):
    made = make()
    made.phases.tell("bank", 4, Step(name="breast 4", seconds=1.0))
    made.phases.tell("validation", 2, Step(name="image 2", seconds=1.0))
    assert made.told == [("breast 4", 4, 17), ("image 2", 4 + 10 + 2, 17)]


def test_a_phase_is_noted_once_and_a_run_gone_on_with_knows_it(make):
    made = make()
    made.phases.note("bank", 1.234)
    made.phases.note("bank", 9.0)
    assert made.told == []
    again = make(resume=True).phases
    assert [(step.name, step.seconds) for step in again.steps.done] == [("bank", 1.23)]
    assert not again.steps.has("fit")


def test_another_run_is_not_gone_on_with(make):
    make(classifiers="a").phases.note("bank", 1.0)
    with pytest.raises(UsageError, match="classifiers"):
        make(resume=True, classifiers="b")
