import datetime

import openpyxl
import pytest

from microcalc.datasets.rows import read_rows, read_sheet
from microcalc.errors import ReadError


@pytest.fixture
def table(tmp_path):
    def write(content):
        path = tmp_path / "table.csv"
        path.write_bytes(content)
        return path

    return write


@pytest.mark.parametrize(
    "content",
    [
        pytest.param(b"file name,side\na.png,L\nb.png,R\n", id="plain"),
        pytest.param(b"\xef\xbb\xbffile name,side\r\na.png,L\r\nb.png,R", id="byte order mark, CRLF, no last line end"),
        pytest.param(b"file name,side\r\na.png,L\nb.png,R\r\n", id="two kinds of line ends"),
        pytest.param(b'file name,side\n"a.png\n",L\n"b.png\r\n",R\n', id="line breaks within quotes"),
        pytest.param(b" File  Name ; SIDE\na.png; L\nb.png ;R\n", id="semicolons and spaces"),
        pytest.param(b'file name\tside\na.png\tL\n\n\t\n"b.png"\tR\n', id="tabs and empty lines"),
        pytest.param(b'file name, side\na.png, "L"\nb.png,R\n', id="quotes behind a space"),
    ],
)
def test_every_dialect_gives_the_same_rows(table, content):
    assert read_rows(table(content), ("file name", "side")) == [
        {"file name": "a.png", "side": "L"},
        {"file name": "b.png", "side": "R"},
    ]


def test_short_lines_are_filled_and_long_ones_cut(table):
    assert read_rows(table(b"a,b,c\n1\n1,2,3,4\n"), ("a",)) == [
        {"a": "1", "b": "", "c": ""},
        {"a": "1", "b": "2", "c": "3"},
    ]


def test_latin_1_is_read_where_it_is_no_utf_8(table):
    assert read_rows(table("nome;massa\nx;ausência\n".encode("latin-1")), ("nome",)) == [
        {"nome": "x", "massa": "ausência"}
    ]


def test_the_delimiter_is_the_one_that_makes_out_the_columns(table):
    """Commas are more frequent, but the columns asked for come with semicolons."""
    rows = read_rows(table(b"note, long, and longer;side\nx, y, z;L\n"), ("side",))
    assert rows == [{"note, long, and longer": "x, y, z", "side": "L"}]
    assert read_rows(table(b"a;b,c\n1;2,3\n"), (), delimiter=";") == [{"a": "1", "b,c": "2,3"}]


def test_a_missing_column_is_named_with_those_there(table):
    path = table(b"file name,view\na.png,CC\n")
    with pytest.raises(ReadError, match=r"table\.csv: expected the columns .*found no side among file name, view"):
        read_rows(path, ("file name", "side"))
    with pytest.raises(ReadError, match="found no side among none"):
        read_rows(table(b""), ("side",))


def test_what_is_no_text(table):
    """An archive, or a text of 16 bits a letter: nothing of it is quoted, which a terminal might obey."""
    for content in (b"PK\x03\x04\x14\0\0\x1b[31m", "file name,view\n".encode("utf-16")):
        with pytest.raises(ReadError, match=r"expected a CSV file in UTF-8, found no plain text"):
            read_rows(table(content), ("file name",))


def test_a_missing_file(tmp_path):
    with pytest.raises(ReadError, match="download is complete"):
        read_rows(tmp_path / "no.csv", ())


@pytest.fixture
def book(tmp_path):
    path = tmp_path / "book.xlsx"
    made = openpyxl.Workbook()
    made.active.title = "Normal"
    made.active.append(["A title"])
    made.active.append([])
    made.active.append(["Folder # ", "When", "Share", "Note"])
    made.active.append([20586908.0, datetime.datetime(2009, 1, 2), 0.5, None])
    made.active.append([None, None, None, None])
    made.create_sheet("Suspicious").append(["Folder #", "When"])
    made.save(path)
    return path


def test_a_sheet_has_rows_of_text(book):
    row = {"folder #": "20586908", "when": "2009-01-02T00:00:00", "share": "0.5", "note": ""}
    assert read_sheet(book, ("folder #",), skip=2) == [row]
    assert read_sheet(book, ("folder #", "when"), sheet="Normal") == [row]
    assert read_sheet(book, ("when",), sheet="Suspicious") == []


def test_a_missing_sheet_or_column_is_named_with_those_there(book):
    with pytest.raises(ReadError, match="the sheet all, found the sheets Normal, Suspicious"):
        read_sheet(book, (), sheet="all")
    with pytest.raises(ReadError, match="no density among folder #, when"):
        read_sheet(book, ("density",), sheet="Suspicious")


@pytest.mark.parametrize("content", [b"PK\x03\x04 cut short", b"\xd0\xcf\x11\xe0 cut short", b"plain text", b""])
def test_what_is_no_workbook(tmp_path, content):
    (tmp_path / "book.xls").write_bytes(content)
    with pytest.raises(ReadError, match=r"book\.xls: expected an Excel workbook"):
        read_sheet(tmp_path / "book.xls", ())
