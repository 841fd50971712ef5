"""Smoke runs that need whole mammograms, entire: from drawn images to a package that detects."""

import pytest

from microcalc.detection import detect
from microcalc.recipe import load_recipe
from microcalc.training.run import train


@pytest.mark.slow
@pytest.mark.parametrize("name", ["cortina2022-cascade", "microcalc-default", "cortina2022-resnet16-map"])
def test_a_smoke_run_leaves_a_package_that_detects(name, tmp_path):
    package = train(load_recipe(name), None, tmp_path, smoke=True)
    assert (package.card.name, package.card.version) == (name, "smoke")
    assert package.card.limitations.startswith("Made by a smoke run")
    image = next((tmp_path / "work" / "data").glob("*.dcm"))
    report = detect(image, detector=str(tmp_path / "package"))
    assert report.detector.package_sha256 == package.sha256
    assert report.images[0].calcifications
