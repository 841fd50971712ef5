import shutil
import subprocess
from collections.abc import Mapping
from pathlib import Path

import cv2
import numpy as np
import pydicom
import pytest

from microcalc.errors import UsageError, WriteError
from microcalc.parallel import process_pool
from microcalc.synthesis import Difficulty, Lesion, Phantom, Speck, StudyPlan, draw_study, synthesize, write_study
from microcalc.synthesis.outline import View
from microcalc.truth import ImageTruth, TrueCalcification, Truth

SMALL = {"shape": (600, 400)}
NAMES = [f"synthetic-0001_{side}_{view}.dcm" for view in ("CC", "MLO") for side in ("L", "R")]


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("study") / "made"


@pytest.fixture(scope="module")
def truth(folder: Path) -> Truth:
    return write_study(folder, seed=1, **SMALL)


def all_specks(image: ImageTruth) -> int:
    return len(image.calcifications) + sum(region.reason == "snr below 3" for region in image.ignore)


def test_a_study_is_four_views_and_their_truth(folder: Path, truth: Truth):
    assert sorted(path.name for path in folder.iterdir()) == sorted([*NAMES, "truth.json"])
    assert [image.path for image in truth.images] == NAMES
    assert Truth.from_json(folder / "truth.json") == truth


def test_equal_seeds_give_equal_files_and_others_do_not(folder: Path, truth: Truth, tmp_path: Path):
    write_study(tmp_path / "same", seed=1, **SMALL)
    other = write_study(tmp_path / "other", seed=2, **SMALL)
    for name in [*NAMES, "truth.json"]:
        assert (tmp_path / "same" / name).read_bytes() == (folder / name).read_bytes()
        assert (tmp_path / "other" / name).read_bytes() != (folder / name).read_bytes()
    assert {i.sop_instance_uid for i in other.images}.isdisjoint(i.sop_instance_uid for i in truth.images)


def test_the_truth_describes_the_files(folder: Path, truth: Truth):
    for image in truth.images:
        dataset = pydicom.dcmread(folder / image.path)
        assert (dataset.SOPInstanceUID, dataset.StudyInstanceUID) == (image.sop_instance_uid, image.study)
        assert (dataset.ImageLaterality, dataset.ViewPosition) == (image.side, image.view)
        assert (dataset.Rows, dataset.Columns) == (image.rows, image.columns) == (600, 400)
        assert tuple(dataset.ImagerPixelSpacing) == image.spacing_mm == (0.07, 0.07)
        assert dataset.PatientAge == f"{image.age:03.0f}Y"
        assert str(dataset.PatientName) == "SYNTHETIC^PHANTOM"


@pytest.mark.parametrize(
    ("name", "code", "orientation"),
    [
        (NAMES[0], "399162004", ["A", "R"]),
        (NAMES[1], "399162004", ["P", "L"]),
        (NAMES[2], "399368009", ["A", "FR"]),
        (NAMES[3], "399368009", ["P", "FL"]),
    ],
)
@pytest.mark.usefixtures("truth")
def test_view_code_and_orientation(folder: Path, name: str, code: str, orientation: list[str]):
    dataset = pydicom.dcmread(folder / name, stop_before_pixels=True)
    assert dataset.ViewCodeSequence[0].CodeValue == code
    assert list(dataset.PatientOrientation) == orientation


def test_marks_lie_at_their_outlines_with_the_diameter_of_equal_area(truth: Truth):
    for mark in (mark for image in truth.images for mark in image.calcifications):
        x, y = np.transpose(mark.polygon)
        shoelace = 0.5 * abs(x @ np.roll(y, 1) - y @ np.roll(x, 1))
        assert np.pi / 4 * (mark.diameter_mm / 0.07) ** 2 == pytest.approx(shoelace, rel=0.02)
        assert x.min() < mark.x < x.max()
        assert y.min() < mark.y < y.max()


def test_a_normal_study_has_no_calcium(tmp_path: Path):
    truth = write_study(tmp_path, seed=1, normal=True, patient="p.2", density="D", **SMALL)
    assert all(image.normal and not all_specks(image) and not image.ignore for image in truth.images)
    assert {(image.patient, image.density) for image in truth.images} == {("p.2", "D")}
    assert (tmp_path / "p.2_L_CC.dcm").exists()


@pytest.fixture(scope="module")
def studies() -> list[list[ImageTruth]]:
    """The truth of the four views of small studies whose calcium is hard to see."""
    small = {"shape": (400, 300), "spacing_mm": 0.2, "device": "direct-70", "difficulty": Difficulty(contrast=0.6)}
    plans = [StudyPlan("p", number, seed=number, **small) for number in range(1, 5)]
    return [[picture.truth for picture in draw_study(plan)] for plan in plans]


def test_the_two_views_of_a_breast_hold_the_same_calcium(studies: list[list[ImageTruth]]):
    """Which breasts do is drawn: one or both; the others are normal."""
    affected = set()
    for l_cc, l_mlo, r_cc, r_mlo in studies:
        affected.add((not l_cc.normal, not r_cc.normal))
        for cc, mlo in ((l_cc, l_mlo), (r_cc, r_mlo)):
            assert cc.normal == mlo.normal == (all_specks(cc) == 0)
            assert all_specks(cc) == all_specks(mlo)
    assert (True, True) in affected
    assert affected & {(True, False), (False, True)}
    assert (False, False) not in affected


def test_few_of_what_is_asked_for_is_faint(studies: list[list[ImageTruth]]):
    for views in studies:
        targets = [mark.snr for image in views for mark in asked_for(image)]
        assert sum(snr < 5 for snr in targets) * 5 <= len(targets)


def asked_for(image: ImageTruth) -> list[TrueCalcification]:
    ignored = {region.polygon for region in image.ignore}
    return [mark for mark in image.calcifications if mark.polygon not in ignored]


def test_a_study_comes_from_one_device_breast_by_breast():
    pictures = list(draw_study(StudyPlan("p", 4, seed=9, shape=(400, 300), spacing_mm=0.2, split="test")))
    assert [(p.truth.side, p.truth.view, p.instance) for p in pictures] == [
        ("L", "CC", 1), ("L", "MLO", 3), ("R", "CC", 2), ("R", "MLO", 4),
    ]  # fmt: skip
    assert len({picture.device for picture in pictures}) == 1
    assert {(p.number, p.truth.split, p.truth.density, p.truth.age) for p in pictures} == {
        (4, "test", pictures[0].truth.density, pictures[0].truth.age)
    }
    assert all(p.pixels.shape == (400, 300) and p.pixels.dtype == np.uint16 for p in pictures)
    assert all(p.pixels.max() <= p.device.full for p in pictures)


def test_noise_is_scaled_for_the_whole_study():
    plain, noisy = (
        next(draw_study(StudyPlan("p", 1, 9, True, shape=(400, 300), spacing_mm=0.2, difficulty=Difficulty(noise=n))))
        for n in (1.0, 3.0)
    )
    assert noisy.device.quantum == pytest.approx(3 * plain.device.quantum)
    assert noisy.device.electronic == pytest.approx(3 * plain.device.electronic)


def test_calcium_lies_where_the_truth_says():
    """The same study with and without calcium differs at the outlines, and nowhere far from them."""
    same = {"shape": (400, 300), "spacing_mm": 0.2, "device": "direct-70", "density": "B"}
    with_calcium = {p.instance: p for p in draw_study(StudyPlan("p", 1, seed=3, **same))}
    without = {p.instance: p for p in draw_study(StudyPlan("p", 1, seed=3, normal=True, **same))}
    assert with_calcium[1].device == without[1].device
    for instance, picture in with_calcium.items():
        changed = picture.pixels != without[instance].pixels
        known = np.zeros(changed.shape, np.uint8)
        polygons = [mark.polygon for mark in picture.truth.calcifications]
        polygons += [region.polygon for region in picture.truth.ignore]
        for polygon in polygons:
            cv2.fillPoly(known, [np.round(polygon).astype(np.int32)], 1)
        assert changed.any() == (not picture.truth.normal)
        near = cv2.dilate(known, np.ones((61, 61), np.uint8)) > 0
        assert not (changed & ~near).any()
        for mark in asked_for(picture.truth):
            assert changed[round(mark.y), round(mark.x)]


@pytest.mark.parametrize(
    "arguments",
    [{"seed": -1}, {"seed": 1, "patient": "../p"}, {"seed": 1, "spacing_mm": 7.0}, {"seed": 1, "shape": (100, 4000)}],
)
def test_arguments_that_make_no_study_are_refused(tmp_path: Path, arguments: dict[str, object]):
    with pytest.raises(UsageError, match="expected"):
        write_study(tmp_path / "none", **arguments)
    assert not (tmp_path / "none").exists()


def test_a_calcification_beyond_the_field_is_refused(monkeypatch: pytest.MonkeyPatch):
    def at_the_chest_wall(views: Mapping[View, Phantom], *_: object) -> list[Lesion]:
        place = (views["CC"].outline.depth, 0.0, 0.0)
        speck = Speck(place=place, diameter=0.3, attenuation=1, morphology="round", pathology="benign", seed=0)
        return [Lesion((speck,), "round", None, "benign")]

    monkeypatch.setattr("microcalc.synthesis.study.draw_lesions", at_the_chest_wall)
    plan = StudyPlan("p", 1, seed=1, shape=(400, 300), spacing_mm=0.2)
    with pytest.raises(UsageError, match=r"reaches beyond 400 x 300 pixels of 0.2 mm; ask for more pixels"):
        list(draw_study(plan))


def test_a_file_is_no_folder(tmp_path: Path):
    (tmp_path / "file").write_text("")
    with pytest.raises(WriteError, match="expected a folder"):
        write_study(tmp_path / "file", seed=1, **SMALL)


def test_two_processes_write_what_one_writes(tmp_path: Path):
    plans = [StudyPlan(f"p{n}", n, seed=n, normal=True, shape=(400, 300), spacing_mm=0.2) for n in (1, 2)]
    here = synthesize(plans, tmp_path / "here")
    assert synthesize(plans, tmp_path / "there", make_executor=process_pool(2)) == here
    assert len(here.images) == 8
    for image in here.images:
        assert (tmp_path / "here" / image.path).read_bytes() == (tmp_path / "there" / image.path).read_bytes()


@pytest.mark.usefixtures("truth")
@pytest.mark.skipif(shutil.which("dciodvfy") is None, reason="dciodvfy (dicom3tools) is not installed")
def test_an_outside_validator_finds_no_error(folder: Path):
    for name in NAMES:
        verdict = subprocess.run(["dciodvfy", folder / name], capture_output=True, text=True, check=False).stderr
        assert "MammographyImageForPresentation" in verdict
        assert [line for line in verdict.splitlines() if line.startswith("Error")] == []
