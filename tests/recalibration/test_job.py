"""``models calibrate`` as a user calls it: on a cascade and a dozen drawn breasts."""

import csv
import json
import shutil
from types import SimpleNamespace

import numpy as np
import pytest
import typer
from PIL import Image
from scipy import ndimage
from typer.testing import CliRunner

from microcalc.cli.packages import models
from microcalc.detectors import load_detector
from microcalc.errors import UsageError
from microcalc.models import load_package
from microcalc.recalibration import job
from microcalc.recalibration.job import recalibrate

CASCADE = "cortina2022-cascade"
WISHES = {"sensitive": 3.0, "balanced": 1.0}


def draw(path, seed):
    """An even breast with noise and some specks."""
    rng = np.random.default_rng(seed)
    y, x = np.mgrid[:320, :240]
    inside = (x / 220) ** 2 + ((y - 160) / 150) ** 2 < 1
    image = 0.4 + 0.01 * ndimage.gaussian_filter(rng.standard_normal(inside.shape), 1)
    for row, column in rng.integers((90, 50), (230, 140), (6, 2)):
        image += rng.uniform(0.02, 0.15) * np.exp(-((x - column) ** 2 + (y - row) ** 2) / 6)
    Image.fromarray(np.rint(np.where(inside, image, 0) * 65535).astype(np.uint16)).save(path)


def table(folder, name, rows):
    with (folder / name).open("w", newline="") as file:
        writer = csv.DictWriter(file, ["image", "patient", "spacing_mm", "normal", "x", "y"])
        writer.writeheader()
        writer.writerows({"spacing_mm": "0.07", **row} for row in rows)
    return f"table:{folder / name}"


@pytest.fixture(scope="module")
def images(tmp_path_factory):
    folder = tmp_path_factory.mktemp("images")
    for number in range(11):
        draw(folder / f"{number}.png", number)
    # Headers are read with the list; this one breaks off behind its own.
    whole = (folder / "0.png").read_bytes()
    (folder / "cut.png").write_bytes(whole[: len(whole) // 2])
    return folder


@pytest.fixture(scope="module")
def rows():
    return [{"image": f"{number}.png", "patient": f"p{number:02}"} for number in range(10)]


@pytest.fixture(scope="module")
def made(images, rows, tmp_path_factory):
    """(folder, what came of it); one image holds known calcium, one breaks off."""
    out = tmp_path_factory.mktemp("out")
    calcified = {"image": "10.png", "patient": "p10", "x": "80", "y": "120"}
    cut = {"image": "cut.png", "patient": "p00"}
    data = table(images, "unknown.csv", [*rows, calcified, cut])
    return out, recalibrate(CASCADE, data, out, WISHES)


def test_the_rate_that_the_card_states_is_that_of_the_findings(made):
    card = made[1].package.card
    images = json.loads((made[0] / "detection" / "findings.json").read_text())["images"]
    assert len(images) == 10
    scores = [mark["score"] for image in images for mark in image["calcifications"]]
    for point, wished, metric in zip(card.operating_points, WISHES.values(), card.metrics[:2], strict=True):
        assert metric.value == sum(score >= point.threshold for score in scores) / 10
        assert wished - 1 / 10 < metric.value <= wished
        assert metric.low < metric.value < metric.high


def test_the_new_package_detects_at_its_own_thresholds(made):
    package = made[1].package
    detector = load_detector(str(package.path))
    assert detector.operating_point("balanced").threshold == package.card.operating_points[1].threshold
    assert [point.name for point in detector.operating_points] == ["sensitive", "balanced"]


def test_the_old_package_stays_and_the_new_one_has_its_weights(made):
    old, new = load_package(CASCADE), made[1].package
    assert new.card.files == old.card.files
    assert new.card.operating_points != old.card.operating_points


def test_what_was_left_out_is_said(made):
    limitations = made[1].package.card.limitations
    assert "10 images of 10 patients" in limitations
    assert "1 image with known calcium left out; 1 image could not be read" in limitations
    assert [failure.path for failure in made[1].failed] == ["cut.png"]


def test_the_run_is_recorded(made):
    record = json.loads((made[0] / "run.json").read_text())
    assert record["package_sha256"] == made[1].package.sha256
    assert record["settings"]["marks_per_image"] == WISHES


def test_resumed_it_is_the_same_package(made, images, tmp_path):
    shutil.copytree(made[0], tmp_path / "out")
    again = recalibrate(CASCADE, f"table:{images / 'unknown.csv'}", tmp_path / "out", WISHES, resume=True)
    assert again.package.sha256 == made[1].package.sha256


def test_on_normal_images_marks_are_false_ones(made, images, rows, tmp_path):
    """The same findings, of images that are now said to be normal."""
    shutil.copytree(made[0], tmp_path / "out")
    data = table(images, "normal.csv", [{**row, "normal": "yes"} for row in rows])
    found = recalibrate(CASCADE, data, tmp_path / "out", WISHES, resume=True).package.card
    assert "known to be normal, so that these are false marks" in found.limitations
    assert found.metrics[0].measure == "false marks per image at sensitive"


def test_too_few_images_are_told_before_any_is_looked_at(images, rows, tmp_path):
    with pytest.raises(UsageError, match=r"at least 50 images for specific=0\.2"):
        recalibrate(CASCADE, table(images, "few.csv", rows), tmp_path / "out")
    assert not (tmp_path / "out").exists()


def test_thresholds_of_patches_are_not_anchored_on_mammograms(monkeypatch, tmp_path):
    card = SimpleNamespace(name="some-classifier", kind="patch-classifier")
    package = SimpleNamespace(card=card, path=tmp_path / "package", keep_from=lambda *folders: None)
    monkeypatch.setattr(job, "load_package", lambda name: package)
    with pytest.raises(UsageError, match="some-classifier of the kind patch-classifier; make a patch map"):
        recalibrate("package", "images:nowhere", tmp_path / "out")


def test_the_old_package_is_never_written_over(made, images):
    with pytest.raises(UsageError, match="another folder for the new package"):
        recalibrate(str(made[0] / "package"), f"table:{images / 'unknown.csv'}", made[0], {"balanced": 1.0})


@pytest.mark.parametrize("text", ["", "balanced", "balanced=a", "balanced=1,balanced=2"])
def test_rates_are_names_and_numbers(tmp_path, text):
    app = typer.Typer()
    app.add_typer(models, name="models")
    done = CliRunner().invoke(
        app,
        ["models", "calibrate", CASCADE, "--data", "table:a.csv", "--out", str(tmp_path), "--marks-per-image", text],
    )
    assert isinstance(done.exception, UsageError)
    assert "write them as sensitive=5,balanced=1" in str(done.exception)
