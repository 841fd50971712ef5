import csv
import io

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from microcalc.comparison.sources import read_system
from microcalc.errors import ReadError
from microcalc.findings import Calcification, DetectorInfo, ImageFindings, Report, RunInfo
from microcalc.output import write_tables


@pytest.fixture
def read(tmp_path):
    """Reads what a file of this content says, image by image."""

    def read(content):
        path = tmp_path / "marks.csv"
        path.write_bytes(content.encode() if isinstance(content, str) else content)
        return read_system(path).images

    return read


def test_rows_are_gathered_by_image(read):
    images = read("image,x,y,score\nb.png,1,2,0.5\na.png,3,4,0.25\n./b.png,5,6,1\n")
    assert [image.path for image in images] == ["b.png", "a.png"]
    np.testing.assert_array_equal(images[0].marks.xy, [[1, 2], [5, 6]])
    np.testing.assert_array_equal(images[0].marks.scores, [0.5, 1])
    assert np.isnan(images[0].marks.boxes).all()
    assert np.isnan(images[0].marks.malignancy).all()
    assert (images[0].clusters, images[0].diameter_mm, images[0].shape) == (None, None, None)


@pytest.mark.parametrize("delimiter", [",", ";", "\t"])
@pytest.mark.parametrize("mark", [b"", b"\xef\xbb\xbf"])
@pytest.mark.parametrize("end", ["\n", "\r\n"])
def test_delimiter_byte_order_mark_and_line_ends_do_not_matter(read, delimiter, mark, end):
    rows = ["Image, X ,y,score", "ä b.png, 1 ,2e0,.5", ""]
    (image,) = read(mark + end.join(rows).replace(",", delimiter).encode())
    assert (image.path, image.marks.xy.tolist(), image.marks.scores.tolist()) == ("ä b.png", [[1, 2]], [0.5])


def test_a_row_with_an_image_alone_says_that_nothing_was_found(read):
    images = read("image,x,y,score\na.png,,,\nb.png,1,2,0.5\n")
    assert [(image.path, len(image.marks)) for image in images] == [("a.png", 0), ("b.png", 1)]


@pytest.mark.parametrize(
    ("columns", "cells"),
    [
        ("x0,y0,x1,y1", "2.5,0.5,4.5,1.5"),  # without x and y, their middle
        ("x,y,x0,y0,x1,y1", "3.5,1,2.5,0.5,4.5,1.5"),
        ("x,y,width,height", "3.5,1,2,1"),
    ],
)
def test_boxes_lie_on_outer_pixel_edges(read, columns, cells):
    """The pixels x = 3, 4 of the row y = 1: two wide, one high, around (3.5, 1)."""
    (image,) = read(f"image,score,{columns}\na.png,0.5,{cells}\n")
    assert image.marks.xy.tolist() == [[3.5, 1]]
    assert image.marks.boxes.tolist() == [[2.5, 0.5, 4.5, 1.5]]


def test_what_some_rows_leave_empty_is_unknown_there(read):
    (image,) = read(
        "image,x,y,score,width,height,diameter_mm,malignancy\na,1,2,0.5,2,2,,0.3\na,3,4,0.5,,,0.4,\na,0,0,1,,,0,\n"
    )
    np.testing.assert_array_equal(image.marks.boxes, [[0, 1, 2, 3], [np.nan] * 4, [np.nan] * 4])
    np.testing.assert_array_equal(image.marks.malignancy, [0.3, np.nan, np.nan])
    np.testing.assert_array_equal(image.diameter_mm, [np.nan, 0.4, np.nan])


@pytest.mark.parametrize("path", ["exam/a.dcm", "=1+1.png", "-L CC.png", "'quoted'.png", 'a,"b"\n.png'])
def test_the_table_that_detect_writes_reads_as_its_findings(tmp_path, path):
    """Positions to 0.1 px, scores to 4 decimals, as the table states them."""
    marks = tuple(
        Calcification(x=10.04 * n, y=7.06 * n, diameter_mm=0.2, score=0.9 - n / 7, malignancy=0.25) for n in range(3)
    )
    image = ImageFindings(
        path=path,
        sop_instance_uid="1.2.3",
        rows=200,
        columns=100,
        spacing_mm=(0.1, 0.1),
        spacing_source="header",
        seconds=0,
        calcifications=marks,
    )
    info = DetectorInfo(name="a", version="1", operating_point="b", threshold=0.5, score_floor=0.1, calibrated=False)
    run = RunInfo(microcalc="0", device="cpu", started="now", seconds=0)
    write_tables(Report(root=".", detector=info, run=run, images=(image,)), tmp_path)
    (read,) = read_system(tmp_path / "calcifications.csv").images
    assert (read.path, read.sop_instance_uid) == (path, "1.2.3")
    np.testing.assert_allclose(read.marks.xy, [(mark.x, mark.y) for mark in marks], atol=0.0501)
    np.testing.assert_allclose(read.marks.scores, [mark.score for mark in marks], atol=5.01e-5)
    np.testing.assert_array_equal(read.marks.malignancy, [0.25] * 3)
    np.testing.assert_array_equal(read.diameter_mm, [0.2] * 3)


@pytest.mark.parametrize(
    ("header", "what"),
    [
        ("image,x,score", "no y;"),
        ("image,x0,y0,x1,score", "no y1;"),
        ("image,x,y,score,width", "no height;"),
        ("image,x,y,score,Score", "score twice;"),
    ],
)
def test_a_header_that_lacks_a_column_is_refused(read, header, what):
    with pytest.raises(ReadError, match=rf"marks\.csv: expected a first row .*found {what} name the columns"):
        read(f"{header}\na.png,1,2,3,4\n")


@pytest.mark.parametrize(
    ("row", "what"),
    [
        ("a,1,2,1.5,,,", r"a score in 0\.\.1, found 1\.5 in row 4; .*sigmoid, leaves the FROC"),
        ("a,1,2,-0.1,,,", r"a score in 0\.\.1, found -0\.1 in row 4"),
        ("a,nan,2,0.5,,,", "a number as x, found 'nan' in row 4"),
        ("a,1,-inf,0.5,,,", "a number as y, found '-inf' in row 4"),
        ("a,1_00,2,0.5,,,", "a number as x, found '1_00' in row 4"),
        ("a,1,2,high,,,", "a number as score, found 'high' in row 4"),
        ("a,1,2,,,,", "all of x, y and score, or none, found only some in row 4"),
        ("a,,,0.5,,,", "all of x, y and score, or none, found only some in row 4"),
        ("a,1,,0.5,,,", "all of x, y, or none, found only some in row 4"),
        ("a,1,2,0.5,3,,", "all of width, height, or none"),
        ("a,1,2,0.5,3,-1,", "a height of 0 or more, found -1 in row 4"),
        ("a,1,2,0.5,,,2", r"a malignancy in 0\.\.1, found 2 in row 4"),
        (",1,2,0.5,,,", "an image in every row, found none in row 4"),
        ("a,1,2,0.5", "7 cells, as in the header, found 4 in row 4"),
        ("a,1,2,0.5,,,,", "7 cells, as in the header, found 8 in row 4"),
        ("b,,,,,,", "nothing was found, found an image with detections in row 4"),
    ],
)
def test_a_row_that_makes_no_sense_is_named_as_a_spreadsheet_counts(read, row, what):
    with pytest.raises(ReadError, match=what):
        read(f"image,x,y,score,width,height,malignancy\nb,1,2,0.5,,,\n\n{row}\n")


def test_further_bad_rows_are_counted(read):
    with pytest.raises(ReadError, match=r"found 7 in row 2 \(2 such\)"):
        read("image,x,y,score\na,1,2,7\na,1,2,0.5\na,1,2,8\n")


def test_a_box_with_its_edges_exchanged_is_refused(read):
    with pytest.raises(ReadError, match="x0 <= x1 and y0 <= y1, found 5, 1, 2, 3 in row 2"):
        read("image,score,x0,y0,x1,y1\na,0.5,5,1,2,3\n")


@pytest.mark.parametrize("x", [1.4, 5.6])
def test_a_centre_outside_its_box_is_refused(read, x):
    """The box reaches from 2 to 5; half a pixel is given for rounding."""
    table = "image,score,x,y,x0,y0,x1,y1\na,0.5,{:g},2,2,1,5,3\n"
    assert read(table.format(1.5))[0].marks.xy.tolist() == [[1.5, 2]]
    with pytest.raises(ReadError, match=rf"x, y inside the box x0, y0, x1, y1, found x = {x:g}, y = 2 in row 2"):
        read(table.format(x))


@pytest.mark.parametrize("content", ["3", "a.png,1,2,0.5\n"])
def test_what_is_no_table_of_detections_is_told_what_would_be(read, content):
    with pytest.raises(ReadError, match=r"expected detections: findings\.json, COCO results, or CSV .* none of these"):
        read(content)


def test_a_negative_diameter_is_refused(read):
    with pytest.raises(ReadError, match="a diameter_mm of 0 or more, found -1 in row 2"):
        read("image,score,x,y,diameter_mm\na,0.5,5,1,-1\n")


def test_an_image_has_one_uid(read):
    (image,) = read("image,sop_instance_uid,x,y,score\na,1.2,1,2,0.5\na,1.2,3,4,0.5\n")
    assert image.sop_instance_uid == "1.2"
    with pytest.raises(ReadError, match=r"one SOPInstanceUID .* found another one than in its first row in row 3"):
        read("image,sop_instance_uid,x,y,score\na,1.2,1,2,0.5\na,1.3,3,4,0.5\n")


def test_a_uid_of_two_images_is_refused(read):
    with pytest.raises(ReadError, match="each image once, by its SOPInstanceUID"):
        read("image,sop_instance_uid,x,y,score\na,1.2,1,2,0.5\nb,1.2,3,4,0.5\n")


@pytest.mark.parametrize("content", ["image,x,y,score\nÄ,1,2,0.5".encode("latin-1"), "image,x".encode("utf-16")])
def test_another_encoding_is_refused(read, content):
    with pytest.raises(ReadError, match=r"expected a CSV table in UTF-8, .* save it as CSV UTF-8"):
        read(content)


def test_broken_quotes_are_refused(read):
    with pytest.raises(ReadError, match="mend its quotes"):
        read('image,x,y,score\n"a"b,1,2,0.5\n')


def test_a_header_alone_names_no_image(read):
    assert read("image,x,y,score\n") == ()


numbers = st.floats(-1e4, 1e4, allow_nan=False)
rows = st.lists(st.tuples(st.sampled_from("abc"), numbers, numbers, st.floats(0, 1)), max_size=12)


@settings(max_examples=50, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(rows=rows, delimiter=st.sampled_from(",;\t"))
def test_every_row_comes_back_on_its_image_in_its_order(read, rows, delimiter):
    table = io.StringIO(newline="")
    csv.writer(table, delimiter=delimiter).writerows([("image", "x", "y", "score"), *rows])
    images = {image.path: image.marks for image in read(table.getvalue())}
    assert set(images) == {row[0] for row in rows}
    for path, marks in images.items():
        assert np.column_stack([marks.xy, marks.scores]).tolist() == [list(row[1:]) for row in rows if row[0] == path]
