"""The CSV tables: long, one header row, empty where there is no number."""

import csv

import pytest

from microcalc.comparison.sheets import SHEETS, write_sheets


@pytest.fixture
def sheets(make_evaluation, tmp_path):
    """Name -> rows, each by its header, of the evaluation made by hand."""

    def read(**fields):
        write_sheets(make_evaluation(**fields), tmp_path)
        tables = {}
        for name in SHEETS:
            with (tmp_path / name).open(newline="") as file:
                tables[name] = list(csv.DictReader(file))
        return tables

    return read


def test_each_number_of_each_system_is_a_row(sheets):
    rows = {(row["system"], row["measure"]): row for row in sheets()["metrics.csv"]}
    area = rows["first", "AUC50"]
    assert (area["level"], area["value"], area["low"], area["high"], area["n"]) == (
        *("calcification", "0.812", "0.762", "0.862", "40"),
    )
    assert rows["second", "AUC50"]["value"] == "0.712"
    assert rows["first", "sensitivity at 0.5"]["value"] == "0.325"
    assert (rows["first", "ROC AUC"]["level"], rows["first", "ROC AUC"]["value"]) == ("image", "0.9")
    assert rows["first", "own: sensitivity"]["value"] == "0.75"
    assert (rows["first", "shown: lesions found"]["value"], rows["first", "listed: duplicates"]["value"]) == ("31", "5")
    assert len(rows) == len(sheets()["metrics.csv"])


def test_what_is_not_defined_is_empty_with_its_reason(sheets):
    rows = {(row["system"], row["measure"]): row for row in sheets()["metrics.csv"]}
    npv = rows["first", "own: npv"]
    assert (npv["value"], npv["low"], npv["remark"]) == ("", "", "one class only")
    stratum = sheets()["strata.csv"][4]
    assert (stratum["by"], stratum["name"], stratum["value"], stratum["remark"]) == (
        *("morphology", "fine linear or branching", "", "one class only"),
    )


def test_curves_images_strata_and_differences(sheets):
    tables = sheets()
    assert tables["froc.csv"][1] == {
        "system": "first", "threshold": "0.6", "false_positives": "0.4", "sensitivity": "0.5",
    }  # fmt: skip
    assert len(tables["froc.csv"]) == 2 * 4
    image = tables["images.csv"][1]
    assert (image["image"], image["normal"], image["detections_counted"], image["lesions_found"]) == (
        *("a.dcm", "false", "shown", "31"),
    )
    assert [row["measure"] for row in tables["strata.csv"][:2]] == ["AUC50", "sensitivity at 1"]
    assert [(row["measure"], row["value"], row["p_value"]) for row in tables["differences.csv"]] == [
        ("AUC50", "0.1", "0.0312"),
        ("ROC AUC", "", ""),
    ]


def test_no_name_is_run_as_a_formula(sheets, make_evaluation):
    plain = make_evaluation()
    system = plain.systems[0].model_copy(update={"name": "=1+1"})
    assert {row["system"] for row in sheets(systems=(system,))["metrics.csv"]} == {"'=1+1"}


def test_a_level_is_that_of_what_is_counted(sheets, make_evaluation):
    """Patients are to be found: lesions and detections are counted one by one all the same."""
    plain = make_evaluation()
    rows = sheets(settings=plain.settings.model_copy(update={"level": "patient"}))["metrics.csv"]
    levels = {row["measure"]: row["level"] for row in rows}
    assert (levels["AUC50"], levels["ROC AUC"]) == ("patient", "image")  # the cases of this one were made so
    assert (levels["AFROC"], levels["listed: lesions"]) == ("calcification", "calcification")
    assert levels["expected calibration error"] == "detection"


def test_counts_are_whole(sheets, make_evaluation):
    plain = make_evaluation().systems[0]
    system = plain.model_copy(update={"listed": plain.listed.model_copy(update={"detections": 1_234_567})})
    rows = {row["measure"]: row["value"] for row in sheets(systems=(system,))["metrics.csv"]}
    assert rows["listed: detections"] == "1234567"
