import numpy as np
import pytest
from PIL import Image
from typer.testing import CliRunner

from microcalc.cli.data import data
from microcalc.errors import MicrocalcError, UsageError
from microcalc.inspection import Inspection
from microcalc.truth import ImageTruth, Truth


@pytest.fixture
def run(monkeypatch):
    """Runs ``microcalc data`` in this process alone; gives its exit code and what it wrote."""
    monkeypatch.setattr("microcalc.parallel.process_pool", lambda jobs: None)

    def call(*arguments):
        result = CliRunner().invoke(data, [str(argument) for argument in arguments], catch_exceptions=False)
        return result.exit_code, result.output

    return call


@pytest.fixture
def folder(tmp_path, breast_png):
    """Ten patients with a breast each."""
    root = tmp_path / "data"
    root.mkdir()
    truths = [ImageTruth(path=f"{n}.png", patient=f"p{n}", side="L") for n in range(10)]
    breast_png(root / "0.png")
    picture = np.asarray(Image.open(root / "0.png"))
    for n in range(1, 10):
        noise = np.random.default_rng(n).normal(0, 4000, (20, 20))
        clouds = np.asarray(Image.fromarray(noise).resize(picture.shape[::-1], Image.Resampling.BICUBIC))
        grey = np.where(picture > 0, picture + clouds, 0)
        Image.fromarray(grey.clip(0, 65535).astype(np.uint16)).save(root / f"{n}.png")
    (root / "truth.json").write_text(Truth(root=".", images=tuple(truths)).to_json())
    return root


def test_check_says_that_nothing_is_wrong(run, folder, tmp_path):
    code, output = run("check", f"truth:{folder}", "--out", tmp_path / "out", "--jobs", 1)
    assert code == 0, output
    assert "10 images inspected; sound." in output
    assert "[10/10]" in output
    assert (tmp_path / "out" / "inspection.html").exists()


def test_check_names_what_is_wrong_and_ends_with_1(run, folder, tmp_path):
    (folder / "3.png").write_bytes(b"cut short")
    (folder / "4.png").unlink()
    code, output = run("check", f"truth:{folder}", "--out", tmp_path / "out", "--quick")
    assert code == 1
    assert "3.png: unreadable" in output
    assert "9 images inspected; not sound." in output
    assert "1 missing (files)" in output
    assert Inspection.from_json(tmp_path / "out" / "inspection.json").quick


def test_check_ends_with_3_where_no_image_is_there(run, folder, tmp_path):
    for image in folder.glob("*.png"):
        image.unlink()
    assert run("check", f"truth:{folder}", "--out", tmp_path / "out")[0] == 3


def test_export_writes_the_truth(run, folder, tmp_path):
    code, output = run("export", f"truth:{folder}", "--out", tmp_path / "mine.json")
    assert (code, output) == (0, f"10 images of 10 patients: {tmp_path / 'mine.json'}\n")
    truth = Truth.from_json(tmp_path / "mine.json")
    assert truth.root == "data"
    assert {image.split for image in truth.images} == {None}
    assert not (tmp_path / "mine.split.csv").exists()


def test_export_with_a_split_writes_it_too(run, folder, tmp_path):
    arguments = ("export", f"truth:{folder}", "--out", tmp_path / "mine.json", "--split-seed", 1)
    assert run(*arguments, "--shares", "train=0.8, test=0.2")[0] == 0
    splits = [image.split for image in Truth.from_json(tmp_path / "mine.json").images]
    assert (splits.count("train"), splits.count("test")) == (8, 2)
    lines = (tmp_path / "mine.split.csv").read_text().splitlines()
    assert lines[0] == "path,patient,split"
    assert [line.rpartition(",")[2] for line in lines[1:]] == splits


def test_export_of_no_image_writes_nothing_and_ends_with_3(run, folder, tmp_path):
    for image in folder.glob("*.png"):
        image.unlink()
    code, output = run("export", f"truth:{folder}", "--out", tmp_path / "mine.json")
    assert code == 3
    assert "No image" in output
    assert not (tmp_path / "mine.json").exists()


def test_export_mends_a_split_that_tears_patients(run, folder, tmp_path):
    """As the page of data check advises."""
    path = folder / "truth.json"
    truth = Truth.from_json(path)
    torn = [
        image.model_copy(update={"patient": "p0", "split": s})
        for image, s in zip(truth.images, ("train", "test"), strict=False)
    ]
    path.write_text(truth.model_copy(update={"images": (*torn, *truth.images[2:])}).to_json())
    with pytest.raises(MicrocalcError, match="every patient on one side"):
        run("export", f"truth:{folder}", "--out", tmp_path / "mine.json")
    assert run("export", f"truth:{folder}", "--out", tmp_path / "mine.json", "--split-seed", 1)[0] == 0
    mended = Truth.from_json(tmp_path / "mine.json").images
    assert mended[0].split == mended[1].split


@pytest.mark.parametrize("shares", ["", "train", "train=most", "dev=0.5,test=0.5", "train=0.5,train=0.5"])
def test_shares_that_make_no_sense(run, folder, tmp_path, shares):
    with pytest.raises(UsageError, match="shares"):
        run("export", f"truth:{folder}", "--out", tmp_path / "a.json", "--split-seed", 1, "--shares", shares)
