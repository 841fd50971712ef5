import hashlib
import json

import pytest

from microcalc.comparison.sources import read_system
from microcalc.errors import ReadError

TABLE = "image,x,y,score\na.png,1,2,0.5\n"


def test_a_system_is_called_after_its_file_unless_it_is_given_a_name(tmp_path):
    path = tmp_path / "theirs.txt"
    path.write_text(TABLE)
    assert read_system(path).name == "theirs"
    assert read_system(path, "ours").name == "ours"
    assert read_system(path).detector is None


def test_the_hash_is_of_the_file_as_it_is(tmp_path):
    path = tmp_path / "marks.csv"
    path.write_bytes(b"\xef\xbb\xbf\r\n" + TABLE.encode())
    assert read_system(path).sha256 == hashlib.sha256(path.read_bytes()).hexdigest()


@pytest.mark.parametrize("content", ["", " \n", "\ufeff\n"])
def test_an_empty_file_is_said_to_be_empty(tmp_path, content):
    path = tmp_path / "nothing.csv"
    path.write_text(content, "utf-8")
    with pytest.raises(ReadError, match=r"nothing\.csv: expected detections: .*, found an empty file"):
        read_system(path)


def test_a_missing_file_is_named(tmp_path):
    with pytest.raises(ReadError, match=r"missing\.csv: .*No such file"):
        read_system(tmp_path / "missing.csv")


@pytest.mark.parametrize("content", ['{"schema": ', '{"a": 1}}', "{" * 100_000, '{"a": "\udcff"}'])
def test_broken_json_is_said_to_be_broken(tmp_path, content):
    path = tmp_path / "broken.json"
    path.write_bytes(content.encode("utf-8", "surrogateescape"))
    with pytest.raises(ReadError, match=r"broken\.json: .*found no JSON"):
        read_system(path)


@pytest.mark.parametrize(
    ("schema", "remedy"),
    [
        ("microcalc.truth/1", "found a truth file of microcalc.truth/1; give it as --truth"),
        ("microcalc.findings/2", "found a file of microcalc.findings/2; give the findings.json"),
        (7, "found a file of 7; give the findings.json"),
    ],
)
def test_a_file_of_another_schema_is_refused(tmp_path, schema, remedy):
    path = tmp_path / "other.json"
    path.write_text(json.dumps({"schema": schema, "root": ".", "images": []}))
    with pytest.raises(ReadError, match=remedy):
        read_system(path)
