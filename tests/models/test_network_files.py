"""Packages of networks: written in both forms, and their ONNX file made again."""

import zipfile

import numpy as np
import pytest
from typer.testing import CliRunner

from microcalc.cli.packages import models
from microcalc.errors import MicrocalcError, UsageError
from microcalc.models import load_package, onnx_file, write_package
from microcalc.models.network_files import export_again, write_network_package
from microcalc.models.patch_classifier import load_patch_classifier


@pytest.fixture
def without_onnx(classifier_card, classifier_package, tmp_path):
    weights = {"weights.safetensors": classifier_package.read("weights.safetensors"), "roc.csv": b"1,2\n"}
    return write_package(tmp_path / "package", classifier_card, weights)


def test_a_package_holds_both_forms(classifier_package):
    assert sorted(classifier_package.card.files) == ["model.onnx", "weights.safetensors"]


def test_the_onnx_file_is_made_again(without_onnx, classifier_package):
    again = export_again(without_onnx, without_onnx.path)
    assert sorted(again.card.files) == ["model.onnx", "roc.csv", "weights.safetensors"]
    patches = np.random.default_rng(0).random((4, 16, 16), np.float32)
    expected = load_patch_classifier(classifier_package).scores(patches)
    np.testing.assert_allclose(load_patch_classifier(again).scores(patches), expected, atol=1e-6)


def test_forms_that_do_not_agree_cost_the_onnx_file_and_no_more(classifier_card, module, tmp_path, monkeypatch):
    package = write_network_package(tmp_path / "package", classifier_card, module)
    monkeypatch.setattr(onnx_file, "TOLERANCE", -1.0)
    with pytest.raises(MicrocalcError, match="expected outputs of the ONNX file within"):
        export_again(package, package.path)
    assert load_package(package.path) == package
    again = write_network_package(package.path, classifier_card, module)  # in the place of the one with both
    assert sorted(again.card.files) == ["weights.safetensors"]
    assert "There is no model.onnx: expected outputs of the ONNX file within" in again.card.limitations
    patches = np.random.default_rng(0).random((2, 16, 16), np.float32)
    assert np.isfinite(load_patch_classifier(again, device="cpu", threads=1).scores(patches)).all()


def test_on_the_command_line(without_onnx, tmp_path):
    done = CliRunner().invoke(models, ["export", "--onnx", str(without_onnx.path), "--out", str(tmp_path / "new")])
    assert done.exit_code == 0, done.output
    assert "model.onnx" in load_package(tmp_path / "new").card.files
    assert "model.onnx" not in load_package(without_onnx.path).card.files


def test_a_zip_stays_as_it_is(without_onnx, tmp_path):
    path = tmp_path / "package.zip"
    with zipfile.ZipFile(path, "w") as archive:
        for file in without_onnx.path.iterdir():
            archive.write(file, file.name)
    done = CliRunner().invoke(models, ["export", "--onnx", str(path)])
    assert isinstance(done.exception, UsageError)
    assert "expected --out for a package in a zip" in str(done.exception)


def test_the_card_is_shown(classifier_package):
    done = CliRunner().invoke(models, ["show", str(classifier_package.path)])
    assert done.exit_code == 0, done.output
    assert "name: scalable_resnet" in done.output
    assert "normalisation: z-score" in done.output
