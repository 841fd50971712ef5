import dataclasses
import shutil
import subprocess
from pathlib import Path
from typing import Any

import numpy as np
import pydicom
import pytest

from microcalc.imageio import read_mammogram
from microcalc.synthesis.device import DEVICES, Device
from microcalc.synthesis.dicom import StudyIdentity, make_dataset, save

IDENTITY = StudyIdentity("p01", 54, "a key")
INSERTION = StudyIdentity("normal-0001", None, "a key", computed=False)


def unit(name: str, *, inverted: bool) -> Device:
    return dataclasses.replace(DEVICES[name](np.random.default_rng(3)), inverted=inverted)


def written(folder: Path, pixels: np.ndarray, device: Device, identity: StudyIdentity = IDENTITY) -> Path:
    path = folder / "image.dcm"
    save(make_dataset(pixels, device, identity, "R", "MLO", instance=3), path)
    return path


@pytest.mark.parametrize("inverted", [False, True])
@pytest.mark.parametrize("name", [name for name in DEVICES if not name.endswith("raw")])
def test_a_reader_sees_the_upright_grey(tmp_path: Path, name: str, inverted: bool):
    device = unit(name, inverted=inverted)
    grey = np.linspace(0, device.full, 35).round().astype(np.uint16).reshape(5, 7)
    image = read_mammogram(written(tmp_path, device.store(grey), device))
    assert image.pixels == pytest.approx(grey / device.full, abs=1e-4)
    assert image.spacing_mm == (device.spacing_mm, device.spacing_mm)
    assert (image.side, image.view) == ("R", "MLO")
    assert not image.warnings


@pytest.mark.parametrize("inverted", [False, True])
@pytest.mark.parametrize("name", [name for name in DEVICES if name.endswith("raw")])
def test_a_reader_sees_attenuation_in_what_is_for_processing(tmp_path: Path, name: str, inverted: bool):
    device = dataclasses.replace(unit(name, inverted=inverted), gain=1.0)
    attenuation = np.zeros((60, 60), np.float32)
    attenuation[:, :30] = np.linspace(2, 4, 30)
    exposure = device.full * np.exp(-attenuation)
    stored = (exposure if inverted else device.full - exposure).round().astype(np.uint16)
    image = read_mammogram(written(tmp_path, stored, device))
    assert np.all(np.diff(image.pixels[0, :30]) >= 0)
    assert image.pixels[0, 0] > image.pixels[0, 40] == 0
    # Linear in attenuation: halfway up the ramp lies halfway between its ends.
    middle, ends = image.pixels[0, 10], image.pixels[0, [0, 20]]
    assert middle == pytest.approx(ends.mean(), abs=0.02)


def test_tags_name_the_unit_and_no_person():
    device = unit("film-50-8", inverted=True)
    image = make_dataset(np.zeros((3, 3), np.uint16), device, IDENTITY, "L", "CC", instance=2)
    assert (image.ManufacturerModelName, image.DetectorType) == ("film-50-8", "FILM")
    assert (image.BitsAllocated, image.BitsStored, image.PhotometricInterpretation) == (8, 8, "MONOCHROME1")
    assert len(image.PixelData) == 10  # 9 bytes are padded to an even number
    assert (image.InstanceNumber, image.PatientID, image.PatientName) == (2, "p01", "SYNTHETIC^PHANTOM")


def test_equal_pictures_give_equal_files(tmp_path: Path):
    device, pixels = unit("csi-100", inverted=False), np.arange(12, dtype=np.uint16).reshape(3, 4)
    assert written(tmp_path, pixels, device).read_bytes() == written(tmp_path, pixels, device).read_bytes()
    assert pydicom.dcmread(tmp_path / "image.dcm").SOPInstanceUID == IDENTITY.uid("R", "MLO")


def test_lettering_is_unknown_on_somebodys_mammogram_only():
    for identity, burnt_in in ((IDENTITY, "NO"), (INSERTION, "YES")):
        image = make_dataset(
            np.zeros((3, 3), np.uint16), unit("film-50", inverted=False), identity, "L", "CC", instance=1
        )
        assert image.BurnedInAnnotation == burnt_in


validated = pytest.mark.skipif(shutil.which("dciodvfy") is None, reason="dciodvfy (dicom3tools) is not installed")


@validated
@pytest.mark.parametrize("detector", ["STORAGE", ""])
def test_insertions_pass_an_outside_validator(tmp_path: Path, detector: Any):
    device = dataclasses.replace(unit("direct-70", inverted=False), name="own", bits=16, detector=detector)
    assert_valid(written(tmp_path, np.zeros((8, 6), np.uint16), device, INSERTION))


@validated
@pytest.mark.parametrize("inverted", [False, True])
@pytest.mark.parametrize("name", ["direct-70", "cr-needle-50", "film-50-8", "csi-100-raw"])
def test_files_pass_an_outside_validator(tmp_path: Path, name: str, inverted: bool):
    assert_valid(written(tmp_path, np.zeros((8, 6), np.uint16), unit(name, inverted=inverted)))


def assert_valid(path: Path) -> None:
    verdict = subprocess.run(["dciodvfy", path], capture_output=True, text=True, check=False).stderr
    assert "Error" not in verdict, verdict
