import csv
from collections import Counter

import pytest

from microcalc.datasets.cbis_ddsm_cases import CASE, read_cases
from microcalc.errors import ReadError

HEADER = (
    "patient_id,breast density,left or right breast,image view,abnormality id,abnormality type,calc type,"
    "calc distribution,assessment,pathology,subtlety,image file path,cropped image file path,ROI mask file path"
)
CASE_NAME = "Calc-Training_P_00001_LEFT_CC"


def row(number="1", kind="PLEOMORPHIC", distribution="CLUSTERED", density="3", case=CASE_NAME, pathology="BENIGN"):
    finding = f"{case}_{number}/1.2.{number}/1.3.{number}"
    words = f"P_00001,{density},LEFT,CC,{number},calcification,{kind},{distribution},4,{pathology},3"
    return f'{words},{case}/1.2/1.3/000000.dcm,"{finding}/000001.dcm\n",{finding}/000000.dcm'


def write(folder, *rows, name="calc_case_description_train_set.csv", line_end="\r\n"):
    folder.mkdir(parents=True, exist_ok=True)
    (folder / name).write_bytes((line_end.join([HEADER, *rows]) + line_end).encode())
    return folder


def only(folder):
    """The one case of a folder, and its problems but that the test table is missing."""
    (case,), problems = read_cases(folder, ("calcification",))
    return case, [problem for problem in problems if problem.kind != "missing"]


# ---- the four real tables


@pytest.fixture(scope="module")
def real(shared):
    return read_cases(shared / "cbis_ddsm", ("calcification", "mass"))


def test_every_real_row_is_read(real):
    cases, problems = real
    assert problems == []
    rows, images = Counter(), Counter()
    for case in cases:
        part = case.abnormalities[0].kind, case.part
        images[part] += 1
        rows[part] += len(case.abnormalities)
    # As counted in the tables themselves, with csv.DictReader.
    assert rows == {
        ("calcification", "train"): 1546,
        ("calcification", "test"): 326,
        ("mass", "train"): 1318,
        ("mass", "test"): 378,
    }
    assert images == {
        ("calcification", "train"): 1227,
        ("calcification", "test"): 284,
        ("mass", "train"): 1231,
        ("mass", "test"): 361,
    }
    assert len({case.patient for case in cases}) == 1566


@pytest.mark.parametrize("kind", ["calc", "mass"])
def test_real_paths_end_in_line_breaks_which_no_case_has(real, shared, kind):
    column = {"calc": "cropped image file path", "mass": "ROI mask file path"}[kind]
    with (shared / "cbis_ddsm" / f"{kind}_case_description_test_set.csv").open(newline="") as file:
        broken = [row[column] for row in csv.DictReader(file)]
    assert all(path.endswith(".dcm\n") for path in broken)
    names = [abnormality.case for case in real[0] for abnormality in case.abnormalities]
    assert {path.split("/")[0] for path in broken} < set(names)
    assert all(CASE.fullmatch(name)["number"] for name in names)
    assert not any(uid.strip("0123456789.") for case in real[0] for uid in (case.series, case.study))


def test_real_parts_share_31_patients_when_they_are_merged(real):
    sides = {(kind, part): set() for kind in ("calcification", "mass") for part in ("train", "test")}
    for case in real[0]:
        sides[case.abnormalities[0].kind, case.part].add(case.patient)
    assert not sides["calcification", "train"] & sides["calcification", "test"]
    assert not sides["mass", "train"] & sides["mass", "test"]
    assert len(sides["mass", "train"] & sides["calcification", "test"]) == 13
    assert len(sides["calcification", "train"] & sides["mass", "test"]) == 18


def test_71_real_views_stand_in_both_parts(real):
    times = Counter(case.seen for case in real[0])
    assert Counter(times.values()) == {1: 2961, 2: 71}  # 2961 + 2 x 71 = 3103 images


def test_real_masks_and_crops_are_of_one_series_or_of_two(real):
    several = Counter(
        (abnormality.kind, len(abnormality.series)) for case in real[0] for abnormality in case.abnormalities
    )
    # 92 + 11 masses and one calcification have mask and crop in a series each.
    assert several == {
        ("calcification", 1): 1871,
        ("calcification", 2): 1,
        ("mass", 1): 1593,
        ("mass", 2): 103,
    }


def test_the_words_of_the_real_tables(real):
    words = [abnormality.words for case in real[0] for abnormality in case.abnormalities if "Calc" in abnormality.case]
    morphology, distribution = (Counter(column) for column in zip(*words, strict=True))
    assert distribution == {
        "grouped": 740 + 195,
        None: 376 + 63,
        "segmental": 168 + 34,
        "linear": 90 + 22,
        "regional": 99 + 1 + 3,  # one of them is REGIONAL-REGIONAL
        "diffuse": 37 + 3,
        "grouped, linear": 25 + 4,
        "linear, segmental": 5 + 2,
        "grouped, segmental": 5,
    }
    assert (morphology["fine pleomorphic"], morphology["lucent centre"]) == (664 + 1 + 149, 93 + 18 + 17)
    assert (morphology["round, lucent centre"], morphology[None]) == (31 + 14, 20 + 4)
    known = "round punctate amorphous vascular popcorn rim rod-like dystrophic skin"
    single = {word for words in morphology if words for word in words.split(", ")}
    assert single == {
        *known.split(),
        *("fine pleomorphic", "coarse heterogeneous", "fine linear branching", "lucent centre", "milk of calcium"),
    }


# ---- made ones


def test_an_image_has_all_its_abnormalities(tmp_path):
    write(tmp_path, row("1"), row("2", "VASCULAR-COARSE", "N/A", pathology="BENIGN_WITHOUT_CALLBACK"))
    case, problems = only(tmp_path)
    assert (case.name, case.patient, case.side, case.view, case.part) == (CASE_NAME, "P_00001", "L", "CC", "train")
    assert (case.study, case.series, case.density) == ("1.2", "1.3", "C")
    first, second = case.abnormalities
    assert (first.case, first.words, first.series) == (f"{CASE_NAME}_1", ("fine pleomorphic", "grouped"), ("1.3.1",))
    assert (second.words, second.pathology) == (("vascular, popcorn", None), "benign")
    assert (second.assessment, second.subtlety) == ("4", "3")
    assert problems == []


@pytest.mark.parametrize("line_end", ["\r\n", "\n", "\r"])
@pytest.mark.parametrize("folder", ["", "csv"])
def test_any_line_ends_in_either_place(tmp_path, line_end, folder):
    write(tmp_path / folder, row("1"), row("2"), line_end=line_end)
    assert len(only(tmp_path)[0].abnormalities) == 2


@pytest.mark.parametrize(("written", "meant"), [("0", None), ("", None), ("1", "A"), ("4", "D")])
def test_density_0_is_unknown(tmp_path, written, meant):
    assert only(write(tmp_path, row(density=written)))[0].density == meant


@pytest.mark.parametrize("case", ["Calc-Training_P_00002_LEFT_CC", "Calc-Training_P_00001_RIGHT_CC", "elsewhere"])
def test_a_row_that_contradicts_itself_is_left_out_and_said(tmp_path, case):
    write(tmp_path, row("1"), row("2", case=case))
    found, problems = only(tmp_path)
    assert [abnormality.case for abnormality in found.abnormalities] == [f"{CASE_NAME}_1"]
    (problem,) = problems
    assert (problem.kind, problem.path) == ("contradiction", "calc_case_description_train_set.csv")
    assert problem.expected == "the path of an image of P_00001 LEFT CC"


@pytest.mark.parametrize("what", [{"pathology": "MAYBE"}, {"density": "7"}])
def test_a_row_with_a_word_that_no_row_may_have_is_left_out_and_said(tmp_path, what):
    write(tmp_path, row("1", case="Calc-Training_P_00001_LEFT_CC", **what), row("2"))
    found, (problem,) = only(tmp_path)
    assert [abnormality.case for abnormality in found.abnormalities] == [f"{CASE_NAME}_2"]
    assert repr(next(iter(what.values()))) in problem.found


def test_a_missing_column_is_named(tmp_path):
    write(tmp_path, row())
    table = tmp_path / "calc_case_description_train_set.csv"
    table.write_bytes(table.read_bytes().replace(b"calc distribution", b"spread"))
    with pytest.raises(ReadError, match=r"calc_case_description_train_set\.csv: .*calc distribution"):
        read_cases(tmp_path, ("calcification",))


def test_a_missing_table_is_said_and_none_is_an_error(tmp_path):
    write(tmp_path, row())
    _, (problem,) = read_cases(tmp_path, ("calcification",))
    assert (problem.kind, problem.path) == ("missing", "calc_case_description_test_set.csv")
    with pytest.raises(ReadError, match=r"expected mass_case_description_train_set\.csv or mass_case"):
        read_cases(tmp_path, ("mass",))
