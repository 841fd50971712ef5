"""What ``detect`` writes is read and paired as it stands."""

import numpy as np
import pytest

from microcalc.comparison.pairing import align
from microcalc.comparison.sources import read_system
from microcalc.detection import DetectionOptions, detect_to_folder
from microcalc.errors import UsageError


@pytest.fixture(scope="module")
def outputs(study, tmp_path_factory):
    """Two of the study's images, one of them damaged, detected in a folder of their own, and their truth."""
    folder, truth = study
    source, out = tmp_path_factory.mktemp("exam"), tmp_path_factory.mktemp("out")
    sound, damaged = truth.images[:2]
    (source / sound.path).write_bytes((folder / sound.path).read_bytes())
    (source / damaged.path).write_bytes(b"no mammogram")
    detect_to_folder([source], out, DetectionOptions(), formats=["json", "csv"])
    return source, out, (sound, damaged)


def test_findings_and_their_table_are_the_same_system(outputs):
    """The table states positions to 0.1 px and scores to 4 decimals."""
    _, out, truths = outputs
    systems = [read_system(out / "findings.json"), read_system(out / "calcifications.csv", "table")]
    aligned = align(truths, systems, unmatched="common")
    (findings,), (table,) = aligned.found
    assert len(findings.marks) > 0
    np.testing.assert_allclose(table.marks.xy, findings.marks.xy, atol=0.0501)
    np.testing.assert_allclose(table.marks.scores, findings.marks.scores, atol=5.01e-5)
    assert table.sop_instance_uid == findings.sop_instance_uid == aligned.truths[0].sop_instance_uid


def test_the_table_of_clusters_holds_those_of_the_findings(outputs):
    _, out, _ = outputs
    (findings,) = read_system(out / "findings.json").images
    (table,) = read_system(out / "clusters.csv").images
    np.testing.assert_allclose(table.marks.boxes, findings.clusters.boxes, atol=0.0501)
    # The findings know the members, whose mean is the centre; the table has the box alone.
    x0, y0, x1, y1 = findings.clusters.boxes.T
    np.testing.assert_allclose(table.marks.xy, np.stack([x0 + x1, y0 + y1], axis=1) / 2, atol=0.0501)


def test_a_failed_image_was_not_read(outputs):
    _, out, truths = outputs
    with pytest.raises(
        UsageError, match=rf"found 1 image \({truths[1].path}\) not listed, 1 of which the system failed"
    ):
        align(truths, [read_system(out / "findings.json")])


def test_pseudonymised_findings_say_that_they_match_nothing(outputs, tmp_path):
    source, _, truths = outputs
    detect_to_folder([source / truths[0].path], tmp_path, DetectionOptions(pseudonymise=True), formats=["json"])
    with pytest.raises(UsageError, match="detect without --pseudonymise"):
        align(truths[:1], [read_system(tmp_path / "findings.json")])
