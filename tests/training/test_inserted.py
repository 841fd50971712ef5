"""Lesions in a table's normal images: whose they are, and that the truth fits the pixels."""

import numpy as np
import pytest

from microcalc.datasets import Record, Table
from microcalc.training.inserted import with_lesions
from microcalc.truth import ImageTruth, TrueCalcification

SPACING_MM = 0.14


def write(path, seed):
    """A drawn breast, half a disc at the left edge, of ln attenuation that rises from top to bottom."""
    from PIL import Image

    rows, columns = 512, 384
    y, x = np.mgrid[:rows, :columns]
    breast = (x / (0.9 * columns)) ** 2 + ((y - rows / 2) / (0.47 * rows)) ** 2 < 1
    noise = 0.033 * np.random.default_rng(seed).standard_normal(breast.shape)
    grey = 1 / (1 + np.exp(-4 * (0.2 + 0.8 * y / rows + noise - 0.7)))
    Image.fromarray(np.rint(np.where(breast, grey, 0) * 65535).astype(np.uint16)).save(path)


@pytest.fixture(scope="module")
def table(tmp_path_factory):
    """Two patients with a normal image each, whose names stand in its path; a third with calcifications."""
    folder = tmp_path_factory.mktemp("own")
    records = []
    for number, (patient, normal) in enumerate({"smith": True, "jones": True, "brown": False}.items()):
        path = folder / f"{patient}_L_CC.png"
        write(path, number)
        marks = () if normal else (TrueCalcification(x=100, y=200),)
        spacing = (SPACING_MM, SPACING_MM)
        truth = ImageTruth(
            path=path.name, patient=patient, split="train", normal=normal, spacing_mm=spacing, calcifications=marks
        )
        records.append(Record(path, truth))
    return Table(records)


@pytest.fixture(scope="module")
def drawn(table, tmp_path_factory):
    out = tmp_path_factory.mktemp("inserted")
    return out, with_lesions(table, out, copies=2, seed=1)


def test_normal_images_come_so_many_times_with_lesions(drawn):
    assert sorted(record.truth.patient for record in drawn[1]) == ["jones", "jones", "smith", "smith"]
    assert all(record.truth.calcifications and not record.truth.normal for record in drawn[1])
    assert {record.truth.split for record in drawn[1]} == {"train"}
    places = [tuple((mark.x, mark.y) for mark in record.truth.calcifications) for record in drawn[1]]
    assert len(set(places)) == 4


def test_the_pitch_is_the_data_sets(drawn):
    assert {record.truth.spacing_mm for record in drawn[1]} == {(SPACING_MM, SPACING_MM)}
    assert {record.read().spacing_mm for record in drawn[1]} == {(SPACING_MM, SPACING_MM)}


def test_pixels_brighten_where_the_truth_says_so_and_nowhere_else(drawn, table):
    """Against the normal image itself; contrast adds brightness, and the noise that comes with it little else."""
    originals = {record.truth.patient: record.read().pixels for record in table}
    for record in drawn[1]:
        change = record.read().pixels - originals[record.truth.patient]
        target = [mark for mark in record.truth.calcifications if mark.diameter_mm and mark.diameter_mm > 0.2]
        assert all(change[round(mark.y), round(mark.x)] > 0.01 for mark in target)
        assert np.mean(np.abs(change) > 1e-4) < 0.05


def test_no_file_names_a_patient(drawn):
    texts = [path.name for path in drawn[0].rglob("*")]
    texts += [path.read_bytes().decode("latin-1") for path in drawn[0].rglob("*") if path.is_file()]
    assert not any(name in text.lower() for text in texts for name in ("smith", "jones"))


def test_equal_seeds_draw_equal_lesions_however_many_copies(drawn, table, tmp_path):
    again = with_lesions(table, tmp_path, copies=1, seed=1)
    first = [record.truth for record in drawn[1] if ".1_" in record.truth.path]
    assert [record.truth for record in again] == first


def test_without_normal_images_there_are_none(table, tmp_path):
    assert not with_lesions(table.filter(lambda truth: not truth.normal), tmp_path, copies=1, seed=1)
