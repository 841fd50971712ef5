"""The generating job: plans, files, what a failure, an interruption or a full disk costs, and going on."""

import dataclasses
import errno
import json
import re
import sys
from collections import Counter
from concurrent.futures import Executor, Future
from concurrent.futures.process import BrokenProcessPool
from types import SimpleNamespace

import cv2
import numpy as np
import pytest

from microcalc.errors import UsageError, WriteError
from microcalc.findings import Failure
from microcalc.synthesis import StudyPlan, generate, plan_studies, synthesize
from microcalc.synthesis.layouts import Layout
from microcalc.truth import ImageTruth, Truth


class TestPlans:
    def test_the_first_ones_are_the_same_whatever_the_count(self):
        assert plan_studies(3, 7) == plan_studies(20, 7)[:3]
        assert plan_studies(3, 7)[0].seed != plan_studies(3, 8)[0].seed

    def test_everybody_is_different(self):
        plans = plan_studies(50, 1)
        assert [plan.number for plan in plans] == list(range(1, 51))
        assert plans[9].patient == "synthetic-0010"
        assert len({plan.patient for plan in plans}) == len({plan.seed for plan in plans}) == 50

    @pytest.mark.parametrize(("share", "normals"), [(0.4, 8), (0.0, 0), (1.0, 20), (0.25, 5)])
    def test_the_share_of_normals(self, share, normals):
        assert sum(plan.normal for plan in plan_studies(20, 1, normal_share=share)) == normals
        assert plan_studies(1, 1)[0].normal is False

    def test_the_split_is_shared_out_among_normals_and_others_alike(self):
        plans = plan_studies(50, 1, split_shares={"train": 0.5, "validation": 0.1, "test": 0.4})
        assert Counter(plan.split for plan in plans if plan.normal) == {"train": 10, "validation": 2, "test": 8}
        assert Counter(plan.split for plan in plans if not plan.normal) == {"train": 15, "validation": 3, "test": 12}
        assert {plan.split for plan in plan_studies(5, 1)} == {None}

    @pytest.mark.parametrize(
        "options",
        [
            {"count": 0},
            {"seed": -1},
            {"normal_share": 1.1},
            {"split_shares": {"train": 0.5, "test": 0.4}},
            {"device": "abacus"},
            {"density": "E"},
        ],
    )
    def test_what_makes_no_plan_is_refused(self, options):
        with pytest.raises(UsageError, match="expected"):
            plan_studies(**{"count": 2, "seed": 1, **options})


PLANS = [StudyPlan(f"p{number}", number, seed=number, normal=number % 2 == 0) for number in range(1, 5)]


def draw(plan):
    """Pictures without pixels; MLO comes before CC."""
    for instance, view in ((2, "MLO"), (1, "CC")):
        truth = ImageTruth(path="", patient=plan.patient, view=view, normal=plan.normal)
        yield SimpleNamespace(truth=truth, instance=instance, number=plan.number)


def write(root, picture):
    """One file an image, in a folder of the patient."""
    path = f"{picture.truth.patient}/{picture.truth.view}.dcm"
    (root / path).parent.mkdir(exist_ok=True)
    (root / path).write_text(f"picture of {picture.number}")
    return picture.truth.model_copy(update={"path": path})


def finish(root, images):
    (root / "table.csv").write_text("\n".join(image.path for image in images))


@pytest.fixture(autouse=True)
def _pictures_without_pixels(monkeypatch):
    monkeypatch.setattr(generate, "draw_study", draw)
    monkeypatch.setitem(generate.LAYOUTS, "truth", Layout(write, finish))


def files(folder):
    return sorted(path.relative_to(folder).as_posix() for path in folder.rglob("*") if path.is_file())


def images_of(*patients):
    return [f"{patient}/{view}.dcm" for patient in patients for view in ("CC", "MLO")]


def paths(truth):
    return [image.path for image in truth.images]


def test_studies_are_laid_out_and_described(tmp_path):
    told = []
    truth = synthesize(PLANS, tmp_path / "out", on_study=lambda *outcome: told.append(outcome))
    assert paths(truth) == images_of("p1", "p2", "p3", "p4")
    assert Truth.from_json(tmp_path / "out" / "truth.json") == truth
    assert files(tmp_path / "out") == sorted([*paths(truth), "run.json", "table.csv", "truth.json"])
    assert (tmp_path / "out" / "table.csv").read_text().splitlines() == paths(truth)
    assert [(outcome.patient, done, total) for outcome, done, total in told] == [
        ("p1", 1, 4),
        ("p2", 2, 4),
        ("p3", 3, 4),
        ("p4", 4, 4),
    ]


def test_a_layout_gets_only_the_views_it_has_a_place_for(tmp_path, monkeypatch):
    monkeypatch.setitem(generate.LAYOUTS, "truth", Layout(write, finish, views=("MLO",)))
    assert paths(synthesize(PLANS[:1], tmp_path)) == ["p1/MLO.dcm"]
    assert not (tmp_path / "p1" / "CC.dcm").exists()


def failing_on(patient, error):
    def draw_or_fail(plan):
        pictures = draw(plan)
        yield next(pictures)
        if plan.patient == patient:
            raise error
        yield from pictures

    return draw_or_fail


@pytest.mark.parametrize(
    ("error", "reason"),
    [
        (UsageError(expected="room", found="none", do="ask for more"), "expected room, found none; ask for more"),
        (ZeroDivisionError("oops"), "unexpected ZeroDivisionError: oops; please report this"),
    ],
)
def test_a_study_that_fails_costs_itself_alone(tmp_path, monkeypatch, error, reason):
    monkeypatch.setattr(generate, "draw_study", failing_on("p2", error))
    told = []
    truth = synthesize(PLANS, tmp_path, on_study=lambda outcome, *_: told.append(outcome))
    assert paths(truth) == images_of("p1", "p3", "p4")
    assert not (tmp_path / "p2").exists()
    assert told[1] == Failure(path="p2", reason=reason)
    record = json.loads((tmp_path / "run.json").read_text())
    assert record["failed"] == {"p2": reason}
    assert record["plans"]["p3"]["seed"] == 3


def test_a_full_disk_ends_the_run_and_leaves_whole_studies(tmp_path, monkeypatch):
    full = failing_on("p3", OSError(errno.ENOSPC, "No space left on device"))
    monkeypatch.setattr(generate, "draw_study", full)
    with pytest.raises(WriteError, match="No space left on device"):
        synthesize(PLANS, tmp_path)
    assert files(tmp_path) == sorted(
        [*images_of("p1", "p2"), "run.json", "studies.partial.jsonl", "table.csv", "truth.json"]
    )
    assert not list(tmp_path.glob(".*"))
    assert paths(Truth.from_json(tmp_path / "truth.json")) == images_of("p1", "p2")
    monkeypatch.setattr(generate, "draw_study", draw)
    assert paths(synthesize(PLANS, tmp_path, resume=True)) == images_of("p1", "p2", "p3", "p4")


class TestResume:
    @pytest.fixture
    def interrupted(self, tmp_path):
        def stop(outcome, done, total):
            if done == 2:
                raise KeyboardInterrupt

        with pytest.raises(KeyboardInterrupt):
            synthesize(PLANS, tmp_path, on_study=stop)
        return tmp_path

    def test_an_interruption_keeps_what_is_finished(self, interrupted):
        assert paths(Truth.from_json(interrupted / "truth.json")) == images_of("p1", "p2")

    def test_only_the_rest_is_drawn(self, interrupted):
        told = []
        truth = synthesize(
            PLANS, interrupted, resume=True, on_study=lambda o, *counts: told.append((o.patient, *counts))
        )
        assert told == [("p3", 3, 4), ("p4", 4, 4)]
        assert paths(truth) == images_of("p1", "p2", "p3", "p4")
        assert not (interrupted / "studies.partial.jsonl").exists()

    def test_without_it_all_is_drawn_anew(self, interrupted):
        told = []
        synthesize(PLANS, interrupted, on_study=lambda outcome, *_: told.append(outcome.patient))
        assert told == ["p1", "p2", "p3", "p4"]

    def test_a_study_whose_file_is_gone_is_drawn_again(self, interrupted):
        (interrupted / "p1" / "CC.dcm").unlink()
        told = []
        synthesize(PLANS, interrupted, resume=True, on_study=lambda outcome, *_: told.append(outcome.patient))
        assert told == ["p1", "p3", "p4"]

    def test_a_finished_run_is_extended(self, tmp_path):
        synthesize(PLANS[:2], tmp_path)
        told: list[str] = []
        truth = synthesize(PLANS[:3], tmp_path, resume=True, on_study=lambda outcome, *_: told.append(outcome.patient))
        assert told == ["p3"]
        assert paths(truth) == images_of("p1", "p2", "p3")

    def test_other_plans_are_refused(self, interrupted):
        other = [StudyPlan("p1", 1, seed=77), *PLANS[1:]]
        with pytest.raises(UsageError, match="another plan for p1"):
            synthesize(other, interrupted, resume=True)

    def test_another_version_of_what_computes_is_refused(self, interrupted, monkeypatch):
        monkeypatch.setitem(generate.VERSIONS, "opencv", "0.1")
        with pytest.raises(UsageError, match=rf"package opencv {re.escape(cv2.__version__)} then, 0\.1 now"):
            synthesize(PLANS, interrupted, resume=True)

    def test_another_layout_is_refused(self, interrupted, monkeypatch):
        monkeypatch.setitem(generate.LAYOUTS, "other", Layout(write, finish))
        with pytest.raises(UsageError, match="set layout truth then, other now"):
            synthesize(PLANS, interrupted, layout="other", resume=True)


def test_what_a_killed_run_has_left_is_not_taken_for_a_finished_study(tmp_path):
    (tmp_path / ".p1.part").mkdir()
    (tmp_path / ".p1.part" / "half.dcm").touch()
    synthesize(PLANS[:1], tmp_path)
    assert files(tmp_path) == sorted([*images_of("p1"), "run.json", "table.csv", "truth.json"])


def test_the_truth_of_another_set_is_not_replaced(tmp_path):
    (tmp_path / "truth.json").write_text("weeks of work")
    with pytest.raises(UsageError, match="without another set, found the truth of one"):
        synthesize(PLANS, tmp_path)
    assert files(tmp_path) == ["truth.json"]


@pytest.fixture
def known_while_drawing(monkeypatch, tmp_path):
    """Which of truth.json and run.json lie there whenever a study is drawn."""
    known = []

    def draw_and_look(plan):
        known.append([name for name in ("truth.json", "run.json") if (tmp_path / name).exists()])
        return draw(plan)

    monkeypatch.setattr(generate, "draw_study", draw_and_look)
    return known


def test_no_truth_is_there_while_images_are_replaced(tmp_path, known_while_drawing):
    """A run that is killed must not leave new images beside their predecessors' truth."""
    synthesize(PLANS[:1], tmp_path)
    synthesize(PLANS[:2], tmp_path)
    generate.write_study(tmp_path, seed=1)
    assert known_while_drawing == [[], [], [], ["run.json"]]


def test_what_is_finished_stays_known_while_a_run_is_resumed(tmp_path, known_while_drawing):
    synthesize(PLANS[:1], tmp_path)
    synthesize(PLANS[:2], tmp_path, resume=True)
    assert known_while_drawing[1] == ["truth.json", "run.json"]


@pytest.mark.parametrize(("layout", "number"), [("mini_mias", 500), ("cbis_ddsm", 100_000), ("bmcd", 1)])
def test_what_a_layout_cannot_hold_is_said_before_anything_is_drawn(tmp_path, monkeypatch, layout, number):
    monkeypatch.setitem(sys.modules, "openpyxl", None)
    with pytest.raises(UsageError, match=f"for the layout {layout}"):
        synthesize([*PLANS, StudyPlan("p", number + 10, seed=1)], tmp_path / "out", layout=layout)
    assert not (tmp_path / "out").exists()


def test_plans_with_numbers_of_numpy_are_recorded(tmp_path):
    plan = StudyPlan("p1", np.int64(1), seed=np.uint64(5))
    synthesize([plan], tmp_path)
    assert json.loads((tmp_path / "run.json").read_text())["plans"]["p1"]["seed"] == 5
    told = []
    synthesize([StudyPlan("p1", 1, seed=5)], tmp_path, resume=True, on_study=lambda *outcome: told.append(outcome))
    assert told == []


def test_other_files_are_left_alone(tmp_path):
    (tmp_path / "notes.txt").write_text("mine")
    synthesize(PLANS[:1], tmp_path)
    synthesize(PLANS[:1], tmp_path)
    assert (tmp_path / "notes.txt").read_text() == "mine"
    assert paths(Truth.from_json(tmp_path / "truth.json")) == images_of("p1")


def test_images_of_an_earlier_run_are_not_left_without_truth(tmp_path):
    synthesize(PLANS[:2], tmp_path)
    before = (tmp_path / "truth.json").read_bytes()
    with pytest.raises(UsageError, match=r"of another run \(1\)"):
        synthesize(PLANS[:1], tmp_path)
    with pytest.raises(UsageError, match=r"of another run \(2\)"):
        synthesize(PLANS[:2], tmp_path, layout="inbreast")
    assert (tmp_path / "truth.json").read_bytes() == before


def test_a_refused_resumption_leaves_a_whole_set_whole(tmp_path):
    synthesize(PLANS[:1], tmp_path)
    before = files(tmp_path)
    with pytest.raises(UsageError, match="another plan for p1"):
        synthesize([dataclasses.replace(PLANS[0], seed=99)], tmp_path, resume=True)
    assert files(tmp_path) == before


@pytest.mark.parametrize(
    ("plans", "layout", "says"),
    [
        (PLANS, "heap", "a layout out of truth"),
        ([], "truth", "found 0 plans"),
        ([PLANS[0], PLANS[0]], "truth", "2 plans of 1 patients"),
    ],
)
def test_wrong_calls(tmp_path, plans, layout, says):
    with pytest.raises(UsageError, match=says):
        synthesize(plans, tmp_path / "out", layout=layout)
    assert not (tmp_path / "out").exists()


def test_a_file_is_no_folder(tmp_path):
    (tmp_path / "file").write_text("")
    with pytest.raises(WriteError, match="file"):
        synthesize(PLANS, tmp_path / "file")


class HerePool(Executor):
    """Runs tasks here and now."""

    def submit(self, fn, /, task):
        future = Future()
        try:
            future.set_result(fn(task))
        except WriteError as error:
            future.set_exception(error)
        return future


class FragilePool(HerePool):
    """Dies, once and for all, on patient p2."""

    dead = False

    def submit(self, fn, /, task):
        self.dead = self.dead or task.plan.patient == "p2"
        if not self.dead:
            return super().submit(fn, task)
        future = Future()
        future.set_exception(BrokenProcessPool("a worker died"))
        return future


def test_a_process_that_dies_costs_the_study_it_died_of(tmp_path):
    told = []
    truth = synthesize(PLANS, tmp_path, make_executor=FragilePool, on_study=lambda outcome, *_: told.append(outcome))
    assert paths(truth) == images_of("p1", "p3", "p4")
    assert [(o.path, "process dies" in o.reason) for o in told if isinstance(o, Failure)] == [("p2", True)]


def test_a_full_disk_on_a_pool_keeps_every_study_that_was_written(tmp_path, monkeypatch):
    monkeypatch.setattr(generate, "draw_study", failing_on("p1", OSError(errno.ENOSPC, "No space left on device")))
    with pytest.raises(WriteError, match="No space left"):
        synthesize(PLANS, tmp_path, make_executor=HerePool)
    assert paths(Truth.from_json(tmp_path / "truth.json")) == images_of("p2", "p3", "p4")
