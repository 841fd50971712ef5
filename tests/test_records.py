"""The JSON records: what they refuse, and that they come back as they went."""

import pickle

import pytest
from pydantic import ValidationError

from microcalc.errors import MicrocalcError, ReadError
from microcalc.findings import (
    NOTE,
    Calcification,
    Cluster,
    DetectorInfo,
    ImageFindings,
    Report,
    RunInfo,
)
from microcalc.truth import Ignored, ImageTruth, TrueCalcification, TrueCluster, Truth

DETECTOR = DetectorInfo(
    name="d", version="1", operating_point="balanced", threshold=0.5, score_floor=0.1, calibrated=False
)
RUN = RunInfo(microcalc="0.1.0", device="cpu", started="2026-01-01T00:00:00+00:00", seconds=1.0)
MARKS = tuple(Calcification(x=i, y=i, diameter_mm=0.3, score=0.9 - 0.1 * i) for i in range(6))


def cluster(members, **changes):
    fields = {
        "members": members,
        "bbox": (0, 0, 9, 9),
        "count": len(members),
        "area_mm2": 4.0,
        "density_per_cm2": 125.0,
        "distribution": "grouped",
        "score": 0.5,
    }
    return Cluster(**(fields | changes))


def image(**changes):
    fields = {"path": "a.dcm", "rows": 10, "columns": 10, "seconds": 0.1, "calcifications": MARKS}
    return ImageFindings(**(fields | changes))


def test_a_report_comes_back_as_it_went(tmp_path):
    report = Report(root="/r", detector=DETECTOR, run=RUN, images=(image(clusters=(cluster((0, 1, 2, 3, 4)),)),))
    (tmp_path / "f.json").write_text(report.to_json())
    assert Report.from_json(tmp_path / "f.json") == report
    assert '"schema": "microcalc.findings/1"' in report.to_json()


def test_a_truth_comes_back_as_it_went(tmp_path):
    known = ImageTruth(path="a.dcm", normal=False, calcifications=(TrueCalcification(x=1, y=2, pathology="unknown"),))
    truth = Truth(root=".", images=(known,))
    (tmp_path / "t.json").write_text(truth.to_json())
    assert Truth.from_json(tmp_path / "t.json") == truth


def test_the_real_truth_file_is_read(shared):
    truth = Truth.from_json(shared / "ffdm" / "truth.json")
    assert [len(known.calcifications) for known in truth.images] == [0, 9, 19, 2]


@pytest.mark.parametrize(
    "make",
    [
        lambda: Calcification(x=0, y=0, score=0.5, polygon=((0, 0), (1, 1))),  # two corners
        lambda: Calcification(x=float("nan"), y=0, score=0.5),
        lambda: Calcification(x=0, y=0, score=1.01),
        lambda: Calcification(x=0, y=0, score=0.5, diameter_mm=-1),
        lambda: Calcification(x=0, y=0, score=0.5, colour="red"),
        lambda: cluster((0, 1), count=3),
        lambda: cluster((0, 0)),
        lambda: cluster((0, 1), bbox=(5, 0, 4, 9)),
        lambda: image(calcifications=(Calcification(x=9.6, y=0, score=0.5),)),
        lambda: image(clusters=(cluster((5, 6)),)),
        lambda: image(spacing_mm=(0.07, -0.07), spacing_source="user"),
        lambda: image(spacing_mm=(0.07, 0.07)),
        lambda: DETECTOR.model_validate({**DETECTOR.model_dump(), "score_floor": 0.6}),
        lambda: ImageTruth(path="a", normal=True, calcifications=(TrueCalcification(x=1, y=1),)),
        lambda: ImageTruth(path="a", clusters=(TrueCluster(bbox=(0, 0, 1, 1), members=(0,)),)),
        lambda: Ignored(bbox=(5, 0, 4, 1)),
        lambda: Report(root="", detector=DETECTOR, run=RUN, images=(image(clusters=(cluster((0, 5)),)),)),
    ],
)
def test_no_half_valid_record_exists(make):
    with pytest.raises(ValidationError):
        make()


def test_marks_may_lie_on_the_outer_pixel_edges():
    assert image(calcifications=(Calcification(x=-0.5, y=9.5, score=0.5),))


@pytest.mark.parametrize(
    ("content", "says"),
    [
        (None, "No such file"),
        ("{", "Invalid JSON"),
        ('{"schema": "microcalc.truth/1", "root": "", "images": []}', "schema"),
        ('{"schema": "microcalc.findings/1", "root": ""}', "detector"),
    ],
)
def test_a_bad_file_is_one_clear_error(tmp_path, content, says):
    path = tmp_path / "f.json"
    if content is not None:
        path.write_text(content)
    with pytest.raises(ReadError, match=says) as caught:
        Report.from_json(path)
    assert caught.value.where == str(path)
    assert "\n" not in str(caught.value)


def test_notes_are_told_from_doubts():
    found = image(warnings=("no pixel spacing", f"{NOTE}inverted"))
    assert (found.doubts, found.notes) == (("no pixel spacing",), ("inverted",))


def test_errors_survive_the_way_between_processes():
    error = ReadError(expected="a", found="b", do="c", where="d")
    again = pickle.loads(pickle.dumps(error))
    assert (type(again), str(again), again.reason) == (ReadError, "d: expected a, found b; c", "expected a, found b; c")
    assert isinstance(again, MicrocalcError)
