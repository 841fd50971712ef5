"""The job behind ``microcalc evaluate``, on files."""

import hashlib
import json

import pytest

import microcalc
from microcalc.comparison.job import EvaluateOptions, evaluate, evaluate_to_folder
from microcalc.comparison.records import Evaluation
from microcalc.errors import MicrocalcError, ReadError, UsageError
from microcalc.truth import ImageTruth, TrueCalcification, Truth

QUICK = EvaluateOptions(draws=100)
ROWS = ("a.png,100,100,0.9", "a.png,300,100,0.3", "n.png,50,50,0.7", "m.png,,,")


def image_truth(name, *xy, **known):
    lesions = tuple(TrueCalcification(x=x, y=y) for x, y in xy)
    known = {"patient": f"p-{name}", "normal": not xy, "spacing_mm": (0.07, 0.07)} | known
    return ImageTruth(path=f"{name}.png", calcifications=lesions, **known)


IMAGES = (image_truth("a", (100, 100), (300, 100)), image_truth("n"), image_truth("m"))


@pytest.fixture
def truth(tmp_path):
    """Write ``truth.json``; its path."""

    def write(*images, root="."):
        path = tmp_path / "truth.json"
        path.write_text(Truth(root=root, images=images or IMAGES).to_json())
        return path

    return write


@pytest.fixture
def table(tmp_path):
    """Write a CSV of detections; its path."""

    def write(name="mine.csv", rows=ROWS):
        path = tmp_path / name
        path.parent.mkdir(exist_ok=True)
        path.write_text("\n".join(["image,x,y,score", *rows]) + "\n")
        return path

    return write


def test_a_table_is_scored_against_a_truth(table, truth):
    """One calcification is found at no false positive, the other at one on two normal images."""
    evaluation = evaluate(table(), truth(), draws=100)
    (system,) = evaluation.systems
    assert (system.name, system.source, system.detector) == ("mine", "mine.csv", None)
    assert system.froc.area.value == pytest.approx((0.5 * 0.5 + 49.5) / 50)
    assert (evaluation.settings.level, evaluation.settings.rule) == ("calcification", "disc14")
    info = evaluation.truth
    assert (info.source, info.images, info.normal_images, info.patients, info.lesions) == ("truth.json", 3, 2, 3, 2)
    assert microcalc.evaluate(table(), truth().parent, draws=100) == evaluation  # a folder with a truth.json


def test_what_is_written(table, truth, tmp_path):
    out = tmp_path / "out"
    evaluation = evaluate_to_folder(table(), truth(), out, QUICK).evaluation
    names = {path.name for path in out.iterdir()}
    assert names >= {"evaluation.json", "evaluation.html", "metrics.csv", "differences.csv", "run.json"}
    assert Evaluation.from_json(out / "evaluation.json") == evaluation
    run = json.loads((out / "run.json").read_text())
    assert run["settings"]["seed"] == 0
    assert [file["name"] for file in run["files"]] == ["truth.json", "mine.csv"]
    assert str(tmp_path) not in "".join(path.read_text() for path in out.iterdir() if path.is_file())


def test_nothing_of_an_earlier_run_stands_beside_the_numbers(table, truth, tmp_path):
    out = tmp_path / "out"
    evaluate_to_folder(table(), truth(), out, QUICK)
    (out / "notes.txt").write_text("mine")
    evaluate_to_folder(table(), truth(), out, QUICK, formats=["json"])
    assert {path.name for path in out.rglob("*") if path.is_file()} == {"evaluation.json", "run.json", "notes.txt"}


def test_what_is_not_of_an_earlier_run_stays(table, truth, tmp_path):
    """Beside an evaluation, figures of other names; in another folder, whatever it is called."""
    out, strange = tmp_path / "out", tmp_path / "strange"
    evaluate_to_folder(table(), truth(), out, QUICK)
    (out / "figures" / "my-own.svg").write_text("mine")
    strange.mkdir()
    (strange / "metrics.csv").write_text("mine")
    for folder in (out, strange):
        evaluate_to_folder(table(), truth(), folder, QUICK, formats=["json"])
    assert [path.name for path in (out / "figures").iterdir()] == ["my-own.svg"]
    assert (strange / "metrics.csv").read_text() == "mine"


def test_the_file_that_names_coco_images_is_recorded(table, truth, tmp_path):
    names = tmp_path / "names.json"
    names.write_text('{"images": []}')
    options = EvaluateOptions(draws=100, coco_images=names)
    evaluate_to_folder(table(), truth(), tmp_path / "out", options, formats=["json"])
    *_, last = json.loads((tmp_path / "out" / "run.json").read_text())["files"]
    digest = hashlib.sha256(names.read_bytes()).hexdigest()
    assert last == {"is": "coco_images", "name": "names.json", "sha256": digest}


def test_nothing_is_written_if_there_is_no_number(table, truth, tmp_path):
    with pytest.raises(UsageError):
        evaluate_to_folder(table(), truth(*IMAGES[1:]), tmp_path / "out", QUICK)
    assert not (tmp_path / "out").exists()


class TestNames:
    def test_several_systems_are_named_by_their_files(self, table, truth):
        files = [table("first.csv"), table("second.csv")]
        evaluation = evaluate(files, truth(), draws=100)
        assert [system.name for system in evaluation.systems] == ["first", "second"]
        assert {(one.first, one.second) for one in evaluation.differences} == {("first", "second")}

    def test_a_name_can_be_given(self, table, truth):
        files = [f"ours={table('first.csv')}", f"theirs={table('second.csv')}"]
        assert [system.name for system in evaluate(files, truth(), draws=100).systems] == ["ours", "theirs"]

    def test_a_file_may_have_an_equals_sign_in_its_own_name(self, table, truth):
        assert evaluate(table("t=0.csv"), truth(), draws=100).systems[0].name == "t=0"

    def test_detectors_of_one_name_are_told_apart_by_operating_point_or_file(self, findings, truth):
        points = [findings("one/findings.json", "sensitive"), findings("two/findings.json", "specific")]
        evaluation = evaluate(points, truth(), draws=100)
        assert [system.name for system in evaluation.systems] == ["m (sensitive)", "m (specific)"]
        files = [findings("old.json", "specific"), findings("new.json", "specific")]
        evaluation = evaluate(files, truth(), draws=100)
        assert [system.name for system in evaluation.systems] == ["m (old)", "m (new)"]

    def test_else_they_must_be_named(self, table, truth):
        with pytest.raises(UsageError, match="A=first"):
            evaluate([table("one/mine.csv"), table("two/mine.csv")], truth(), draws=100)

    @pytest.fixture
    def findings(self, tmp_path):
        """Write findings with nothing found, of a detector ``m`` at an operating point; their path."""

        def write(name, point):
            images = [
                {"path": image.path, "rows": 500, "columns": 500, "seconds": 0, "calcifications": []}
                for image in IMAGES
            ]
            detector = {
                **{"name": "m", "version": "1", "operating_point": point},
                **{"threshold": 0.5, "score_floor": 0.1, "calibrated": False},
            }
            run = {"microcalc": "0", "device": "cpu", "started": "", "seconds": 0}
            path = tmp_path / name
            path.parent.mkdir(exist_ok=True)
            schema = "microcalc.findings/1"
            path.write_text(
                json.dumps({"schema": schema, "root": ".", "detector": detector, "run": run, "images": images})
            )
            return path

        return write


class TestSplit:
    IMAGES = tuple(
        image.model_copy(update={"split": split})
        for image, split in zip(IMAGES, ("test", "test", "train"), strict=True)
    )

    def test_images_of_other_splits_are_passed_over(self, table, truth):
        evaluation = evaluate(table(), truth(*self.IMAGES), split="test", draws=100)
        assert (evaluation.truth.images, evaluation.systems[0].froc.normal_images) == (2, 1)
        assert evaluation.settings.split == "test"

    def test_patients_on_both_sides_are_told_of(self, table, truth):
        images = [
            image.model_copy(update={"patient": "p" if image.path == "m.png" else image.patient})
            for image in self.IMAGES
        ]
        assert not any(
            "trained" in remark for remark in evaluate(table(), truth(*images), split="test", draws=100).remarks
        )
        images[1] = images[1].model_copy(update={"patient": "p"})
        told = evaluate(table(), truth(*images), split="test", draws=100).remarks
        assert any(remark.startswith("1 patient of the split test with images on another side") for remark in told)

    def test_but_not_images_that_the_truth_does_not_know(self, table, truth):
        with pytest.raises(MicrocalcError, match=r"x\.png"):
            evaluate(table(rows=(*ROWS, "x.png,1,1,0.5")), truth(), draws=100)

    def test_a_split_without_images(self, table, truth):
        with pytest.raises(UsageError, match="images of the split validation"):
            evaluate(table(), truth(), split="validation")


class TestErrors:
    @pytest.mark.parametrize(
        ("wrong", "says"),
        [
            ({"seed": -1}, "seed of 0 or more"),
            ({"draws": 99}, "draws of 100 or more"),
            ({"level": "pixel"}, "calcification, cluster, image, breast, patient"),
            ({"per": "breast"}, "image, cm2, legacy"),
            ({"split": "dev"}, "train, validation, test"),
            ({"unmatched": "drop"}, "fail, empty, common"),
            ({"resample": "lesion"}, "patient, image, detection"),
            ({"draws": 0}, "1000"),
        ],
    )
    def test_wrong_options(self, wrong, says):
        with pytest.raises(UsageError, match=says):
            EvaluateOptions(**wrong)

    @pytest.mark.parametrize(
        ("wrong", "says"), [({"rule": "near"}, "disc14"), ({"rule": "cluster", "level": "calcification"}, "--level")]
    )
    def test_wrong_rules(self, table, truth, wrong, says):
        with pytest.raises(UsageError, match=says):
            evaluate(table(), truth(), **wrong)

    def test_no_normal_image_offers_the_area(self, table, truth):
        unknown = [image.model_copy(update={"normal": None}) for image in IMAGES]
        with pytest.raises(UsageError, match="--per cm2"):
            evaluate(table(), truth(*unknown), draws=100)

    def test_no_patients_offer_images(self, table, truth):
        nameless = [image.model_copy(update={"patient": None}) for image in IMAGES]
        with pytest.raises(UsageError, match="--resample image"):
            evaluate(table(), truth(*nameless), draws=100)
        lesions = image_truth("b", (100, 100), patient=None)
        path = table(rows=(*ROWS, "b.png,,,"))
        by_image = evaluate(path, truth(*nameless, lesions), resample="image", draws=100)
        assert by_image.truth.patients is None
        assert by_image.systems[0].froc.area.low is not None
        assert any("too narrow" in remark for remark in by_image.remarks)

    def test_a_patient_parted_by_resampling_needs_force_and_is_told_of(self, table, truth):
        same = [image.model_copy(update={"patient": "p"}) for image in IMAGES]
        with pytest.raises(UsageError, match="--force"):
            evaluate(table(), truth(*same), resample="image", draws=100)
        forced = evaluate(table(), truth(*same), resample="image", draws=100, force=True)
        assert any("too narrow" in remark for remark in forced.remarks)

    def test_nothing_to_be_found(self, table, truth):
        normal = image_truth("a")
        with pytest.raises(UsageError, match="target"):
            evaluate(table(), truth(normal, *IMAGES[1:]), draws=100)

    @pytest.mark.parametrize("score", ["1.5", "nan"])
    def test_scores_out_of_range(self, table, truth, score):
        with pytest.raises(ReadError, match=f"{score}.*row 6"):
            evaluate(table(rows=(*ROWS, f"a.png,100,100,{score}")), truth(), draws=100)

    def test_an_image_twice_in_the_truth(self, table, truth):
        with pytest.raises(MicrocalcError, match="once in the truth"):
            evaluate(table(), truth(*IMAGES, IMAGES[0]), draws=100)

    def test_other_formats_and_folders(self, table, truth, tmp_path):
        with pytest.raises(UsageError, match="json, csv, html"):
            evaluate_to_folder(table(), truth(), tmp_path / "out", QUICK, formats=["pdf"])
        for formats in ("json,csv", []):
            with pytest.raises(UsageError, match="a list of formats"):
                evaluate_to_folder(table(), truth(), tmp_path / "out", QUICK, formats=formats)
        with pytest.raises(UsageError, match="--images"):
            evaluate_to_folder(table(), truth(), tmp_path / "out", QUICK, images=tmp_path / "missing")
        with pytest.raises(ReadError, match="truth"):
            evaluate(table(), tmp_path / "missing.json", draws=100)
        (tmp_path / "findings.json").write_text('{"schema": "microcalc.findings/1"}')
        with pytest.raises(ReadError, match="detections as --findings"):
            evaluate(table(), tmp_path / "findings.json", draws=100)
        with pytest.raises(UsageError, match="a file of detections"):
            evaluate([], truth())
