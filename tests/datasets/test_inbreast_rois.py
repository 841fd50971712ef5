"""INbreast's lists of regions, as found and as damaged."""

import plistlib

import numpy as np
import pytest

from microcalc.datasets.inbreast_rois import read_muscle, read_rois
from microcalc.errors import ReadError

#: With a key order and blanks as a public reader expects them.
LIST = """<?xml version="1.0" encoding="UTF-8"?>
<!DOCTYPE plist PUBLIC "-//Apple//DTD PLIST 1.0//EN" "http://www.apple.com/DTDs/PropertyList-1.0.dtd">
<plist version="1.0"><dict><key>Images</key><array><dict>
 <key>ImageIndex</key><integer>0</integer>
 <key>NumberOfROIs</key><integer>3</integer>
 <key>ROIs</key><array><dict>
  <key>Name</key><string>Calcification</string>
  <key>NumberOfPoints</key><integer>1</integer>
  <key>Point_px</key><array><string>(1000.5, 2000.25)</string></array>
  <key>Type</key><integer>19</integer>
 </dict><dict>
  <key>Name</key><string>Spiculated  Region</string>
  <key>NumberOfPoints</key><integer>4</integer>
  <key>Point_px</key><array><string>(10, 20)</string><string>( 30.0 ,20.0 )</string><string>(1e1, 40)</string></array>
 </dict></array></dict></array></dict></plist>
"""


def save(path, **content):
    path.write_bytes(plistlib.dumps(content))
    return path


def rois(*points, **stated):
    """The content of a list of one region."""
    return [{"ROIs": [{"Name": "Pectoral Muscle", "Point_px": list(points)} | stated]}]


def test_places_count_from_the_corner_of_the_image(tmp_path):
    (tmp_path / "a.xml").write_text(LIST)
    listed = read_rois(tmp_path / "a.xml")
    assert [roi.name for roi in listed.rois] == ["calcification", "spiculated region"]
    # Pixel (1000, 2000) reaches from (1000, 2000) to (1001, 2001) there, from (999.5, 1999.5) here.
    assert listed.rois[0].points.tolist() == [[1000.0, 1999.75]]
    assert listed.rois[1].points.tolist() == [[9.5, 19.5], [29.5, 19.5], [9.5, 39.5]]


def test_counts_that_disagree_are_told(tmp_path):
    (tmp_path / "a.xml").write_text(LIST)
    assert read_rois(tmp_path / "a.xml").disagreements == (
        "3 regions stated, 2 listed",
        "region 2: 4 points stated, 3 listed",
    )


def test_a_region_without_name_or_points(tmp_path):
    path = save(tmp_path / "a.xml", Images=[{"ROIs": [{"Point_px": ["(1, 2)"]}, {"Name": "Mass", "Point_px": []}]}])
    assert [(roi.name, roi.points.tolist()) for roi in read_rois(path).rois] == [("", [[0.5, 1.5]])]


@pytest.mark.parametrize(
    ("content", "found"),
    [
        (b"", "something else"),
        (LIST.encode()[:700], "something else"),
        (plistlib.dumps({"Images": []}), "IndexError"),
        (plistlib.dumps({"Images": [{"ROIs": [{"Name": "Mass"}]}]}), "KeyError: 'Point_px'"),
        (plistlib.dumps({"Images": rois("(1; 2)")}), r"a point '\(1; 2\)'"),
        (plistlib.dumps(["Images"]), "TypeError"),
    ],
    ids=["empty", "cut short", "no image", "no points", "no point", "no dictionary"],
)
def test_damaged_lists_are_refused(tmp_path, content, found):
    path = tmp_path / "a.xml"
    path.write_bytes(content)
    with pytest.raises(ReadError, match=found) as error:
        read_rois(path)
    assert str(error.value).startswith(f"{path}: expected a property list")


def test_a_missing_list_is_named(tmp_path):
    with pytest.raises(ReadError, match="No such file"):
        read_rois(tmp_path / "a.xml")


EDGE = [[-0.5, 9.5], [19.5, -0.5]]


@pytest.mark.parametrize(
    "content",
    [
        {"Images": rois("(0.0, 10.0)", "(20.0, 0.0)")},
        {"DataSummary": ["something"], "ROIPoints": ["{0, 10}", "{20, 0}"]},
    ],
    ids=["as regions", "as points of their own"],
)
def test_the_edge_of_the_muscle_in_both_forms(tmp_path, content):
    assert read_muscle(save(tmp_path / "a_muscle.xml", **content)).tolist() == EDGE


@pytest.mark.parametrize("content", [{"ROIPoints": ["{1, 2}"]}, {"Images": [{"ROIs": []}]}, {"Images": []}])
def test_a_muscle_without_an_edge_is_refused(tmp_path, content):
    with pytest.raises(ReadError, match="expected a property list"):
        read_muscle(save(tmp_path / "a_muscle.xml", **content))


def test_negative_places_are_read(tmp_path):
    path = save(tmp_path / "a_muscle.xml", ROIPoints=["{-3.5, 10}", "{20, -1}"])
    assert np.array_equal(read_muscle(path), [[-4.0, 9.5], [19.5, -1.5]])
