from concurrent.futures import ThreadPoolExecutor

import cv2
import numpy as np
import pytest

from microcalc.datasets import list_data
from microcalc.errors import ReadError, UsageError
from microcalc.inspection import FAULTS, Inspection, image, inspect_data
from microcalc.truth import ImageTruth


def kinds(inspection):
    """Paths by kind of fault."""
    found = {}
    for fault in inspection.faults:
        found.setdefault(fault.kind, []).append(fault.path)
    return found


@pytest.mark.parametrize("quick", [False, True])
def test_nothing_is_wrong_with_a_clean_set(data_set, clean, tmp_path, quick):
    told = []
    inspection = inspect_data(data_set(*clean), tmp_path / "out", quick=quick, on_image=lambda *of: told.append(of[1:]))
    assert inspection.faults == inspection.problems == ()
    assert inspection.sound
    assert told == [(1, 4), (2, 4), (3, 4), (4, 4)]
    assert Inspection.from_json(tmp_path / "out" / "inspection.json") == inspection
    page = (tmp_path / "out" / "inspection.html").read_text()
    assert "Nothing wrong was found" in page
    assert ("pixels were not looked at" in page) is quick
    assert sorted(path.name for path in (tmp_path / "out").iterdir()) == [
        "inspection.html",
        "inspection.json",
        "run.json",
    ]


@pytest.fixture
def faulty(data_set, clean, draw):
    """A SPEC with one fault or more of every kind, and what is planted where."""
    pictures, truths = dict(clean[0]), list(clean[1])
    planted = {}

    def plant(kind, pixels, **known):
        path = f"{kind.replace(' ', '_')}.png"
        if pixels is not None:
            pictures[path] = pixels
        known = {"patient": path, "side": "L", "view": "CC"} | known
        truths.append(ImageTruth(path=path, **known))
        planted.setdefault(kind, []).append(path)

    plant("unreadable", b"\x89PNG\r\n\x1a\n cut short")
    plant("another image", draw(11), rows=800, columns=600)
    noise = np.random.default_rng(0).integers(0, 65535, (400, 300)).astype(np.uint16)
    plant("no breast", noise)
    plant("inverted", 65535 - draw(12))
    plant("side", draw(13, side="R"))
    plant("outside", draw(14), calcifications=[{"x": -1.2, "y": 200}, {"x": -2, "y": 200}])
    plant("empty", draw(15), ignore=[{"bbox": (50, 60, 50, 80)}])
    plant("too large", draw(16), clusters=[{"bbox": (0, 0, 299, 399)}])
    plant("off the breast", draw(17), calcifications=[{"x": 290, "y": 10}, {"x": 100, "y": 200}])
    pictures["copy.png"] = pictures["p1_L.png"]
    planted["copy"] = ["p1_L.png"]
    truths.append(ImageTruth(path="copy.png", patient="p9", side="L"))
    half = cv2.resize(pictures["p2_L.png"], None, fx=0.5, fy=0.5, interpolation=cv2.INTER_AREA)
    pictures["near.png"] = half
    planted["near copy"] = ["p2_L.png"]
    truths.append(ImageTruth(path="near.png", patient="p8", side="L"))
    pictures["torn.png"] = draw(18)
    planted["two sides"] = ["p1_L.png"]
    truths.append(ImageTruth(path="torn.png", patient="p1", side="L", split="validation"))
    truths.append(ImageTruth(path="p2_R.png", patient="p2", side="R", split="test"))
    planted["listed twice"] = ["p2_R.png"]
    # Names of files state a side and a view, which these truths contradict.
    pictures["x_R_MLO.png"] = draw(19, side="R")
    truths.append(ImageTruth(path="x_R_MLO.png", patient="p7", side="R", view="CC"))
    planted["view"] = ["x_R_MLO.png"]
    truths.append(ImageTruth(path="gone.png", patient="p6"))
    return data_set(pictures, truths), planted


def test_every_planted_fault_is_found_and_no_other(faulty, tmp_path):
    spec, planted = faulty
    inspection = inspect_data(spec, tmp_path / "out")
    assert kinds(inspection) == planted
    assert set(planted) == set(FAULTS) - {"spacing"}  # which a PNG does not state: see test_image.py
    assert [(problem.kind, problem.path) for problem in inspection.problems] == [("missing", "gone.png")]
    assert not inspection.sound
    page = (tmp_path / "out" / "inspection.html").read_text()
    assert all(FAULTS[kind][0] in page for kind in planted)
    # There is something to see of all kinds but the unreadable one, and of three a second image.
    assert page.count("data:image/jpeg") == len(planted) - 1 + 3


def test_headers_tell_some_of_it(faulty, tmp_path):
    spec, planted = faulty
    inspection = inspect_data(spec, tmp_path / "out", quick=True)
    by_header = ("unreadable", "another image", "outside", "empty", "two sides", "listed twice")
    assert kinds(inspection) == {kind: planted[kind] for kind in by_header}


def test_faults_say_what_was_found(faulty, tmp_path):
    found = {fault.kind: fault for fault in inspect_data(faulty[0], tmp_path / "out").faults}
    assert found["another image"].found == "400 x 300 pixels; the truth says 800 x 600"
    assert found["outside"].found == "calcification 2 at x -2, y 200, in 300 columns, 400 rows"
    assert found["off the breast"].found.startswith("calcification 1 at x 290, y 10, in")
    assert (found["copy"].found, found["copy"].others) == ("the pixels of another patient", ("copy.png",))
    assert found["near copy"].others == ("near.png",)
    assert found["two sides"].found == "images of one patient in train and validation"
    assert found["listed twice"].found == "2 times by its file"


def test_an_interrupted_run_goes_on_where_it_was(data_set, clean, tmp_path, monkeypatch):
    spec, out = data_set(*clean), tmp_path / "out"

    def stop(seen, done, total):
        if done == 2:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        inspect_data(spec, out, on_image=stop)
    looked, look = [], image.look
    monkeypatch.setattr(
        "microcalc.inspection.job.look", lambda task: looked.append(task.record.truth.path) or look(task)
    )
    resumed = inspect_data(spec, out, resume=True)
    assert looked == ["p2_L.png", "p2_R.png"]
    whole = inspect_data(spec, tmp_path / "whole")
    assert resumed.model_copy(update={"run": whole.run}) == whole


def test_an_earlier_run_of_another_truth_is_not_gone_on_with(data_set, clean, tmp_path):
    pictures, truths = clean
    inspect_data(data_set(pictures, truths), tmp_path / "out", quick=True)
    with pytest.raises(UsageError, match="options quick True then, False now"):
        inspect_data(f"truth:{tmp_path / 'data'}", tmp_path / "out", resume=True)
    (tmp_path / "data").rename(tmp_path / "old")
    spec = data_set(pictures, [truth.model_copy(update={"density": "C"}) for truth in truths])
    with pytest.raises(UsageError, match="truth_sha256"):
        inspect_data(spec, tmp_path / "out", quick=True, resume=True)


def test_two_workers_find_the_same(data_set, clean, tmp_path):
    spec = data_set(*clean)
    alone = inspect_data(spec, tmp_path / "a")
    both = inspect_data(spec, tmp_path / "b", make_executor=lambda: ThreadPoolExecutor(2))
    assert both.model_copy(update={"run": alone.run}) == alone


def test_a_fault_of_ours_costs_one_image(data_set, clean, tmp_path, monkeypatch):
    def find_breast(mammogram):
        raise ZeroDivisionError("a patient's name")

    monkeypatch.setattr(image, "find_breast", find_breast)
    inspection = inspect_data(data_set(*clean), tmp_path / "out")
    assert {fault.found for fault in inspection.faults} == {"unexpected ZeroDivisionError; please report this"}


def test_a_folder_that_is_no_data_set_at_all(tmp_path):
    with pytest.raises(ReadError, match=r"truth\.json"):
        inspect_data(f"truth:{tmp_path}", tmp_path / "out")


def test_a_set_of_which_no_image_is_there_is_reported(data_set, clean, tmp_path):
    spec = data_set({}, clean[1])
    inspection = inspect_data(spec, tmp_path / "out")
    assert [problem.kind for problem in inspection.problems] == ["missing"] * 4
    assert not inspection.images


def test_a_process_that_dies_costs_one_image(data_set, clean):
    spec = data_set(*clean)
    task = image.Task(list_data(spec).records[0], quick=False)
    assert image.died(task).faults[0].kind == "unreadable"


def test_the_page_runs_no_script_and_fetches_nothing(faulty, tmp_path):
    inspect_data(faulty[0], tmp_path / "out")
    page = (tmp_path / "out" / "inspection.html").read_text()
    assert "<script" not in page
    assert "http" not in page.replace("http-equiv", "")
