import dataclasses

import pytest

from microcalc.datasets import Record, list_data
from microcalc.inspection.image import Task, look


@pytest.fixture
def record(study):
    """A DICOM file with a truth that agrees with it."""
    folder, truth = study
    left = next(image for image in truth.images if (image.side, image.view) == ("L", "CC"))
    return Record(folder / left.path, left)


@pytest.mark.parametrize("quick", [False, True])
def test_a_file_that_agrees_with_its_truth(record, quick):
    seen = look(Task(record, quick))
    assert seen.faults == ()
    assert (seen.rows, seen.columns) == (record.truth.rows, record.truth.columns)
    assert seen.spacing_source == "header"
    assert seen.spacing_mm == pytest.approx(record.truth.spacing_mm)
    assert (seen.pixels_sha256 is None, seen.fingerprint is None) == (quick, quick)


@pytest.mark.parametrize("quick", [False, True])
@pytest.mark.parametrize(
    ("known", "kind", "words"),
    [
        ({"spacing_mm": (0.05, 0.05)}, "spacing", "the file says 0.1 x 0.1 mm, the truth 0.05 x 0.05 mm"),
        ({"sop_instance_uid": "1.2.3"}, "another image", "its SOPInstanceUID is not that of the truth"),
        ({"view": "LM"}, "view", "the file says CC, the truth LM"),
        ({"side": "R"}, "side", "the file says L, the truth R"),
    ],
)
def test_a_file_that_says_otherwise(record, quick, known, kind, words):
    truth = record.truth.model_copy(update=known)
    [fault] = look(Task(dataclasses.replace(record, truth=truth), quick)).faults
    assert (fault.kind, fault.found) == (kind, words)


def test_a_spacing_that_only_the_data_set_knows(data_set, clean):
    listing = list_data(data_set(*clean))
    seen = look(Task(listing.records[0], quick=False))
    assert (seen.spacing_mm, seen.spacing_source) == ((0.1, 0.1), "dataset")
