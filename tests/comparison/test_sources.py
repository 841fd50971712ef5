"""The truth and the systems of an evaluation, from files."""

import hashlib
import json

import pytest

from microcalc.comparison.sources import read_systems, read_truth
from microcalc.errors import ReadError, UsageError


def write(folder, **fields):
    path = folder / "truth.json"
    content = {"schema": "microcalc.truth/1", "root": ".", "images": [{"path": "a.png", "normal": True}]} | fields
    path.write_text(json.dumps(content))
    return path


class TestTruth:
    def test_it_is_read_with_its_hash(self, tmp_path):
        path = write(tmp_path)
        path.write_bytes(b"\xef\xbb\xbf" + path.read_bytes())  # as a spreadsheet or an editor may save it
        truth = read_truth(path, None)
        assert truth.chosen[0].path == "a.png"
        assert truth.sha256 == hashlib.sha256(path.read_bytes()).hexdigest()

    @pytest.mark.parametrize("schema", ["microcalc.findings/1", None])
    def test_another_file_is_told_from_it(self, tmp_path, schema):
        found = "a file of another kind" if schema is None else r"a file of microcalc\.findings/1"
        with pytest.raises(ReadError, match=f"expected truth .*found {found}; give .* detections as --findings"):
            read_truth(write(tmp_path, schema=schema), None)

    def test_a_damaged_one_says_where(self, tmp_path):
        with pytest.raises(ReadError, match=r"images\.0\.rows"):
            read_truth(write(tmp_path, images=[{"path": "a.png", "rows": 0}]), None)

    def test_a_missing_one_is_named(self, tmp_path):
        with pytest.raises(ReadError, match=r"none\.json: expected truth \(microcalc\.truth/1\), found No such file"):
            read_truth(tmp_path / "none.json", None)

    def test_the_root_is_known_where_any_of_its_images_is_there(self, tmp_path):
        images = [{"path": "gone.png"}, {"path": "in\\there.png"}]
        assert read_truth(write(tmp_path, images=images), None).root is None
        (tmp_path / "in").mkdir()
        (tmp_path / "in" / "there.png").touch()
        assert read_truth(write(tmp_path, images=images), None).root == tmp_path


class TestNames:
    @pytest.fixture
    def table(self, tmp_path):
        def make(name):
            path = tmp_path / name
            path.write_text("image,x,y,score\na.png,1,1,0.5\n")
            return path

        return make

    def test_those_told_apart_by_their_files(self, table):
        systems = read_systems([f"a={table('a.csv')}", f"{table('b.csv')}", f"b={table('a.csv')}"], None)
        assert [system.name for system in systems] == ["a", "b (b)", "b"]

    def test_a_name_given_twice_or_come_by_in_turn_is_refused(self, table):
        for files in (["m=a.csv", "m=b.csv"], ["a (a)=z.csv", "a.csv", "a=b.csv"]):
            named = [text.replace(text.rpartition("=")[2], str(table(text.rpartition("=")[2]))) for text in files]
            with pytest.raises(UsageError, match=r"more than once; name them"):
                read_systems(named, None)

    def test_an_empty_name_is_refused(self, table):
        with pytest.raises(UsageError, match="name the system"):
            read_systems([f"={table('a.csv')}"], None)
