"""The detection job: what goes in, what comes out, and what a bad file, an interruption or a crash costs."""

import json
import os
import shutil
from concurrent.futures import Executor, Future
from concurrent.futures.process import BrokenProcessPool

import pydicom
import pytest

import microcalc
from microcalc import detection
from microcalc.detection import DetectionOptions, detect, detect_to_folder
from microcalc.errors import ReadError, UsageError, WriteError
from microcalc.findings import Failure, ImageFindings, Report
from microcalc.output import image_key
from microcalc.parallel import process_pool

OPTIONS = DetectionOptions()


@pytest.fixture
def folder(tmp_path, breast_png):
    """Three good images, one broken, and things that are no images."""
    folder = tmp_path / "in"
    (folder / "sub").mkdir(parents=True)
    for name in ("a.png", "b.png", "sub/c.png"):
        breast_png(folder / name)
    (folder / "broken.png").write_bytes((folder / "a.png").read_bytes()[:2000])
    (folder / "notes.txt").write_text("nothing to see")
    return folder


def test_the_study_is_found(study):
    folder, truth = study
    report = detect(folder)
    assert [image.path for image in report.images] == sorted(image.path for image in truth.images)
    assert not report.failed
    by_path = {image.path: image for image in truth.images}
    for image in report.images:
        known = by_path[image.path]
        assert (image.side, image.view, image.spacing_mm) == (known.side, known.view, known.spacing_mm)
        assert image.sop_instance_uid == known.sop_instance_uid
        assert image.breast_area_cm2 == pytest.approx(known.breast_area_cm2, rel=0.1)


def test_one_path_as_the_readme_has_it(study):
    report = microcalc.detect(str(study[0] / "synthetic-0001_L_CC.dcm"))
    assert [image.path for image in report.images] == ["synthetic-0001_L_CC.dcm"]
    scores = [mark.score for mark in report.images[0].calcifications]
    assert scores == sorted(scores, reverse=True)
    assert min(scores) >= report.detector.score_floor


def test_clusters_hold_marks_at_or_above_the_threshold_only(study):
    report = detect(study[0], operating_point="sensitive")
    members = [(image, m) for image in report.images for cluster in image.clusters for m in cluster.members]
    assert members
    assert all(image.calcifications[m].score >= report.detector.threshold for image, m in members)


def test_detection_repeats_to_the_bit(study):
    path = study[0] / "synthetic-0001_R_MLO.dcm"
    first, second = detect(path).images[0], detect(path).images[0]
    assert first.model_copy(update={"seconds": 0.0}) == second.model_copy(update={"seconds": 0.0})


def test_one_bad_file_never_stops_the_rest(folder, tmp_path):
    report = detect_to_folder([folder], tmp_path / "out", OPTIONS)
    assert [image.path for image in report.images] == ["a.png", "b.png", "sub/c.png"]
    assert [failure.path for failure in report.failed] == ["broken.png"]
    assert "expected" in report.failed[0].reason


def test_all_outputs_are_written_and_read_back(folder, tmp_path):
    out = tmp_path / "out"
    report = detect_to_folder([folder], out, OPTIONS)
    assert Report.from_json(out / "findings.json") == report
    assert {path.name for path in out.iterdir()} == {
        "findings.json", "run.json", "report.html", "calcifications.csv", "clusters.csv", "pictures",
    }  # fmt: skip
    record = json.loads((out / "run.json").read_text())
    assert record["versions"]["microcalc"] == microcalc.__version__
    assert set(record["seconds"]) == {"a.png", "b.png", "sub/c.png"}
    for image in report.images:
        assert (out / "pictures" / image_key(image.path) / "overlay.png").exists()


def test_results_among_the_inputs_are_not_read_as_inputs(folder, tmp_path):
    (tmp_path / "link").symlink_to(folder)
    first = detect_to_folder([folder], folder / "sub" / "..", OPTIONS)
    again = detect_to_folder([tmp_path / "link"], folder, OPTIONS)
    assert [image.path for image in again.images] == [image.path for image in first.images]


def test_only_what_is_asked_for_is_written(folder, tmp_path):
    detect_to_folder([folder], tmp_path / "out", OPTIONS, formats=["json"])
    assert {path.name for path in (tmp_path / "out").iterdir()} == {"findings.json", "run.json"}
    with pytest.raises(UsageError, match="pdf"):
        detect_to_folder([folder], tmp_path / "out", OPTIONS, formats=["pdf"])


def test_pictures_of_another_run_are_no_inputs_but_the_users_own_are(folder, tmp_path, breast_png):
    detect_to_folder([folder], folder / "one", OPTIONS)
    (folder / "pictures").mkdir()
    breast_png(folder / "pictures" / "mine.png")
    report = detect_to_folder([folder], folder / "two", OPTIONS, formats=["json"])
    assert [image.path for image in report.images] == ["a.png", "b.png", "pictures/mine.png", "sub/c.png"]


def test_what_cannot_be_opened_costs_itself_alone(folder, tmp_path):
    (folder / "loop.png").symlink_to(folder / "loop.png")
    too_long = tmp_path / ("x" * 300)
    report = detect_to_folder([folder, too_long], tmp_path / "out", OPTIONS, formats=["json"])
    assert len(report.images) == 3
    assert len(report.failed) == 3


def test_files_of_the_user_are_left_alone(folder):
    (folder / "report.html").write_text("mine")
    detect_to_folder([folder], folder, OPTIONS, formats=["json"])
    assert (folder / "report.html").read_text() == "mine"


def test_a_folder_in_the_way_of_a_result_is_one_clear_error(folder, tmp_path):
    (tmp_path / "out" / "report.html").mkdir(parents=True)
    with pytest.raises(WriteError, match=r"report\.html"):
        detect_to_folder([folder], tmp_path / "out", OPTIONS)
    (tmp_path / "out" / "run.json").touch()
    with pytest.raises(WriteError, match=r"report\.html"):
        detect_to_folder([folder], tmp_path / "out", OPTIONS, formats=["json"])


def test_nothing_of_an_earlier_run_stands_beside_newer_results(folder, tmp_path):
    out = tmp_path / "out"
    detect_to_folder([folder], out, OPTIONS)
    detect_to_folder([folder], out, OPTIONS, formats=["json", "csv"])
    assert {path.name for path in out.iterdir()} == {
        "findings.json", "run.json", "calcifications.csv", "clusters.csv", "pictures",
    }  # fmt: skip
    assert not list((out / "pictures").iterdir())


def test_a_file_name_that_is_no_text_costs_nothing(folder, tmp_path):
    (folder / "b.png").rename(os.fsdecode(os.fsencode(folder) + b"/b\xe9.png"))
    report = detect_to_folder([folder], tmp_path / "out", OPTIONS)
    assert [image.path for image in report.images] == ["a.png", "b\\xe9.png", "sub/c.png"]


def test_assumed_spacing_is_said_and_a_given_one_used(folder):
    (assumed,) = detect(folder / "a.png").images
    assert (assumed.spacing_mm, assumed.spacing_source) == ((0.07, 0.07), "assumed")
    assert any("0.07 mm assumed" in warning for warning in assumed.warnings)
    (given,) = detect(folder / "a.png", spacing_mm=0.1).images
    assert (given.spacing_mm, given.spacing_source) == ((0.1, 0.1), "user")


def test_strict_fails_what_is_in_doubt(folder, tmp_path):
    report = detect_to_folder([folder / "a.png"], tmp_path / "out", DetectionOptions(strict=True))
    assert not report.images
    assert "0.07 mm assumed" in report.failed[0].reason


def test_a_folder_passes_over_what_a_named_file_fails_on(tmp_path, study, breast_png):
    note = pydicom.dcmread(study[0] / "synthetic-0001_L_CC.dcm")
    del note.PixelData, note.Rows, note.Columns
    note.SOPClassUID = note.file_meta.MediaStorageSOPClassUID = pydicom.uid.BasicTextSRStorage
    (tmp_path / "in").mkdir()
    note.save_as(tmp_path / "in" / "note.dcm")
    breast_png(tmp_path / "in" / "a.png")
    assert not detect(tmp_path / "in").failed
    assert [failure.path for failure in detect([tmp_path / "in" / "note.dcm", tmp_path / "in"]).failed] == ["note.dcm"]
    (tmp_path / "in" / "a.png").unlink()
    with pytest.raises(ReadError, match="other DICOM objects only"):
        detect(tmp_path / "in")


def test_python_raises_where_nothing_could_be_done(tmp_path):
    with pytest.raises(ReadError, match=r"missing\.dcm"):
        detect(tmp_path / "missing.dcm")
    (tmp_path / "empty").mkdir()
    with pytest.raises(ReadError, match="found none"):
        detect(tmp_path / "empty")
    with pytest.raises(UsageError, match="morphology"):
        detect(tmp_path, detector="clairvoyance")
    with pytest.raises(UsageError, match="balanced"):
        detect(tmp_path, operating_point="perfect")


def test_an_output_folder_that_cannot_be_written(folder, tmp_path):
    (tmp_path / "file").write_text("in the way")
    with pytest.raises(WriteError, match="out"):
        detect_to_folder([folder], tmp_path / "file" / "out", OPTIONS)


def test_a_fault_of_ours_costs_one_image(folder, monkeypatch):
    real = detection.read_mammogram

    def faulty(path, **options):
        if path.name == "b.png":
            raise ZeroDivisionError("oops")
        return real(path, **options)

    monkeypatch.setattr(detection, "read_mammogram", faulty)
    report = detect(folder)
    assert len(report.images) == 2
    assert any("unexpected ZeroDivisionError: oops" in failure.reason for failure in report.failed)


class TestPseudonyms:
    @pytest.fixture
    def outputs(self, study, tmp_path):
        source = tmp_path / "DOE^JANE"
        source.mkdir()
        header = pydicom.dcmread(study[0] / "synthetic-0001_R_CC.dcm")
        header.PatientName, header.PatientID, header.PatientBirthDate = "Doe^Jane", "doe_jane", "19610203"
        header.AccessionNumber = "jane_1961"
        header.WindowCenterWidthExplanation = "Doe Jane"
        header.save_as(source / "doe_jane_1961.dcm")
        header.Modality, header.BodyPartExamined = "CR", "DOE JANE"
        header.save_as(source / "doe_jane_other.dcm")
        (source / "doe_jane_bad.dcm").write_bytes(b"no mammogram")
        out = tmp_path / "out"
        report = detect_to_folder([source], out, DetectionOptions(pseudonymise=True))
        return report, out

    def test_no_name_is_left_anywhere(self, outputs, study):
        _, out = outputs
        known = study[1].images[0]
        uids = [image.sop_instance_uid.encode() for image in study[1].images]
        secrets = [b"doe_jane", b"doe^jane", b"doe jane", b"jane_1961", b"19610203", known.study.encode(), *uids]
        for path in out.rglob("*"):
            assert not any(secret in os.fsencode(path.relative_to(out)).lower() for secret in secrets)
            if path.is_file() and path.suffix in {".json", ".csv", ".html"}:
                content = path.read_bytes().lower()
                assert not any(secret in content for secret in secrets), path

    def test_names_follow_from_the_content(self, outputs):
        report, _ = outputs
        assert report.images[0].path.startswith("sha256-")
        assert report.images[0].sop_instance_uid.startswith("2.25.")
        assert report.failed[0].path.startswith("sha256-")

    def test_copies_of_one_image_are_one_image(self, study, tmp_path):
        for name in ("one.dcm", "two.dcm"):
            shutil.copy(study[0] / "synthetic-0001_R_CC.dcm", tmp_path / name)
        report = detect_to_folder([tmp_path], tmp_path / "out", DetectionOptions(pseudonymise=True), formats=["json"])
        assert len(report.images) == 1


class TestResume:
    def interrupted(self, folder, out, after):
        def stop(outcome, done, total):
            if done == after:
                raise KeyboardInterrupt

        with pytest.raises(KeyboardInterrupt):
            detect_to_folder([folder], out, OPTIONS, on_outcome=stop)

    def test_an_interruption_keeps_what_is_finished(self, folder, tmp_path):
        out = tmp_path / "out"
        self.interrupted(folder, out, after=2)
        assert [image.path for image in Report.from_json(out / "findings.json").images] == ["a.png", "b.png"]
        assert (out / "report.html").exists()

    def test_resume_does_the_rest_only(self, folder, tmp_path):
        out = tmp_path / "out"
        self.interrupted(folder, out, after=1)
        seen = []
        report = detect_to_folder([folder], out, OPTIONS, resume=True, on_outcome=lambda o, d, t: seen.append(o.path))
        assert "a.png" not in seen
        assert [image.path for image in report.images] == ["a.png", "b.png", "sub/c.png"]
        assert not (out / "findings.partial.jsonl").exists()

    def test_a_line_cut_short_by_a_kill_is_done_again(self, folder, tmp_path):
        out = tmp_path / "out"
        self.interrupted(folder, out, after=2)
        journal = out / "findings.partial.jsonl"
        journal.write_bytes(journal.read_bytes()[:-50])
        report = detect_to_folder([folder], out, OPTIONS, resume=True)
        assert [image.path for image in report.images] == ["a.png", "b.png", "sub/c.png"]

    def test_a_finished_run_is_extended(self, folder, tmp_path, breast_png):
        out = tmp_path / "out"
        detect_to_folder([folder], out, OPTIONS)
        breast_png(folder / "d.png", columns=320)
        seen = []
        detect_to_folder([folder], out, OPTIONS, resume=True, on_outcome=lambda o, d, t: seen.append(o.path))
        assert seen == ["broken.png", "d.png"]  # what failed is tried again

    def test_other_inputs_of_the_same_names_are_refused(self, folder, tmp_path, breast_png):
        detect_to_folder([folder], tmp_path / "out", OPTIONS, formats=["json"])
        (tmp_path / "other").mkdir()
        breast_png(tmp_path / "other" / "a.png")
        with pytest.raises(UsageError, match="inputs root"):
            detect_to_folder([tmp_path / "other"], tmp_path / "out", OPTIONS, formats=["json"], resume=True)

    def test_a_missing_picture_is_drawn_again(self, study, tmp_path):
        out = tmp_path / "out"
        detect_to_folder([study[0]], out, OPTIONS)
        (crop,) = (out / "pictures").glob("*_R_CC-*/cluster-01.png")
        crop.unlink()
        detect_to_folder([study[0]], out, OPTIONS, resume=True)
        assert crop.exists()

    @pytest.mark.parametrize("content", ["{", "[]", "{}", '{"settings": [1]}'])
    def test_damaged_results_are_not_resumed(self, folder, tmp_path, content):
        detect_to_folder([folder], tmp_path / "out", OPTIONS, formats=["json"])
        (tmp_path / "out" / "run.json").write_text(content)
        with pytest.raises(ReadError, match="damaged"):
            detect_to_folder([folder], tmp_path / "out", OPTIONS, resume=True)

    @pytest.mark.parametrize(
        ("options", "says"),
        [
            (DetectionOptions(operating_point="specific"), "balanced then, specific now"),
            (DetectionOptions(spacing_mm=0.1), "spacing_mm None then, 0.1 now"),
        ],
    )
    def test_other_settings_are_refused(self, folder, tmp_path, options, says):
        detect_to_folder([folder], tmp_path / "out", OPTIONS)
        with pytest.raises(UsageError, match=says):
            detect_to_folder([folder], tmp_path / "out", options, resume=True)


class FragilePool(Executor):
    """Runs tasks here and now, and dies, once and for all, on the file named b.png."""

    dead = False

    def submit(self, fn, /, *args, **kwargs):
        future = Future()
        self.dead = self.dead or args[0].path.name == "b.png"
        if self.dead:
            future.set_exception(BrokenProcessPool("a worker died"))
        else:
            future.set_result(fn(*args, **kwargs))
        return future


def test_a_crash_of_a_worker_costs_the_image_that_caused_it(folder, tmp_path):
    report = detect_to_folder([folder], tmp_path / "out", OPTIONS, formats=["json"], make_executor=FragilePool)
    assert [image.path for image in report.images] == ["a.png", "sub/c.png"]
    assert any(failure.path == "b.png" and "process dies" in failure.reason for failure in report.failed)


def test_two_processes_find_the_same(study, tmp_path):
    here = detect_to_folder([study[0]], tmp_path / "here", OPTIONS, formats=["json"])
    there = detect_to_folder([study[0]], tmp_path / "there", OPTIONS, formats=["json"], make_executor=process_pool(2))

    def findings(report):
        return [image.model_copy(update={"seconds": 0.0}) for image in report.images]

    assert findings(here) == findings(there)


def test_outcomes_are_told_as_they_come(folder, tmp_path):
    told = []
    detect_to_folder([folder], tmp_path / "out", OPTIONS, on_outcome=lambda *outcome: told.append(outcome))
    assert [(done, total) for _, done, total in told] == [(1, 4), (2, 4), (3, 4), (4, 4)]
    assert {type(outcome) for outcome, _, _ in told} == {ImageFindings, Failure}
