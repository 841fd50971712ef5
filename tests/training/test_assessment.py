"""A detector looked at on the images held out: made-up findings in place of a scan."""

from pathlib import Path
from types import SimpleNamespace

import pytest

from microcalc.datasets import Record, Table
from microcalc.errors import UsageError
from microcalc.recipe import load_recipe
from microcalc.training import assessment
from microcalc.training.assessment import assess, held_out
from microcalc.training.job import Job
from microcalc.training.phases import Phases
from microcalc.training.scan import FINDINGS
from microcalc.truth import ImageTruth, TrueCalcification

ROOT = Path("/images")
OWN, OTHER = "microcalc-default", "morphology"
LESIONS = (TrueCalcification(x=50.0, y=50.0), TrueCalcification(x=200.0, y=200.0))
#: On lesions, beside them, and on a normal image.
FIRST, SECOND, BESIDE, NORMAL = (50, 50), (200, 200), (300, 300), (100, 100)
#: Part -> the marks on its image with calcium, and on its normal one. On validation two hits and three false marks, one
#: of them on the image with calcium, where FROC counts none; on the test part the other detector sees nothing.
SEEN = {
    "validation": ([(*FIRST, 0.9), (*SECOND, 0.5), (*BESIDE, 0.4)], [(*NORMAL, 0.6), (*BESIDE, 0.3)]),
    OWN: ([(*FIRST, 0.9), (*SECOND, 0.7)], [(*NORMAL, 0.35)]),
    OTHER: ([], [(*NORMAL, 0.8)]),
}


def table(*splits):
    def truth(split, calcium):
        name = f"{split}-{'calcium' if calcium else 'normal'}.png"
        of = {"calcifications": LESIONS} if calcium else {"normal": True}
        return ImageTruth(path=name, rows=400, columns=400, patient=name, split=split, **of)

    return Table(
        [Record(ROOT / one.path, one) for split in splits for one in (truth(split, True), truth(split, False))]
    )


@pytest.fixture
def asked(report, monkeypatch):
    """Parts that were looked at, each as its folder is called, in their order."""
    names = []

    def scan(records, detector, folder, *, on_outcome, **_):
        names.append(folder.name)
        paths = [record.truth.path for record in records]
        found = report(dict(zip(paths, SEEN[folder.name], strict=True)))
        for done, image in enumerate(found.images, 1):
            on_outcome(image, done, len(records))
        folder.mkdir(parents=True)
        (folder / FINDINGS).write_text(found.to_json())
        return found

    monkeypatch.setattr(assessment, "scan", scan)
    monkeypatch.setattr(assessment, "write_figures", lambda drawings, folder: list(drawings))
    return names


@pytest.fixture
def make(tmp_path):
    """Makes a run: its job, parts and phases."""

    def run(*splits, resume=False, beside=(OTHER,)):
        told = []
        job = Job(
            recipe=load_recipe(OWN).with_changes({"beside": list(beside), "calibration": "platt"}),
            table=table(*splits),
            store=None,
            data="toys",
            synthetic=False,
            smoke=False,
            out=tmp_path,
            seed=1,
            make_executor=None,
            resume=resume,
            on_step=lambda step, done, total: told.append((step.name, done, total)),
        )
        parts = held_out(job)
        phases = Phases(job, {"fit": 1} | parts.looks(job.recipe))
        package = SimpleNamespace(path=tmp_path / "uncalibrated")
        return SimpleNamespace(
            read=lambda: assess(job, phases, package, parts, if_unreadable="train longer"), told=told, phases=phases
        )

    return run


def test_points_are_chosen_on_validation(make, asked):
    reading = make("validation").read()
    assert asked == ["validation"]
    # False marks per normal image, of which there is one: none from 0.9 on, one from 0.6 and so from 0.5, two from 0.3.
    wanted = {"sensitive": 0.3, "balanced": 0.5, "specific": 0.9}  # at most 5, 1 and 0.2
    for point in reading.marking.operating_points:
        assert point.threshold == pytest.approx(float(reading.calibration(wanted[point.name])))
    assert {row.split for row in reading.metrics} == {"validation"}
    assert all("chosen on these very images" in row.remark for row in reading.metrics)


def test_the_test_part_is_looked_at_last_beside_others(make, asked, tmp_path):
    run = make("validation", "test")
    metrics = {row.measure: row.value for row in run.read().metrics if row.split == "test"}
    assert asked == ["validation", OWN, OTHER]
    assert run.told[-1] == (f"{OTHER}, image 2 of 2", 1 + 2 + 2 + 2, 7)
    # All found before the first false mark, or nothing at all.
    assert (metrics[f"AUC50, {OWN}"], metrics[f"AUC50, {OTHER}"]) == (1.0, 0.0)
    assert metrics[f"AUC50, {OWN} minus {OTHER}"] == 1.0
    # Marks of 0.9 and 0.7, false one of 0.35; balanced is from 0.5 on, sensitive from 0.3.
    assert metrics[f"sensitivity at balanced, {OWN}"] == 1.0
    assert metrics[f"sensitivity at specific, {OWN}"] == 0.5
    assert metrics[f"false marks per normal image at balanced, {OWN}"] == 0.0
    assert metrics[f"false marks per normal image at sensitive, {OWN}"] == 1.0
    assert (tmp_path / "tables" / "metrics.csv").read_text().count("AUC50") >= 3


def test_looks_of_an_earlier_run_are_taken_over(make, asked):
    first = make("validation", "test").read()
    again = make("validation", "test", resume=True)
    assert again.read() == first
    assert len(asked) == 3
    assert [step.name for step in again.phases.steps.done] == ["validation", OWN, OTHER]


@pytest.mark.parametrize(
    ("marks", "found"),
    [
        (([], []), "no hit among no mark"),
        (([(*FIRST, 0.9)], []), "1 hit among 1 mark"),
        (([], [(*NORMAL, 0.9)]), "no hit among 1 mark"),
    ],
)
def test_scores_of_one_kind_cannot_be_calibrated(make, asked, monkeypatch, marks, found):
    monkeypatch.setitem(SEEN, "validation", marks)
    with pytest.raises(UsageError, match=f"{found}; train longer"):
        make("validation").read()


def test_what_could_only_fail_at_the_end_is_refused_at_once(make):
    with pytest.raises(UsageError, match="no-such-detector"):
        make("validation", beside=("no-such-detector",))
    with pytest.raises(UsageError, match="validation"):
        make("train")
