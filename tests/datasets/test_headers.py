import numpy as np
import pydicom
import pytest
from PIL import Image

from microcalc.datasets.headers import Stated, stated, vendor_of
from microcalc.errors import NotAnImageError, ReadError
from microcalc.imageio import read_mammogram


def test_a_header_says_what_reading_the_whole_file_says(study):
    folder, truth = study
    for image in truth.images:
        path = folder / image.path
        read, told = read_mammogram(path), stated(path)
        assert (told.rows, told.columns) == read.shape
        for name in ("sop_instance_uid", "study", "spacing_mm", "side", "view"):
            assert getattr(told, name) == getattr(read, name), name
        assert told.processing in ("FOR PRESENTATION", "FOR PROCESSING")


def test_pixels_are_not_needed(study, tmp_path):
    """A file cut off within its pixels still tells of itself."""
    folder, truth = study
    source = folder / truth.images[0].path
    cut = tmp_path / "cut.dcm"
    cut.write_bytes(source.read_bytes()[:20000])
    assert stated(cut) == stated(source)


def test_maker_and_age(study, tmp_path):
    folder, truth = study
    dataset = pydicom.dcmread(folder / truth.images[0].path)
    dataset.Manufacturer, dataset.PatientAge = "HOLOGIC, Inc.", "054Y"
    dataset.save_as(tmp_path / "a.dcm")
    told = stated(tmp_path / "a.dcm")
    assert (told.vendor, told.age) == ("Hologic", 54.0)
    dataset.Manufacturer, dataset.PatientAge = "Mrs. A. Name", "018M"
    dataset.save_as(tmp_path / "a.dcm")
    assert (stated(tmp_path / "a.dcm").vendor, stated(tmp_path / "a.dcm").age) == (None, None)


@pytest.mark.parametrize(
    ("manufacturer", "vendor"),
    [
        ("GE MEDICAL SYSTEMS", "GE"),
        ("SIEMENS AG", "Siemens"),
        ("Sectra Imtec AB", "Philips"),
        ("Images Ltd", None),
        ("", None),
    ],
)
def test_makers_go_by_one_name(manufacturer, vendor):
    assert vendor_of(manufacturer) == vendor


@pytest.mark.parametrize("suffix", ["png", "jpg", "tif", "pgm"])
def test_a_raster_states_its_size(tmp_path, suffix):
    Image.fromarray(np.zeros((30, 20), np.uint8)).save(tmp_path / f"a.{suffix}")
    assert stated(tmp_path / f"a.{suffix}") == Stated(30, 20)


@pytest.mark.parametrize(
    ("content", "message"),
    [(b"", "an empty file"), (b"no image at all", "cannot be opened"), (b"\x89PNG\r\n\x1a\n cut", "cannot be opened")],
)
def test_what_is_no_image(tmp_path, content, message):
    (tmp_path / "a.png").write_bytes(content)
    with pytest.raises(ReadError, match=rf"a\.png: .*{message}"):
        stated(tmp_path / "a.png")


def test_a_missing_file_and_a_dicom_object_without_an_image(study, tmp_path):
    with pytest.raises(ReadError, match="check the path"):
        stated(tmp_path / "no.dcm")
    folder, truth = study
    dataset = pydicom.dcmread(folder / truth.images[0].path)
    for name in ("PixelData", "Rows", "Columns"):
        delattr(dataset, name)
    dataset.save_as(tmp_path / "report.dcm")
    with pytest.raises(NotAnImageError):
        stated(tmp_path / "report.dcm")
