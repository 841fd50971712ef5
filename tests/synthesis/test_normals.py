"""Lesions in a user's own normal mammograms: who is whose, what is refused, and that truth and pixels agree."""

import dataclasses
import shutil
from pathlib import Path

import numpy as np
import pydicom
import pytest

from microcalc.errors import MicrocalcError, ReadError, UsageError
from microcalc.imageio import read_mammogram
from microcalc.synthesis.calcification import Speck
from microcalc.synthesis.generate import synthesize
from microcalc.synthesis.lesions import Difficulty, Lesion
from microcalc.synthesis.normals import draw_insertions, plan_insertions
from microcalc.synthesis.plans import key_of
from microcalc.synthesis.study import StudyPlan
from microcalc.truth import ImageTruth, Truth


@pytest.fixture(scope="module")
def own(drawn, tmp_path_factory):
    """A folder of one patient: both views of the left breast and one of the right."""
    folder = tmp_path_factory.mktemp("own")
    for name in ("SMITH_L_CC", "SMITH_L_MLO", "SMITH_R_CC"):
        drawn.write(folder / f"{name}.png", mirrored="_R_" in name)
    return folder


def empty_images(folder, *names):
    for name in names:
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).touch()
    return folder


def names_of(plans):
    return sorted(tuple(path.name for path in plan.paths) for plan in plans)


def test_images_whose_names_differ_in_side_and_view_are_one_patients(tmp_path):
    folder = empty_images(tmp_path, "1_L_CC.png", "1_R_MLO.png", "2-lcc.tif", "2-rcc.tif", "mdb001.pgm", "mdb002.pgm")
    assert names_of(plan_insertions(folder, None, 0)) == [
        ("1_L_CC.png", "1_R_MLO.png"),
        ("2-lcc.tif", "2-rcc.tif"),
        ("mdb001.pgm",),
        ("mdb002.pgm",),
    ]


def test_equal_names_in_other_folders_are_other_patients(tmp_path):
    folder = empty_images(tmp_path, "a/L_CC.png", "a/R_CC.png", "b/L_CC.png")
    assert names_of(plan_insertions(folder, None, 0)) == [("L_CC.png",), ("L_CC.png", "R_CC.png")]


def test_images_of_one_study_are_one_patients(study, tmp_path):
    source, truth = study
    for number, image in enumerate(truth.images):
        shutil.copy(source / image.path, tmp_path / f"export{number}.dcm")
    (plan,) = plan_insertions(tmp_path, None, 0)
    assert len(plan.paths) == 4


def test_every_patient_comes_once_and_two_in_five_stay_normal(tmp_path):
    folder = empty_images(tmp_path, *(f"mdb{number:03}.pgm" for number in range(10)))
    plans = plan_insertions(folder, None, 0)
    assert [plan.patient for plan in plans] == [f"normal-{number:04}" for number in range(1, 11)]
    assert sum(plan.normal for plan in plans) == 4
    assert plans == plan_insertions(folder, None, 0)
    assert [plan.seed for plan in plans] != [plan.seed for plan in plan_insertions(folder, None, 1)]


def test_more_studies_than_patients_come_with_other_lesions(tmp_path):
    folder = empty_images(tmp_path, "mdb001.pgm", "mdb002.pgm")
    plans = plan_insertions(folder, 5, 0, difficulty=Difficulty(diameter=2.0))
    assert [plan.number for plan in plans] == [1, 2, 3, 4, 5]
    assert len({plan.patient for plan in plans}) == len({plan.seed for plan in plans}) == 5
    assert plans[4].paths == plans[0].paths
    assert [plan.normal for plan in plans] == [True, True, False, False, False]
    assert {plan.difficulty.diameter for plan in plans} == {2.0}


def annotate(folder, kind):
    contents = {
        "truth.json": '{"schema": "microcalc.truth/1", "root": ".", "images": [{"path": "mdb001.pgm",'
        ' "calcifications": [{"x": 3, "y": 4}]}]}',
        "AllXML/20586908.xml": '<?xml version="1.0"?><!DOCTYPE plist PUBLIC "-//Apple//DTD PLIST 1.0//EN">',
        "mdb001_GT.jpg": "",
        "1-ROI mask images/1-1.dcm": "",
        "INbreast.csv": "Patient ID;Laterality",
        "calc_case_description_test_set.csv": "patient_id",
        "data/demd1/imagedb_demd1.json": '{"STUDIES": {"1.2": {"1.3": {"1.4": {"1": {"MarkID": 1}}}}}}',
        "Info.txt": "mdb209 G NORM\nmdb213 G CALC M 547 520 45\n",
        "instances.json": '{"images": [], "annotations": [{"bbox": [1, 2, 3, 4]}]}',
    }
    (folder / kind).parent.mkdir(parents=True, exist_ok=True)
    (folder / kind).write_text(contents[kind])


@pytest.mark.parametrize(
    ("kind", "found"),
    [
        ("truth.json", "truth.json that lists calcifications"),
        ("AllXML/20586908.xml", "INbreast"),
        ("mdb001_GT.jpg", "_GT"),
        ("1-ROI mask images/1-1.dcm", "mask"),
        ("INbreast.csv", "INbreast"),
        ("calc_case_description_test_set.csv", "CBIS-DDSM"),
        ("data/demd1/imagedb_demd1.json", "OMI-DB"),
        ("Info.txt", "mini-MIAS"),
        ("instances.json", "COCO"),
    ],
)
def test_an_annotated_folder_is_refused(tmp_path, kind, found):
    annotate(empty_images(tmp_path, "mdb001.pgm"), kind)
    with pytest.raises(UsageError, match=found):
        plan_insertions(tmp_path, None, 0)


def test_an_unmasked_image_is_no_mask(tmp_path):
    assert len(plan_insertions(empty_images(tmp_path, "unmasked/mdb001.pgm"), None, 0)) == 1


def test_what_lists_no_findings_is_no_annotation(tmp_path):
    truth = Truth(root=".", images=(ImageTruth(path="mdb001.pgm", normal=True),)).to_json()
    (empty_images(tmp_path, "mdb001.pgm") / "truth.json").write_text(truth)
    (tmp_path / "Info.txt").write_text("mdb001 G NORM\nmdb002 G CIRC B 500 300 20\n")
    (tmp_path / "imagedb_1.json").write_text('{"STUDIES": {"1.2": {"1.3": {"1.4": null}}}}')
    assert len(plan_insertions(tmp_path, None, 0)) == 1


@pytest.mark.parametrize("layout", ["truth", "inbreast", "cbis_ddsm", "omi_db", "bmcd", "mini_mias"])
def test_a_set_with_calcium_is_refused_in_every_layout(tmp_path, layout):
    plan = StudyPlan("synthetic-0001", 1, 3, shape=(450, 320), spacing_mm=0.2, device="direct-70")
    synthesize([plan], tmp_path, layout=layout)
    if layout != "truth":
        (tmp_path / "truth.json").unlink()
    with pytest.raises(UsageError, match="without annotations"):
        plan_insertions(tmp_path, None, 0)


def test_it_does_not_matter_how_the_folder_is_named(tmp_path, monkeypatch):
    empty_images(tmp_path, "own/mdb001.pgm")
    monkeypatch.chdir(tmp_path)
    relative, absolute = (plan_insertions(folder, None, 0) for folder in (Path("own"), tmp_path / "own"))
    assert [key_of(plan) for plan in relative] == [key_of(plan) for plan in absolute]


@pytest.mark.parametrize(
    ("where", "settings", "found"),
    [
        ("missing", {}, "nothing there"),
        ("file.txt", {}, "a file"),
        ("empty", {}, "no DICOM"),
        (".", {"count": 0}, "a count of 1"),
        (".", {"seed": -1}, "seed of 0 or more"),
        (".", {"normal_share": 1.5}, "share of normals"),
    ],
)
def test_what_makes_no_plan_is_said(tmp_path, where, settings, found):
    empty_images(tmp_path, "mdb001.pgm", "file.txt", "empty/.keep")
    with pytest.raises(UsageError, match=found):
        plan_insertions(tmp_path / where, **{"count": None, "seed": 0, **settings})


@pytest.fixture(scope="module")
def pictures(own):
    (plan,) = plan_insertions(own, None, 4, normal_share=0, difficulty=Difficulty(diameter=1.5, contrast=1.5))
    return list(draw_insertions(plan))


def original(own, truth):
    grey = read_mammogram(own / f"SMITH_{truth.side}_{truth.view}.png").pixels
    return np.rint(grey * np.float32(65535)).astype(np.uint16)


def test_one_breast_holds_calcium_and_the_other_is_as_it_was(own, pictures):
    assert [(p.truth.side, p.truth.view, p.instance) for p in pictures] == [
        ("L", "CC", 1),
        ("L", "MLO", 2),
        ("R", "CC", 3),
    ]
    for picture in pictures:
        same = np.array_equal(picture.pixels, original(own, picture.truth))
        assert same == picture.truth.normal == (not picture.truth.calcifications)
    assert len({picture.truth.side for picture in pictures if not picture.truth.normal}) == 1


@pytest.mark.parametrize("side", ["L", "R"])
def test_every_calcification_is_brighter_than_before(own, side):
    (plan,) = plan_insertions(own, None, 3, normal_share=0, difficulty=Difficulty(diameter=1.5, contrast=1.5))
    alone = dataclasses.replace(plan, paths=tuple(path for path in plan.paths if f"_{side}_CC" in path.name))
    (picture,) = draw_insertions(alone)
    assert picture.truth.calcifications
    gained = picture.pixels.astype(int) - original(own, picture.truth)
    for calcification in picture.truth.calcifications:
        x, y = round(calcification.x), round(calcification.y)
        assert gained[y - 3 : y + 4, x - 3 : x + 4].max() > 0


def test_a_normal_plan_changes_nothing(own):
    (plan,) = plan_insertions(own, None, 0, normal_share=1)
    for picture in draw_insertions(plan):
        assert picture.truth.normal
        assert not picture.truth.ignore
        assert np.array_equal(picture.pixels, original(own, picture.truth))


def test_both_views_show_a_speck_at_the_same_distance_behind_the_nipple(own, monkeypatch):
    """Both pictures have their nipple at the same column here, so that the specks' columns are equal."""
    asked = []

    def one_speck(views, rng, difficulty):
        asked.append(set(views))
        speck = Speck((20.0, 4.0, -3.0), 0.6, 1.5, "round", "benign", 1)
        return [Lesion((speck,), "round", None, "benign")]

    monkeypatch.setattr("microcalc.synthesis.normals.draw_lesions", one_speck)
    (plan,) = plan_insertions(own, None, 0, normal_share=0)
    left = dataclasses.replace(plan, paths=tuple(path for path in plan.paths if "_L_" in path.name))
    (in_cc,), (in_mlo,) = (picture.truth.calcifications for picture in draw_insertions(left))
    assert asked == [{"CC", "MLO"}]
    assert in_cc.x == pytest.approx(in_mlo.x, abs=0.5)
    # 4 mm up in the one, 3 mm down in the other.
    assert in_mlo.y - in_cc.y == pytest.approx(7 / 0.07, abs=1)


def test_nothing_names_the_source(own, pictures):
    for picture in pictures:
        known = picture.truth.model_dump_json() + repr(picture.identity)
        assert "SMITH" not in known
        assert str(own) not in known
        assert picture.truth.patient == "normal-0001"
        assert picture.truth.vendor == "own images, pixel pitch assumed"
        assert (picture.device.name, picture.device.bits, picture.device.inverted) == ("own", 16, False)
        assert picture.device.shape == picture.pixels.shape
    assert len({picture.truth.sop_instance_uid for picture in pictures}) == 3


def test_equal_plans_draw_equal_pictures(own, pictures):
    (plan,) = plan_insertions(own, None, 4, normal_share=0, difficulty=Difficulty(diameter=1.5, contrast=1.5))
    for first, again in zip(pictures, draw_insertions(plan), strict=True):
        assert np.array_equal(first.pixels, again.pixels)
        assert first.truth == again.truth


@pytest.mark.parametrize("other", [{"difficulty": Difficulty(contrast=2.0)}, {"normal": True}, {"seed": 1}])
def test_other_pictures_have_other_identifiers(own, pictures, other):
    (plan,) = plan_insertions(own, None, 4, normal_share=0, difficulty=Difficulty(diameter=1.5, contrast=1.5))
    others = {picture.identity.uid("study") for picture in draw_insertions(dataclasses.replace(plan, **other))}
    assert others.isdisjoint(picture.identity.uid("study") for picture in pictures)


def test_the_same_files_elsewhere_have_the_same_identifiers(own, pictures, tmp_path):
    (plan,) = plan_insertions(
        shutil.copytree(own, tmp_path / "moved"), None, 4, normal_share=0, difficulty=Difficulty(1.5, 1.5)
    )
    moved = [picture.truth.sop_instance_uid for picture in draw_insertions(plan)]
    assert moved == [picture.truth.sop_instance_uid for picture in pictures]


def test_a_patient_without_a_readable_image_is_an_error_that_names_the_file_by_its_hash(tmp_path):
    (plan,) = plan_insertions(empty_images(tmp_path, "SMITH_L_CC.png"), None, 0)
    with pytest.raises(MicrocalcError, match="empty file") as caught:
        list(draw_insertions(plan))
    # SHA-256 of nothing.
    assert "SHA-256 begins e3b0c44298fc" in caught.value.reason
    assert "SMITH" not in caught.value.reason


def test_an_image_that_cannot_be_read_does_not_cost_the_others(own, tmp_path):
    folder = empty_images(shutil.copytree(own, tmp_path / "own"), "SMITH_R_MLO.png")
    (plan,) = plan_insertions(folder, None, 0, normal_share=1)
    assert len(plan.paths) == 4
    assert len(list(draw_insertions(plan))) == 3


def test_lesions_that_cannot_be_seen_are_drawn_again(own, monkeypatch):
    draws = []

    def faint_at_first(views, rng, difficulty):
        draws.append(views)
        speck = Speck((20.0, 4.0, -3.0), 0.6 if len(draws) == 3 else 0.02, 1.5, "round", "benign", 1)
        return [Lesion((speck,), "round", None, "benign")]

    monkeypatch.setattr("microcalc.synthesis.normals.draw_lesions", faint_at_first)
    (plan,) = plan_insertions(own, None, 0, normal_share=0)
    assert sum(len(picture.truth.calcifications) for picture in draw_insertions(plan)) in (1, 2)
    assert len(draws) == 3


def test_the_header_states_the_detector_of_the_source(study, tmp_path):
    source, truth = study
    image = pydicom.dcmread(source / truth.images[0].path)
    image.DetectorType = "STORAGE"
    image.save_as(tmp_path / "1.dcm")
    (plan,) = plan_insertions(tmp_path, None, 0, normal_share=1)
    (picture,) = draw_insertions(plan)
    assert picture.device.detector == "STORAGE"


def test_an_image_full_of_bright_specks_is_no_normal(own, monkeypatch):
    (plan,) = plan_insertions(own, None, 0, normal_share=1)
    monkeypatch.setattr("microcalc.synthesis.normals._MOST_SPECKS", -1)
    with pytest.raises(ReadError, match="bright specks"):
        list(draw_insertions(plan))


def test_a_pitch_that_is_given_goes_before_a_guess(own):
    guessed, given = (plan_insertions(own, 1, 3, normal_share=1, spacing_mm=spacing)[0] for spacing in (None, 0.1))
    (of_guess, *_), (of_given, *_) = (list(draw_insertions(plan)) for plan in (guessed, given))
    assert (of_guess.truth.spacing_mm, of_guess.truth.vendor) == ((0.07, 0.07), "own images, pixel pitch assumed")
    assert (of_given.truth.spacing_mm, of_given.truth.vendor) == ((0.1, 0.1), "own images")
