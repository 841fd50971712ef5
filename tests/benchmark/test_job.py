"""The whole benchmark on four little images."""

import csv
import dataclasses
import json
import shutil

import pytest

from microcalc.benchmark import job, proposer_run
from microcalc.benchmark.detector_run import common_spacing
from microcalc.benchmark.job import BenchmarkOptions, Done, benchmark
from microcalc.benchmark.records import Benchmark, Proposed
from microcalc.comparison.records import Evaluation
from microcalc.datasets import open_data
from microcalc.errors import ReadError, UsageError
from microcalc.evaluation.tables import published
from microcalc.findings import Report

OPTIONS = BenchmarkOptions(
    detectors=("morphology", "ours=hdog"), proposers=("hdog", "hdog:threshold=0.9"), split="test", draws=100
)


@pytest.fixture(scope="module")
def whole(data, tmp_path_factory):
    """(folder, result, what was told) of a run."""
    out, told = tmp_path_factory.mktemp("whole"), []
    result = benchmark(f"truth:{data}", out, OPTIONS, on_done=lambda *what: told.append(what))
    return out, result, told


class TestWhole:
    def test_every_method_has_its_numbers(self, whole):
        _, result, _ = whole
        assert [it.name for it in result.detectors] == ["morphology", "ours"]
        assert [it.detector.name for it in result.detectors] == ["morphology", "hdog"]
        assert all(it.seconds.images == len(it.seconds_by_image) == 4 for it in result.detectors)
        assert [it.recall.value for it in result.candidates.proposers] == [1.0, 0.0]
        assert (result.images, result.split, result.failed) == (4, "test", ())
        assert result.data.startswith("truth:data")

    def test_each_image_is_told_of_once_for_each_method(self, whole):
        *_, told = whole
        assert [(done, total) for _, done, total in told] == [(i, 12) for i in range(1, 13)]
        assert told[0][0] == Done("morphology", "p_L.png")
        assert [it.method for it, *_ in told] == ["morphology"] * 4 + ["ours"] * 4 + ["candidates"] * 4

    def test_what_is_written_can_be_read(self, whole):
        out, result, _ = whole
        assert Benchmark.from_json(out / "benchmark.json") == result
        assert Report.from_json(out / "detectors" / "ours" / "findings.json").detector.name == "hdog"
        evaluation = Evaluation.from_json(out / "evaluation" / "evaluation.json")
        assert [system.name for system in evaluation.systems] == ["morphology", "ours"]
        assert [system.froc.area for system in evaluation.systems] == [it.area for it in result.detectors]
        assert (evaluation.settings.split, evaluation.settings.unmatched) == ("test", "common")
        assert json.loads((out / "run.json").read_text())["failed"] == 0
        assert len(Proposed.from_json(out / "candidates" / "candidates.json").images) == 4
        assert not list(out.rglob("*.jsonl"))

    def test_the_files(self, whole):
        out, *_ = whole
        names = {path.relative_to(out).as_posix() for path in out.rglob("*") if path.is_file()}
        assert names >= {"benchmark.html", "truth.json", "evaluation/evaluation.html", "figures/fp-per-tp.svg"}
        assert {"detectors.csv", "proposers.csv", "candidates.csv"} <= names

    def test_the_tables(self, whole):
        out, *_ = whole
        proposed = Proposed.from_json(out / "candidates" / "candidates.json")
        detectors, proposers, candidates = (
            list(csv.DictReader((out / f"{name}.csv").open())) for name in ("detectors", "proposers", "candidates")
        )
        assert [row["detector"] for row in detectors] == ["morphology", "ours"]
        assert [(row["computed"], row["images"], row["resumed"]) for row in detectors] == [("", "4", "0")] * 2
        assert all(0 < float(row["average_recall"]) <= 1 and not row["average_recall_low"] for row in detectors)
        recall = [row["value"] for row in proposers if row["measure"] == "recall" and not row["by"]]
        assert recall == ["1", "0"]
        assert len(candidates) == 4 * 2
        assert sum(int(row["candidates"]) for row in candidates) == sum(
            outcome.candidates for image in proposed.images for outcome in image.outcomes.values()
        )

    def test_boxes_are_of_the_marks_that_were_found(self, whole):
        """The speck lies at (120, 180); a pixel of 0.1 mm off is an IoU of 8.8 / 10.8 = 0.81."""
        _, result, _ = whole
        for it in result.detectors:
            assert it.boxes.average_precision.n == 2
            assert 0.6 < it.boxes.average_recall.value <= 1
            assert it.boxes.average_precision.remark == "no interval: all lesions are of one patient"

    def test_the_page_shows_curves_scores_and_examples(self, whole):
        out, *_ = whole
        page = (out / "benchmark.html").read_text()
        for number in ("Figure 19", "Figure 20", "Figure 21", "Figure 22", "Table 5"):
            assert f"({number} of Cortina Uribe et al.)" in page
        assert "Figure 17" not in page
        assert page.count("the patch alone</figcaption>") == 3  # around two lesions and a false mark
        assert "the printed numbers" not in page  # neither detector has any

    def test_the_page_names_every_method_and_fetches_nothing(self, whole):
        out, *_ = whole
        page = (out / "benchmark.html").read_text()
        assert all(name in page for name in ("morphology", "ours", "hdog:threshold=0.9", "not a medical device"))
        assert "://" not in page
        assert str(out) not in page


def test_maps_alone_are_figure_17_and_stand_beside_what_is_printed(data, tmp_path, monkeypatch):
    rows = tuple(row for row in published(measure="auc50") if row.name.startswith("Pipeline 2"))
    opened = job.open_contender("hdog", "auto", "f32", 0.1)
    maps = dataclasses.replace(opened, kind="patch-map", computed="onnxruntime, f32", published=rows)
    monkeypatch.setattr(job, "open_contender", lambda *_: maps)
    result = benchmark(f"truth:{data}", tmp_path, BenchmarkOptions(detectors=("hdog",), draws=100))
    (detector,) = result.detectors
    assert (detector.kind, detector.computed, detector.published) == ("patch-map", "onnxruntime, f32", rows)
    page = (tmp_path / "benchmark.html").read_text()
    assert "(Figure 17 of Cortina Uribe et al.)" in page
    assert "Figure 19" not in page
    assert "0.6787 ± 0.0188 <small>INbreast, test</small>" in page
    assert "On the test set of INbreast (200 images), selected on the validation set" in page


class TestResume:
    def test_a_complete_run_is_not_done_again(self, whole, data, tmp_path, monkeypatch):
        out, result, _ = whole
        shutil.copytree(out, tmp_path / "again")
        monkeypatch.setattr(proposer_run, "process", lambda task: pytest.fail("done again"))
        again = benchmark(f"truth:{data}", tmp_path / "again", OPTIONS, resume=True)
        assert [(it.resumed, before.resumed) for it, before in zip(again.detectors, result.detectors, strict=True)] == [
            (4, 0),
            (4, 0),
        ]
        detectors = tuple(it.model_copy(update={"resumed": 0}) for it in again.detectors)
        assert again.model_copy(update={"detectors": detectors}) == result
        page = (tmp_path / "again" / "benchmark.html").read_text()
        assert "under other conditions: 4 images of morphology; 4 images of ours." in page

    def test_an_interrupted_one_goes_on_where_it_stopped(self, data, tmp_path, monkeypatch):
        options = BenchmarkOptions(proposers=("hdog",), draws=100)

        def interrupt(done, count, total):
            if count == 2:
                raise KeyboardInterrupt

        with pytest.raises(KeyboardInterrupt):
            benchmark(f"truth:{data}", tmp_path, options, on_done=interrupt)
        process, worked = proposer_run.process, []
        monkeypatch.setattr(proposer_run, "process", lambda task: worked.append(task) or process(task))
        told = []
        result = benchmark(f"truth:{data}", tmp_path, options, resume=True, on_done=lambda *what: told.append(what))
        assert (len(worked), result.candidates.images) == (2, 4)
        assert [count for _, count, _ in told] == [3, 4]

    def test_other_settings_are_refused(self, whole, data):
        out, *_ = whole
        with pytest.raises(UsageError, match="proposers"):
            benchmark(f"truth:{data}", out, BenchmarkOptions(proposers=("hough",)), resume=True)


@pytest.fixture
def own_table(data, tmp_path):
    """Writes a table of two images, and more rows; gives its SPEC."""

    def write(*more):
        rows = ["image,x,y,normal", "p_L.png,120,180,0", "q_L.png,,,1", *more]
        (tmp_path / "mine.csv").write_text("\n".join(rows))
        return f"table:{tmp_path / 'mine.csv'}?images={data}&spacing_mm=0.1"

    return write


def test_a_data_set_that_is_not_whole_is_told_of(own_table, tmp_path):
    options = BenchmarkOptions(proposers=("hdog",), draws=100)
    assert benchmark(own_table(), tmp_path / "whole", options).remarks == ()
    result = benchmark(own_table("gone.png,5,5,0"), tmp_path / "half", options)
    (remark,) = result.remarks
    assert remark.startswith("The data set is not whole: 1 remark about missing or unreadable files, such as gone.png")
    assert str(tmp_path) not in remark
    assert result.images == 2


def test_the_options_of_the_data_are_recorded_and_no_folder_is(own_table, data, tmp_path):
    out, options = tmp_path / "out", BenchmarkOptions(proposers=("hdog",), draws=100)
    result = benchmark(own_table(), out, options)
    assert result.data == f"table:mine.csv?images={data.name}&spacing_mm=0.1"
    assert json.loads((out / "run.json").read_text())["settings"]["data"] == result.data


def test_nothing_of_an_earlier_run_stands_beside_the_numbers(whole, data, tmp_path):
    out = tmp_path / "out"
    shutil.copytree(whole[0], out)
    (out / "notes.txt").write_text("mine")
    assert (out / "detectors.csv").exists()
    benchmark(f"truth:{data}", out, BenchmarkOptions(proposers=("hdog",), draws=100))
    assert (out / "notes.txt").read_text() == "mine"
    assert not (out / "detectors.csv").exists()
    assert not (out / "figures" / "detector-seconds.svg").exists()


class TestFailures:
    @pytest.fixture
    def broken(self, data, tmp_path):
        """The data with one image that cannot be read."""
        folder = tmp_path / "broken"
        shutil.copytree(data, folder)
        (folder / "r_L.png").write_bytes(b"no picture")
        return folder

    def test_one_bad_image_costs_that_image(self, broken, tmp_path):
        options = BenchmarkOptions(detectors=("hdog",), proposers=("hdog",), draws=100)
        result = benchmark(f"truth:{broken}", tmp_path / "out", options)
        assert [failure.path for failure in result.failed] == ["r_L.png", "r_L.png"]
        assert result.candidates.images == result.detectors[0].seconds.images == 3
        assert result.remarks == ("hdog failed on 1 image.",)
        evaluation = Evaluation.from_json(tmp_path / "out" / "evaluation" / "evaluation.json")
        assert evaluation.truth.images == 3

    @pytest.mark.parametrize("methods", [{"detectors": ("hdog",)}, {"proposers": ("hdog",)}])
    def test_no_good_image_is_an_error(self, broken, tmp_path, methods):
        for path in broken.glob("*.png"):
            path.write_bytes(b"no picture")
        with pytest.raises(ReadError, match="check the data"):
            benchmark(f"truth:{broken}", tmp_path / "out", BenchmarkOptions(**methods, draws=100))


class TestWhatMakesNoSense:
    @pytest.fixture
    def changed(self, data, tmp_path):
        """Writes the truth with each image changed, or without those for which the change gives None."""

        def write(change):
            truth = json.loads((data / "truth.json").read_text())
            images = [change(image | {"path": str(data / image["path"])}) for image in truth["images"]]
            (tmp_path / "truth.json").write_text(json.dumps(truth | {"images": [one for one in images if one]}))
            return tmp_path

        return write

    @pytest.mark.parametrize(
        ("wrong", "says"),
        [
            ({"proposers": ("hdog",), "rule": "cluster"}, "calcification"),
            ({"proposers": ("canny",)}, "canny"),
            ({"detectors": ()}, "a detector or a proposer"),
            ({"proposers": ("hdog", "hdog")}, "each proposer once"),
            ({"split": "dev"}, "train, validation, test"),
            ({"draws": 9}, "100"),
            ({"level": "pixel"}, "level"),
            ({"rule": "disc", "detectors": ("hdog",)}, "a matching rule"),
            ({"rule": "disc14", "level": "cluster", "detectors": ("hdog",)}, "a rule for the level cluster"),
            ({"runtime": "tensorflow"}, "runtime"),
            ({"precision": "f16"}, "precision"),
            ({"proposers": ("hdog",), "precision": "bf16"}, "proposers alone"),
        ],
    )
    def test_options(self, wrong, says):
        with pytest.raises(UsageError, match=says):
            BenchmarkOptions(**wrong)

    def test_a_split_that_is_not_there(self, data, tmp_path):
        with pytest.raises(UsageError, match="train"):
            benchmark(f"truth:{data}", tmp_path, BenchmarkOptions(split="train"))

    def test_proposers_without_a_calcification_to_find(self, changed):
        folder = changed(lambda image: image if image["normal"] else None)
        with pytest.raises(UsageError, match="none in 2 images"):
            benchmark(f"truth:{folder}", folder / "out", BenchmarkOptions(proposers=("hdog",)))

    @pytest.mark.parametrize(
        ("change", "options", "says"),
        [
            (lambda image: image | {"normal": False}, {}, "an image marked normal"),
            (lambda image: image if image["normal"] else None, {}, "a target lesion"),
            (lambda image: image | {"patient": None, "split": None}, {"level": "patient"}, "the patient"),
            (lambda image: image | {"side": None}, {"level": "breast"}, "the patient and side"),
        ],
    )
    def test_numbers_that_will_not_be_defined_are_refused_before_anything_is_detected(
        self, changed, change, options, says
    ):
        folder = changed(change)
        with pytest.raises(UsageError, match=says):
            benchmark(f"truth:{folder}", folder / "out", BenchmarkOptions(detectors=("hdog",), **options))
        assert not (folder / "out").exists()

    def test_the_area_of_the_breast_may_come_from_the_detectors(self, changed):
        folder = changed(lambda image: image | {"normal": False})
        options = BenchmarkOptions(detectors=("hdog",), per="cm2", draws=100)
        assert benchmark(f"truth:{folder}", folder / "out", options).detectors[0].area is not None


class TestSpacing:
    def test_that_of_the_truth_reaches_the_detectors(self, whole, data):
        out, *_ = whole
        images = Report.from_json(out / "detectors" / "ours" / "findings.json").images
        assert {image.spacing_mm for image in images} == {(0.1, 0.1)}

    def test_where_images_differ_there_is_no_common_one(self, data):
        table = open_data(f"truth:{data}")
        assert common_spacing(table) == 0.1
        first = table[0].truth.path
        for other in ((0.07, 0.07), (0.1, 0.2), None):
            mixed = table.with_truth(
                lambda truth, other=other: truth.model_copy(
                    update={"spacing_mm": other if truth.path == first else truth.spacing_mm}
                )
            )
            assert common_spacing(mixed) is None
