from __future__ import annotations

import csv
from pathlib import Path

import pytest

from microcalc.errors import WriteError
from microcalc.findings import Calcification
from microcalc.output import write_tables


def read(path: Path) -> list[dict[str, str]]:
    with path.open(encoding="utf-8", newline="") as file:
        return list(csv.DictReader(file))


def test_every_mark_is_listed_and_said_to_be_shown_or_not(tmp_path, draw, group, make_report):
    write_tables(make_report(draw(**group).findings), tmp_path)
    rows = read(tmp_path / "calcifications.csv")
    assert [row["shown"] for row in rows] == ["true"] * 6 + ["false"]
    assert [row["cluster"] for row in rows] == ["1"] * 5 + [""] * 2
    assert rows[0] == {
        "image": "exam/L_CC.dcm",
        "sop_instance_uid": "",
        "study": "1.2.3",
        "side": "L",
        "view": "CC",
        "mark": "0",
        "x": "190.0",
        "y": "295.0",
        "diameter_mm": "0.400",
        "score": "0.8000",
        "malignancy": "",
        "shown": "true",
        "cluster": "1",
    }


def test_clusters_are_listed_with_their_descriptors(tmp_path, draw, group, make_report):
    write_tables(make_report(draw(**group).findings), tmp_path)
    (row,) = read(tmp_path / "clusters.csv")
    assert (row["cluster"], row["count"], row["score"], row["distribution"]) == ("1", "5", "0.7000", "grouped")
    assert [row[edge] for edge in ("x0", "y0", "x1", "y1")] == ["187.5", "292.5", "212.5", "307.5"]
    # The corners lie 2 mm and 1 mm apart around the middle: sqrt(1 + 0.25) mm from it.
    assert row["nearest_neighbour_mm"] == "1.000"
    assert (row["mean_diameter_mm"], row["sd_diameter_mm"]) == ("0.400", "0.000")
    assert row["members"] == "0 1 2 3 4"


def test_without_spacing_descriptors_are_empty(tmp_path, draw, group, make_report):
    write_tables(make_report(draw(spacing=None, **group).findings), tmp_path)
    assert read(tmp_path / "clusters.csv")[0]["extent_mm"] == ""


@pytest.mark.parametrize("first", "=+-@\t\r")
def test_no_text_becomes_a_formula(tmp_path, draw, make_report, first):
    marks = (Calcification(x=-0.04, y=-0.5, score=0.5),)
    image = draw(path=f'{first}1+1,"x"\n.png', calcifications=marks).findings
    write_tables(make_report(image), tmp_path)
    (row,) = read(tmp_path / "calcifications.csv")
    assert row["image"] == f'\'{first}1+1,"x"\n.png'
    assert (row["x"], row["y"]) == ("0.0", "-0.5")


def test_tables_end_lines_with_lf_and_have_a_header_without_findings(tmp_path, make_report):
    write_tables(make_report(), tmp_path)
    for name in ("calcifications.csv", "clusters.csv"):
        data = (tmp_path / name).read_bytes()
        assert data.startswith(b"image,sop_instance_uid,study,side,view,")
        assert data.count(b"\n") == 1
        assert b"\r" not in data


def test_a_table_that_cannot_be_written_is_named(tmp_path, make_report):
    (tmp_path / "file").touch()
    with pytest.raises(WriteError, match=r"calcifications\.csv"):
        write_tables(make_report(), tmp_path / "file")
