import json

import numpy as np
import pytest

from microcalc.comparison.sources import read_system
from microcalc.errors import ReadError
from microcalc.findings import Calcification, Cluster, DetectorInfo, Failure, ImageFindings, Report, RunInfo

IMAGE = ImageFindings(
    path="exam/a.dcm",
    sop_instance_uid="1.2.3",
    rows=200,
    columns=100,
    spacing_mm=(0.1, 0.05),
    spacing_source="header",
    breast_area_cm2=80.0,
    seconds=0.1,
    calcifications=(
        Calcification(x=10, y=20, diameter_mm=0.2, score=0.9, malignancy=0.3),
        Calcification(x=30, y=40, score=0.2),
    ),
    clusters=(
        Cluster(
            members=(0,),
            bbox=(5, 15, 15, 25),
            count=1,
            area_mm2=1,
            density_per_cm2=1,
            distribution="grouped",
            score=0.9,
        ),
    ),
)


@pytest.fixture
def write(tmp_path):
    def write(*images, failed=()):
        report = Report(
            root=".",
            detector=DetectorInfo(
                name="morphology",
                version="1",
                operating_point="balanced",
                threshold=0.5,
                score_floor=0.1,
                calibrated=False,
            ),
            run=RunInfo(microcalc="0", device="cpu", started="2026-01-01T00:00:00+00:00", seconds=0),
            images=images,
            failed=tuple(Failure(path=path, reason="damaged") for path in failed),
        )
        path = tmp_path / "findings.json"
        path.write_text(report.to_json())
        return path

    return write


def test_marks_and_clusters_are_kept_apart(write):
    system = read_system(write(IMAGE, failed=["exam\\b.dcm"]))
    assert (system.name, system.detector.threshold, system.failed) == ("morphology", 0.5, ("exam/b.dcm",))
    (image,) = system.images
    assert (image.path, image.sop_instance_uid, image.shape) == ("exam/a.dcm", "1.2.3", (200, 100))
    assert (image.spacing_mm, image.breast_area_cm2, image.diameter_mm) == ((0.1, 0.05), 80.0, None)
    np.testing.assert_array_equal(image.marks.xy, [[10, 20], [30, 40]])
    np.testing.assert_array_equal(image.marks.malignancy, [0.3, np.nan])
    # 0.2 mm are 4 columns of 0.05 mm and 2 rows of 0.1 mm.
    np.testing.assert_allclose(image.marks.boxes, [[8, 19, 12, 21], [np.nan] * 4])
    np.testing.assert_array_equal(image.clusters.xy, [[10, 20]])
    np.testing.assert_array_equal(image.clusters.scores, [0.9])


def test_an_image_without_marks_has_been_read(write):
    nothing = IMAGE.model_copy(update={"calcifications": (), "clusters": ()})
    (image,) = read_system(write(nothing)).images
    assert (len(image.marks), len(image.clusters)) == (0, 0)


@pytest.mark.parametrize(
    ("second", "failed", "what"),
    [
        ({"sop_instance_uid": None}, (), "path"),
        ({"path": "copy.dcm"}, (), "SOPInstanceUID"),
        ({"path": "b.dcm", "sop_instance_uid": None}, ("exam/a.dcm",), "path"),
    ],
)
def test_an_image_listed_twice_is_refused(write, second, failed, what):
    with pytest.raises(ReadError, match=f"each image once, by its {what}, found 1 more than once"):
        read_system(write(IMAGE, IMAGE.model_copy(update=second), failed=failed))


def test_a_score_above_one_is_refused_with_its_place(write):
    path = write(IMAGE)
    content = json.loads(path.read_text())
    content["images"][0]["calcifications"][1]["score"] = 1.5
    path.write_text(json.dumps(content))
    with pytest.raises(ReadError, match=r"images\.0\.calcifications\.1\.score"):
        read_system(path)


def test_an_assumed_spacing_counts_as_not_stated(write):
    """Boxes keep their pixels; a spacing and an area that are guesses must not pass for the set's."""
    (image,) = read_system(write(IMAGE.model_copy(update={"spacing_source": "assumed"}))).images
    assert (image.spacing_mm, image.breast_area_cm2) == (None, None)
    np.testing.assert_allclose(image.marks.boxes[0], [8, 19, 12, 21])
