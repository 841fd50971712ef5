import shutil
import subprocess
from pathlib import Path

import numpy as np
import pydicom
import pytest

from microcalc.errors import UsageError, WriteError
from microcalc.synthesis import write_study
from microcalc.truth import ImageTruth, Truth

SMALL = {"shape": (600, 400)}
NAMES = [f"synthetic-0001_{side}_{view}.dcm" for view in ("CC", "MLO") for side in ("L", "R")]


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("study") / "made"


@pytest.fixture(scope="module")
def truth(folder: Path) -> Truth:
    return write_study(folder, seed=1, **SMALL)


def specks(image: ImageTruth) -> int:
    return len(image.calcifications) + len(image.ignore)


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
        pixels = dataset.pixel_array
        assert pixels.dtype == np.uint16
        assert pixels.max() <= 4095
        # Grey fades in over less than a millimetre inside the skin line, and the marker lies outside it.
        assert np.count_nonzero(pixels) * 0.07**2 / 100 == pytest.approx(image.breast_area_cm2, rel=0.1)


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


def test_one_breast_holds_a_group_in_both_views_and_every_breast_benign_specks(truth: Truth):
    l_cc, r_cc, l_mlo, r_mlo = truth.images
    assert all(image.normal is False for image in truth.images)
    assert bool(l_cc.clusters) != bool(r_cc.clusters)
    for cc, mlo in ((l_cc, l_mlo), (r_cc, r_mlo)):
        assert specks(cc) == specks(mlo) >= 2
        assert len(cc.clusters) == len(mlo.clusters)
        if cc.clusters:
            assert specks(cc) >= 16
            # Both views show the group at the same distance behind the nipple: at the same columns.
            ends = [image.clusters[0].bbox[::2] for image in (cc, mlo)]
            assert ends[0] == pytest.approx(ends[1], abs=12)


def test_clusters_hold_their_members_and_specks_nobody_sees_are_ignored(truth: Truth):
    for image in truth.images:
        malignant = tuple(i for i, c in enumerate(image.calcifications) if c.pathology == "malignant")
        assert tuple(cluster.members for cluster in image.clusters) == ((malignant,) if malignant else ())
        assert all(mark.snr >= 3 for mark in image.calcifications)
        assert {region.reason for region in image.ignore} <= {"snr below 3"}
        for cluster in image.clusters:
            x0, y0, x1, y1 = cluster.bbox
            points = np.concatenate([image.calcifications[i].polygon for i in cluster.members])
            assert all(edge % 1 == 0.5 for edge in cluster.bbox)
            assert 0 <= points[:, 0].min() - x0 <= 1
            assert 0 <= points[:, 1].min() - y0 <= 1
            assert 0 <= x1 - points[:, 0].max() <= 1
            assert 0 <= y1 - points[:, 1].max() <= 1


def test_marks_lie_at_their_outlines_with_the_diameter_of_equal_area(truth: Truth):
    for mark in (mark for image in truth.images for mark in image.calcifications):
        x, y = np.transpose(mark.polygon)
        shoelace = 0.5 * abs(x @ np.roll(y, 1) - y @ np.roll(x, 1))
        assert np.pi / 4 * (mark.diameter_mm / 0.07) ** 2 == pytest.approx(shoelace, rel=0.02)
        assert x.min() < mark.x < x.max()
        assert y.min() < mark.y < y.max()


def test_a_normal_study_has_no_calcium(tmp_path: Path):
    truth = write_study(tmp_path, seed=1, normal=True, patient="p.2", density="D", **SMALL)
    assert all(image.normal and not specks(image) and not image.clusters for image in truth.images)
    assert {(image.patient, image.density) for image in truth.images} == {("p.2", "D")}
    assert (tmp_path / "p.2_L_CC.dcm").exists()


@pytest.mark.parametrize(
    "arguments",
    [{"seed": -1}, {"seed": 1, "patient": "../p"}, {"seed": 1, "spacing_mm": 7.0}, {"seed": 1, "shape": (100, 4000)}],
)
def test_arguments_that_make_no_study_are_refused(tmp_path: Path, arguments: dict[str, object]):
    with pytest.raises(UsageError, match="expected"):
        write_study(tmp_path / "none", **arguments)
    assert not (tmp_path / "none").exists()


@pytest.mark.parametrize(("shape", "spacing_mm"), [((25, 25), 1.0), ((60, 40), 0.8)])
def test_too_few_pixels_for_a_speck_at_the_edge(tmp_path: Path, shape: tuple[int, int], spacing_mm: float):
    with pytest.raises(UsageError, match=rf"reaches beyond {shape[0]} x {shape[1]} pixels of .* ask for more pixels"):
        write_study(tmp_path, seed=1, shape=shape, spacing_mm=spacing_mm)


def test_a_file_is_no_folder(tmp_path: Path):
    (tmp_path / "file").write_text("")
    with pytest.raises(WriteError, match="expected a folder"):
        write_study(tmp_path / "file", seed=1, **SMALL)


@pytest.mark.usefixtures("truth")
@pytest.mark.skipif(shutil.which("dciodvfy") is None, reason="dciodvfy (dicom3tools) is not installed")
def test_an_outside_validator_finds_no_error(folder: Path):
    for name in NAMES:
        verdict = subprocess.run(["dciodvfy", folder / name], capture_output=True, text=True, check=False).stderr
        assert "MammographyImageForPresentation" in verdict
        assert [line for line in verdict.splitlines() if line.startswith("Error")] == []
