"""Detectors by name, by kind and by path."""

import os
import shutil

import pytest

from microcalc import detectors, models, recipe
from microcalc.detectors import DETECTORS, KINDS, load_detector
from microcalc.errors import ReadError, UsageError


@pytest.fixture
def shipped(package, monkeypatch):
    """The package as the one that comes with microcalc, and a second one of its kind that is not there."""
    for name in list(models.PACKAGES):
        monkeypatch.delitem(models.PACKAGES, name)
    monkeypatch.setattr("microcalc.models.package._FOLDER", package.path.parent)
    for name in ("package", "speck-cascade-2"):
        monkeypatch.setitem(models.PACKAGES, name, "cascade")
    detectors._of_package.cache_clear()
    yield
    detectors._of_package.cache_clear()


@pytest.mark.parametrize("name", DETECTORS)
def test_training_free_ones_by_name(name):
    detector = load_detector(name)
    assert detector.name == name
    assert not detector.calibrated
    assert detector.package_sha256 is None


def test_there_is_a_detector_of_every_kind_of_recipe():
    assert KINDS.keys() == recipe.KINDS.keys()


def test_a_package_by_its_path(package):
    assert load_detector(str(package.path)).package_sha256 == package.sha256


def test_a_package_in_a_zip(package, tmp_path):
    archive = shutil.make_archive(str(tmp_path / "zipped"), "zip", package.path)
    assert load_detector(archive).package_sha256 == package.sha256


@pytest.mark.parametrize("name", ["package", "cascade"])
def test_a_shipped_package_by_its_name_and_the_first_by_its_kind(shipped, package, name):
    assert load_detector(name).package_sha256 == package.sha256


def test_a_package_is_read_once_until_it_is_written_anew(package):
    first = load_detector(str(package.path))
    assert load_detector(str(package.path)) is first
    written = package.path.stat().st_mtime_ns
    os.utime(package.path, ns=(written, written + 1))
    assert load_detector(str(package.path)) is not first


def test_a_package_that_has_been_changed(package):
    (package.path / "weights.safetensors").write_bytes(b"others")
    with pytest.raises(ReadError, match="SHA-256"):
        load_detector(str(package.path))


def test_what_there_is_none_of(shipped):
    with pytest.raises(UsageError) as raised:
        load_detector("clairvoyance")
    assert str(raised.value) == (
        "expected a detector out of morphology, hough, hdog, cascade, package, speck-cascade-2, or the path of a model "
        "package, found 'clairvoyance'; choose one of them"
    )


def test_a_kind_without_a_package_is_not_among_them(monkeypatch, tmp_path):
    for name in list(models.PACKAGES):
        monkeypatch.delitem(models.PACKAGES, name)
    monkeypatch.chdir(tmp_path)
    with pytest.raises(UsageError, match="out of morphology, hough, hdog, or the path"):
        load_detector("cascade")
