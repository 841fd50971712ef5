import json

import pytest

from microcalc.comparison.truths import read_truth
from microcalc.errors import ReadError


def write(folder, **fields):
    path = folder / "truth.json"
    path.write_text(json.dumps({"root": ".", "images": [{"path": "a.png", "normal": True}]} | fields))
    return path


def test_truth_is_read(tmp_path):
    assert read_truth(write(tmp_path, schema="microcalc.truth/1")).images[0].path == "a.png"


def test_findings_given_as_truth_are_told_from_it(tmp_path):
    with pytest.raises(
        ReadError, match=r"expected truth .*found a file of microcalc\.findings/1; give findings as --f"
    ):
        read_truth(write(tmp_path, schema="microcalc.findings/1"))


def test_a_damaged_truth_says_where(tmp_path):
    with pytest.raises(ReadError, match=r"images\.0\.rows"):
        read_truth(write(tmp_path, schema="microcalc.truth/1", images=[{"path": "a.png", "rows": 0}]))


def test_a_missing_truth_is_named(tmp_path):
    with pytest.raises(ReadError, match=r"none\.json: expected truth \(microcalc\.truth/1\), found No such file"):
        read_truth(tmp_path / "none.json")
