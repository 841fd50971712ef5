import csv
import dataclasses
import plistlib
import re
import sys
from collections.abc import Iterable
from pathlib import Path

import cv2
import numpy as np
import pydicom
import pytest
from PIL import Image

from microcalc.errors import UsageError
from microcalc.evaluation.detections import Detections
from microcalc.evaluation.matching import match, parse_rule
from microcalc.synthesis.device import draw_device
from microcalc.synthesis.dicom import StudyIdentity
from microcalc.synthesis.layouts import LAYOUTS
from microcalc.synthesis.study import Picture
from microcalc.truth import Ignored, ImageTruth, TrueCalcification, TrueCluster

SHAPE, SPACING = (300, 200), 0.07
DEVICE = dataclasses.replace(
    draw_device(np.random.default_rng(0), name="direct-70", spacing_mm=SPACING, shape=SHAPE), bits=12, inverted=False
)
#: Centres (x, y) of bright squares: five of a cluster, and one of its own.
CLUSTER = ((100, 80), (110, 80), (120, 90), (100, 100), (112, 102))
SINGLE = (40, 200)
GREY, BRIGHT = 1000, 3500


def square(x: float, y: float, half: float) -> tuple[tuple[float, float], ...]:
    return ((x - half, y - half), (x + half, y - half), (x + half, y + half), (x - half, y + half))


def speck(x: float, y: float, half: float, pathology: str, morphology: str, snr: float) -> TrueCalcification:
    return TrueCalcification(
        x=x,
        y=y,
        diameter_mm=2 * half * SPACING * 1.128,
        polygon=square(x, y, half),
        pathology=pathology,
        morphology=morphology,
        snr=snr,
    )


def make_truth(side: str, view: str, normal: bool, split: str | None) -> ImageTruth:
    known = {"path": "", "patient": "p1", "study": "1.2.3", "split": split, "side": side, "view": view, "age": 51}
    known |= {"rows": SHAPE[0], "columns": SHAPE[1], "spacing_mm": (SPACING, SPACING), "density": "C"}
    if normal:
        return ImageTruth(normal=True, **known)
    members = [speck(x, y, 1.5, "malignant", "fine pleomorphic", 7.0) for x, y in CLUSTER]
    # A 9 x 9 px square is 0.63 mm wide: large enough to be outlined in INbreast's layout.
    marks = (*members, speck(*SINGLE, 4.5, "benign", "round", 20.0))
    group = TrueCluster(
        bbox=(98.5, 78.5, 121.5, 103.5),
        members=(0, 1, 2, 3, 4),
        pathology="malignant",
        morphology="fine pleomorphic",
        distribution="grouped",
    )
    ignored = Ignored(bbox=(10.5, 10.5, 12.5, 12.5), reason="snr below 3")
    return ImageTruth(normal=False, calcifications=marks, clusters=(group,), ignore=(ignored,), **known)


def make_picture(
    side: str = "L",
    view: str = "CC",
    *,
    number: int = 1,
    normal: bool = False,
    split: str | None = None,
    device: object = DEVICE,
) -> Picture:
    pixels = np.full(SHAPE, GREY, np.uint16)
    truth = make_truth(side, view, normal, split)
    for mark in truth.calcifications:
        (x0, y0), _, (x1, y1), _ = mark.polygon
        pixels[round(y0 + 0.5) : round(y1 + 0.5), round(x0 + 0.5) : round(x1 + 0.5)] = BRIGHT
    patient = f"p{number}"
    instance = 1 + ("L", "R").index(side) + 2 * ("CC", "MLO").index(view)
    return Picture(
        pixels=device.store(pixels),
        truth=truth.model_copy(update={"patient": patient, "study": f"1.2.{number}"}),
        device=device,
        identity=StudyIdentity(patient, 51, patient),
        number=number,
        instance=instance,
    )


def write_set(root: Path, name: str, pictures: Iterable[Picture]) -> list[ImageTruth]:
    layout = LAYOUTS[name]
    truths = [layout.write(root, picture) for picture in pictures]
    layout.finish(root, truths)
    return truths


def study(number: int = 1, **how: object) -> list[Picture]:
    """Four views: the left breast holds a cluster, the right one is normal."""
    return [
        make_picture(side, view, number=number, normal=side == "R", **how) for view in ("CC", "MLO") for side in "LR"
    ]


def contents(root: Path) -> dict[str, bytes]:
    return {str(path.relative_to(root)): path.read_bytes() for path in root.rglob("*") if path.is_file()}


# ---- every layout


@pytest.mark.parametrize("name", LAYOUTS)
def test_tables_can_be_written_again_and_in_any_order(tmp_path: Path, name: str):
    layout = LAYOUTS[name]
    pictures = [p for n in (1, 2) for p in study(n) if p.truth.view in layout.views]
    truths = write_set(tmp_path, name, pictures)
    before = contents(tmp_path)
    layout.finish(tmp_path, truths[::-1])
    after = contents(tmp_path)
    assert before.keys() == after.keys()
    # A workbook holds the time it was written.
    assert [path for path in before if before[path] != after[path]] in ([], ["Description.xlsx"])
    assert len({truth.path for truth in truths}) == len(pictures)
    assert all((tmp_path / truth.path).is_file() for truth in truths)


@pytest.mark.parametrize("name", ["truth", "inbreast", "omi_db", "bmcd"])
def test_dicom_layouts_keep_pixels_places_and_identifiers(tmp_path: Path, name: str):
    picture = make_picture()
    truth = LAYOUTS[name].write(tmp_path, picture)
    image = pydicom.dcmread(tmp_path / truth.path)
    assert np.array_equal(image.pixel_array, picture.pixels)
    assert truth.model_copy(update={"path": ""}) == picture.truth
    assert (image.ImageLaterality, image.ViewPosition) == ("L", "CC")


@pytest.mark.parametrize("name", LAYOUTS)
def test_a_view_that_no_layout_knows_is_refused(tmp_path: Path, name: str):
    picture = make_picture(view="MLO")
    oblique = dataclasses.replace(picture, truth=picture.truth.model_copy(update={"view": "LMO"}))
    with pytest.raises(UsageError, match=r"expected a CC or MLO view of a known side, found side L, view LMO"):
        LAYOUTS[name].write(tmp_path, oblique)


def test_the_plain_layout_names_files_by_patient_side_and_view(tmp_path: Path):
    truths = write_set(tmp_path, "truth", study(number=7))
    assert sorted(contents(tmp_path)) == sorted(truth.path for truth in truths)
    assert [truth.path for truth in truths] == ["p7_L_CC.dcm", "p7_R_CC.dcm", "p7_L_MLO.dcm", "p7_R_MLO.dcm"]


@pytest.mark.parametrize(("name", "most"), [("mini_mias", 499), ("cbis_ddsm", 99_999)])
def test_names_hold_only_so_many_patients(name: str, most: int):
    LAYOUTS[name].check(most)
    with pytest.raises(UsageError, match=f"at most {most} patients for the layout {name}, found patient {most + 1}"):
        LAYOUTS[name].check(most + 1)


# ---- INbreast


def rois(root: Path, truth: ImageTruth) -> list[dict[str, object]]:
    """All regions of interest of an image, points as (x, y)."""
    number = Path(truth.path).name[:8]
    listed = plistlib.loads((root / "AllXML" / f"{number}.xml").read_bytes())["Images"][0]
    assert listed["NumberOfROIs"] == len(listed["ROIs"])
    for roi in listed["ROIs"]:
        roi["points"] = [tuple(float(part) for part in text.strip("()").split(",")) for text in roi["Point_px"]]
        assert roi["NumberOfPoints"] == len(roi["points"])
    return listed["ROIs"]


def test_inbreast_names_and_table(tmp_path: Path):
    truths = write_set(tmp_path, "inbreast", study())
    assert [re.sub("[0-9a-f]{16}", "PATIENT", truth.path) for truth in truths] == [
        "AllDICOMs/20000101_PATIENT_MG_L_CC_ANON.dcm",
        "AllDICOMs/20000102_PATIENT_MG_R_CC_ANON.dcm",
        "AllDICOMs/20000103_PATIENT_MG_L_ML_ANON.dcm",
        "AllDICOMs/20000104_PATIENT_MG_R_ML_ANON.dcm",
    ]
    assert len({truth.path.split("_")[1] for truth in truths}) == 1
    with (tmp_path / "INbreast.csv").open(newline="") as file:
        rows = list(csv.DictReader(file, delimiter=";"))
    assert ",".join(rows[0]) == "Patient ID,Patient age,Laterality,View,Acquisition date,File Name,ACR,Bi-Rads"
    assert [(row["File Name"], row["Laterality"], row["View"], row["ACR"]) for row in rows] == [
        ("20000101", "L", "CC", "3"),
        ("20000102", "R", "CC", "3"),
        ("20000103", "L", "MLO", "3"),
        ("20000104", "R", "MLO", "3"),
    ]
    assert {row["Patient ID"] for row in rows} == {"removed"}
    assert rows[0]["Bi-Rads"] in {"4a", "4b", "4c", "5", "6"}
    assert [row["Bi-Rads"] for row in rows] == [rows[0]["Bi-Rads"], "1"] * 2
    image = pydicom.dcmread(tmp_path / truths[0].path, stop_before_pixels=True)
    assert image.PatientID == truths[0].path.split("_")[1]
    assert image.StudyDate[:6] == rows[0]["Acquisition date"]


def test_inbreast_marks_small_calcifications_as_points_and_clusters_as_polygons(tmp_path: Path):
    truth = LAYOUTS["inbreast"].write(tmp_path, make_picture())
    *members, single, cluster = rois(tmp_path, truth)
    # Readers cut off the fraction.
    assert [tuple(int(part) for part in roi["points"][0]) for roi in members] == list(CLUSTER)
    assert {(roi["Name"], roi["Type"], roi["Max"]) for roi in members} == {("Calcification", 19, BRIGHT)}
    assert np.mean(single["points"], axis=0) == pytest.approx(np.array(SINGLE) + 0.5)
    assert (len(single["points"]), single["Type"]) == (4, 15)
    assert cluster["Name"] == "Cluster"
    hull = np.array(cluster["points"], np.float32)
    assert all(cv2.pointPolygonTest(hull, (x + 0.5, y + 0.5), False) > 0 for x, y in CLUSTER)
    # Squares' corners, counted from the image's corner.
    assert (*hull.min(axis=0), *hull.max(axis=0)) == (99.0, 79.0, 122.0, 104.0)
    # Some readers count the keys.
    keys = re.findall("<key>(.*?)</key>", (tmp_path / "AllXML" / "20000101.xml").read_text())[4:17]
    expected = "Area Center Dev IndexInImage Max Mean Min Name NumberOfPoints Point_mm Point_px Total Type"
    assert " ".join(keys) == expected


def test_inbreast_has_other_names_and_no_regions_for_normal_images(tmp_path: Path):
    names = set()
    for number in range(1, 17):
        truth = LAYOUTS["inbreast"].write(tmp_path, make_picture(number=number))
        names |= {roi["Name"] for roi in rois(tmp_path, truth)}
    assert names == {"Calcification", "Unnamed", "Cluster", "Calcifications"}
    LAYOUTS["inbreast"].write(tmp_path / "normal", make_picture(normal=True))
    assert not (tmp_path / "normal" / "AllXML").exists()


# ---- CBIS-DDSM


def cases(root: Path, part: str) -> list[dict[str, str]]:
    with (root / f"calc_case_description_{part}_set.csv").open(newline="") as file:
        return list(csv.DictReader(file))


def folder_of(root: Path, described: str) -> Path:
    """The downloader's folder for a path of the case descriptions: known by the UIDs' last digits."""
    case, study_uid, series_uid, _ = described.strip().split("/")
    (folder,) = (root / "CBIS-DDSM" / case).glob(f"*-{study_uid[-5:]}/*-{series_uid[-5:]}")
    return folder


def mask_and_crop(root: Path, described: str) -> tuple[pydicom.Dataset, pydicom.Dataset]:
    """Told apart by content: a mask has two values."""
    images = [pydicom.dcmread(path) for path in sorted(folder_of(root, described).glob("1-*.dcm"))]
    assert len(images) == 2
    mask, crop = sorted(images, key=lambda image: len(np.unique(image.pixel_array)) != 2 or image.BitsStored == 16)
    return mask, crop


def test_cbis_ddsm_case_descriptions(tmp_path: Path):
    pictures = [*study(1, split="train"), *study(2, split="test"), *study(3, split="validation")]
    write_set(tmp_path, "cbis_ddsm", pictures)
    train, test = cases(tmp_path, "train"), cases(tmp_path, "test")
    assert {row["patient_id"] for row in train} == {"P_00001", "P_00003"}
    assert [tuple(row.values())[:8] for row in test] == [
        ("P_00002", "3", "LEFT", view, number, "calcification", kind, distribution)
        for view in ("CC", "MLO")
        for number, kind, distribution in (("1", "PLEOMORPHIC", "CLUSTERED"), ("2", "ROUND_AND_REGULAR", "N/A"))
    ]
    assert [row["pathology"][:6] for row in test] == ["MALIGN", "BENIGN"] * 2
    assert all(row["assessment"] in "45" for row in test[::2])
    assert [row["subtlety"] for row in test] == ["3", "5"] * 2
    for row in test:
        assert row["cropped image file path"].endswith("/000001.dcm\n")
        assert row["ROI mask file path"].endswith("/000000.dcm")
    raw = (tmp_path / "calc_case_description_test_set.csv").read_bytes()
    assert (raw.count(b"\r\n"), raw.count(b'.dcm\n"')) == (1 + len(test), len(test))


@pytest.mark.parametrize("part", ["train", "test"])
def test_cbis_ddsm_case_descriptions_have_the_columns_and_words_of_the_real_ones(
    tmp_path: Path, shared: Path, part: str
):
    write_set(tmp_path, "cbis_ddsm", study(split=part))
    made = cases(tmp_path, part)
    with (shared / "cbis_ddsm" / f"calc_case_description_{part}_set.csv").open(newline="") as file:
        real = list(csv.DictReader(file))
    assert list(made[0]) == list(real[0])
    for column in ("breast density", "image view", "calc type", "calc distribution", "assessment", "pathology"):
        assert {row[column] for row in made} <= {row[column] for row in real}
    for column in ("image file path", "cropped image file path", "ROI mask file path"):
        made_form, real_form = (
            re.sub(r"/[\d.]+/[\d.]+/", "/UID/UID/", re.sub(r"P_\d+_(LEFT|RIGHT)_(CC|MLO)", "CASE", rows[0][column]))
            for rows in (made, real)
        )
        assert made_form == real_form


def test_cbis_ddsm_pictures_are_film_like(tmp_path: Path):
    picture = make_picture(device=dataclasses.replace(DEVICE, inverted=True))
    (truth,) = write_set(tmp_path, "cbis_ddsm", [picture])
    image = pydicom.dcmread(tmp_path / truth.path)
    assert (image.PatientID, image.BitsStored) == ("Calc-Training_P_00001_LEFT_CC", 16)
    assert (truth.sop_instance_uid, truth.study) == (image.SOPInstanceUID, image.StudyInstanceUID)
    assert not {"ImagerPixelSpacing", "PixelSpacing", "NominalScannedPixelSpacing"} & set(image.dir())
    assert set(np.unique(image.pixel_array)) == {GREY * 16, BRIGHT * 16}
    assert folder_of(tmp_path, cases(tmp_path, "train")[0]["image file path"]) == (tmp_path / truth.path).parent


def test_cbis_ddsm_masks_cover_findings_whatever_their_size_and_place(tmp_path: Path):
    write_set(tmp_path, "cbis_ddsm", [make_picture(number=number) for number in range(1, 21)])
    sizes, orders = set(), set()
    for row in cases(tmp_path, "train"):
        mask, crop = mask_and_crop(tmp_path, row["ROI mask file path"])
        assert (mask.SeriesDescription, crop.SeriesDescription) == ("ROI mask images", "cropped images")
        assert mask.PatientID == row["ROI mask file path"].split("/")[0]
        sizes.add((mask.Rows, mask.Columns))
        orders.add(mask.InstanceNumber)
        values = mask.pixel_array
        assert set(np.unique(values)) == {0, 255}
        y, x = np.nonzero(cv2.resize(values, SHAPE[::-1], interpolation=cv2.INTER_NEAREST))
        points = CLUSTER if row["abnormality id"] == "1" else (SINGLE,)
        half = 1 if row["abnormality id"] == "1" else 4
        expected = (*(np.min(points, axis=0) - half), *(np.max(points, axis=0) + half))
        assert (x.min(), y.min(), x.max(), y.max()) == pytest.approx(expected, abs=1.6)
        assert crop.pixel_array.max() == BRIGHT * 16
    assert sizes == {(300, 200), (261, 174)}
    assert orders == {1, 2}


def test_cbis_ddsm_metadata_names_every_series_and_normal_pictures_have_no_case(tmp_path: Path):
    write_set(tmp_path, "cbis_ddsm", study())
    with (tmp_path / "metadata.csv").open(newline="") as file:
        rows = list(csv.DictReader(file))
    files = [len(list((tmp_path / row["File Location"]).glob("*.dcm"))) for row in rows]
    assert [int(row["Number of Images"]) for row in rows] == files
    assert sum(files) == len(list(tmp_path.rglob("*.dcm"))) == 4 + 2 * 2 * 2
    assert {row["left or right breast"] for row in cases(tmp_path, "train")} == {"LEFT"}


def test_an_unknown_density_is_blank_or_0(tmp_path: Path):
    picture = make_picture()
    unknown = dataclasses.replace(picture, truth=picture.truth.model_copy(update={"density": None}))
    write_set(tmp_path, "inbreast", [unknown])
    write_set(tmp_path, "cbis_ddsm", [unknown])
    assert (tmp_path / "INbreast.csv").read_text().splitlines()[1].split(";")[6].isspace()
    assert {row["breast density"] for row in cases(tmp_path, "train")} == {"0"}


# ---- OMI-DB


def test_omi_db_is_read_by_the_package_of_that_set(tmp_path: Path):
    omidb = pytest.importorskip("omidb", reason="the package omidb is not installed")
    truths = write_set(tmp_path, "omi_db", [*study(1), *study(2)])
    clients = {client.id: client for client in omidb.DB(tmp_path / "data", tmp_path / "images")}
    assert clients.keys() == {"demd1", "demd2"}
    for truth in truths:
        client = clients[Path(truth.path).parts[1]]
        assert client.status.name == "M"
        (episode,) = client.episodes
        (exam,) = episode.studies
        assert [event.name for event in exam.event_type] == ["screening"]
        assert episode.events.biopsy_wide.left_opinion.name == "OM"
        assert episode.events.screening[0].right_opinion.name == "ON"
        images = {image.id: image for series in exam.series for image in series.images}
        assert len(images) == 4
        image = images[Path(truth.path).stem]
        assert image.attributes["00200062"]["Value"] == [truth.side]
        assert image.dcm.Rows == SHAPE[0]
        boxes = [dataclasses.astuple(mark.boundingBox) for mark in image.marks]
        # Squares of 3 and 9 pixels: first and last pixel.
        assert boxes == ([] if truth.normal else [(99, 79, 121, 103), (36, 196, 44, 204)])
        if image.marks:
            cluster, single = image.marks
            assert (cluster.suspicious_calcifications, cluster.conspicuity.name) == (True, "subtle")
            assert (single.other_benign_cluster, single.benign_classification.name) == (True, "round_puncate")
            assert episode.lesions[min(cluster.lesion_ids)].side.name == "L"


def test_omi_db_file_names_vary(tmp_path: Path):
    write_set(tmp_path, "omi_db", [make_picture(number=number) for number in (1, 2)])
    names = {re.sub(r"[\d.]{20,}\.", "UID.", path.name) for path in (tmp_path / "data").rglob("*.json")}
    assert names == {"imagedb_demd1.json", "nbss_demd1.json", "UID.json"} | {
        "IMAGEDB_demd2.json",
        "NBSS_demd2.json",
        "UID.dcm.json",
    }


# ---- BMCD


def test_bmcd_folders_and_workbook(tmp_path: Path):
    openpyxl = pytest.importorskip("openpyxl", reason="the package openpyxl is not installed")
    truths = write_set(tmp_path, "bmcd", study(number=3))
    assert [truth.path for truth in truths] == [
        "Dataset_v3/Suspicious_cases/5/CC_recent.dcm",
        "Dataset_v3/Normal_cases/6/CC_recent.dcm",
        "Dataset_v3/Suspicious_cases/5/MLO_recent.DCM",
        "Dataset_v3/Normal_cases/6/MLO_recent.dcm",
    ]
    book = openpyxl.load_workbook(tmp_path / "Description.xlsx")
    assert book.sheetnames == ["Normal_cases", "Suspicious_cases"]
    normal, suspicious = ([dict(zip(rows[2], row, strict=True)) for row in rows[3:]] for rows in map(sheet_rows, book))
    assert normal == [
        {
            "Folder #": 6,
            "Breast (Right/Left)": "Right",
            "Age (at the time of the recent mammogram)": 51,
            "BI-RADS categories for breast density": "C",
            "BI-RADS categories for classification ": "1",
        }
    ]
    assert [row["Folder #"] for row in suspicious] == [5]
    assert suspicious[0]["BI-RADS categories for classification "][0] in "45"
    assert suspicious[0]["Biopsy results"] == "MALIGNANT"


def sheet_rows(sheet: Iterable[Iterable[object]]) -> list[list[object]]:
    return [[cell.value for cell in row] for row in sheet]


def test_bmcd_marks_are_red_on_a_smaller_picture(tmp_path: Path):
    truth = LAYOUTS["bmcd"].write(tmp_path, make_picture())
    marked = cv2.imread(str((tmp_path / truth.path).with_name("CC_recent_GT.jpg")))
    assert marked.shape == (150, 100, 3)
    hue, saturation, value = np.moveaxis(cv2.cvtColor(marked, cv2.COLOR_BGR2HSV), 2, 0)
    red = ((hue <= 10) | (hue >= 160)) & (saturation >= 100) & (value >= 20)
    count, _, _, centres = cv2.connectedComponentsWithStats(red.astype(np.uint8))
    assert count - 1 == 6
    found = sorted(tuple(2 * centre + 0.5) for centre in centres[1:])
    assert np.array(found) == pytest.approx(np.array(sorted([*CLUSTER, SINGLE])), abs=1)


def test_bmcd_without_openpyxl_is_refused(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setitem(sys.modules, "openpyxl", None)
    with pytest.raises(UsageError, match=r"expected the package openpyxl.*microcalc\[data\]"):
        LAYOUTS["bmcd"].check(1)


# ---- mini-MIAS


def films(root: Path) -> list[list[str]]:
    """The table of Info.txt: what starts with a film's number."""
    return [line.split() for line in (root / "Info.txt").read_text().splitlines() if re.match(r"mdb\d", line)]


@pytest.mark.parametrize(("side", "name"), [("L", "mdb003"), ("R", "mdb004")])
def test_mini_mias_pictures_and_circles(tmp_path: Path, side: str, name: str):
    (truth,) = write_set(tmp_path, "mini_mias", [make_picture(side, "MLO", number=2)])
    assert truth.path == f"{name}.pgm"
    with Image.open(tmp_path / truth.path) as film:
        assert (film.format, film.mode, film.size) == ("PPM", "L", (1024, 1024))
        grey = np.asarray(film)
    assert (truth.rows, truth.columns, truth.spacing_mm) == (1024, 1024, (0.2, 0.2))
    # 300 x 200 pixels of 0.07 mm are 105 x 70 of 0.2 mm, centred.
    assert np.flatnonzero(grey.any(axis=1))[[0, -1]].tolist() == [459, 563]
    assert np.flatnonzero(grey.any(axis=0))[[0, -1]].tolist() == [477, 546]
    # Mirrored: x = 40 of 200 pixels comes to lie 159.5 px from the other side.
    x, y = 477 + 159.5 * 0.35 - 0.5, 459 + 200.5 * 0.35 - 0.5
    assert (truth.calcifications[5].x, truth.calcifications[5].y) == pytest.approx((x, y), abs=0.01)
    rows, columns = np.nonzero(grey > 0.9 * grey.max())
    assert (columns.mean(), rows.mean()) == pytest.approx((x, y), abs=0.6)
    (_, tissue, kind, severity, *cluster), (*_, single_severity, cx, cy, radius) = films(tmp_path)
    assert (tissue, kind, severity, single_severity) == ("D", "CALC", "M", "B")
    assert (int(cx), 1023 - int(cy), int(radius)) == pytest.approx((x, y, 3), abs=0.51)
    centre_x, up, reach = map(int, cluster)
    distances = [np.hypot(m.x - centre_x, m.y - (1023 - up)) for m in truth.calcifications[:5]]
    assert max(distances) <= reach + 1
    assert reach <= max(distances) + 2


def test_mini_mias_says_which_films_are_normal_and_where_calcium_is_widespread(tmp_path: Path):
    picture = make_picture("L", "MLO", number=1)
    cluster = picture.truth.clusters[0].model_copy(update={"distribution": "diffuse"})
    spread = dataclasses.replace(picture, truth=picture.truth.model_copy(update={"clusters": (cluster,)}))
    write_set(tmp_path, "mini_mias", [make_picture("R", "MLO", normal=True), spread])
    assert [row[:3] for row in films(tmp_path)] == [["mdb001", "D", "CALC"]] * 2 + [["mdb002", "D", "NORM"]]
    assert films(tmp_path)[0][3:] == ["M", "*NOTE", "3*"]


def test_mini_mias_table_begins_where_the_real_one_does(tmp_path: Path, shared: Path):
    write_set(tmp_path, "mini_mias", [make_picture("L", "MLO")])
    made, real = (path.read_text().splitlines() for path in (tmp_path / "Info.txt", shared / "mini_mias" / "Info.txt"))
    first = [next(i for i, line in enumerate(lines) if line.startswith("mdb001")) for lines in (made, real)]
    assert first[0] == first[1]


def test_mini_mias_cuts_off_what_reaches_beyond_the_film(tmp_path: Path):
    # Pixels of 0.8 mm: 300 rows are 1200 pixels of 0.2 mm, of which 88 are cut off at either end, y < 22 of the 300.
    device = dataclasses.replace(DEVICE, spacing_mm=0.8)
    picture = make_picture("L", "MLO", device=device)
    marks = [mark.model_copy(update={"y": mark.y - 79.0}) for mark in picture.truth.calcifications]
    truth = picture.truth.model_copy(update={"calcifications": tuple(marks)})
    moved = LAYOUTS["mini_mias"].write(tmp_path, dataclasses.replace(picture, truth=truth))
    # Cluster at y = 1, 1, 11, 21, 23: only the last, and the single one, are left; one alone is no cluster.
    assert [round((mark.y + 88 + 0.5) / 4 - 0.5) for mark in moved.calcifications] == [23, 121]
    assert moved.clusters == ()
    assert moved.ignore == ()


def test_mini_mias_asks_for_nothing_that_a_pixel_holds(tmp_path: Path):
    picture = make_picture("L", "MLO")
    # Squares of 1, 2 and 3 pixels: discs of the same area measure 0.079, 0.158 and 0.237 mm; the film's pixels 0.2 mm.
    sizes = [speck(x, 100, side / 2, "benign", "round", 9.0) for x, side in ((60, 1), (90, 2), (120, 3))]
    truth = picture.truth.model_copy(update={"calcifications": tuple(sizes), "clusters": (), "ignore": ()})
    moved = LAYOUTS["mini_mias"].write(tmp_path, dataclasses.replace(picture, truth=truth))
    assert [mark.snr for mark in moved.calcifications] == [None] * 3
    assert [region.polygon for region in moved.ignore] == [mark.polygon for mark in moved.calcifications[:2]]
    assert {region.reason for region in moved.ignore} == {"smaller than a pixel"}
    account = match(Detections.of_marks([], None), moved, parse_rule("disc14"), moved.spacing_mm)
    assert account.target.tolist() == [False, False, True]


def test_mini_mias_holds_only_mlo_views(tmp_path: Path):
    with pytest.raises(UsageError, match="expected an MLO view for the layout mini_mias, found CC"):
        LAYOUTS["mini_mias"].write(tmp_path, make_picture("L", "CC"))
    assert LAYOUTS["mini_mias"].views == ("MLO",)
