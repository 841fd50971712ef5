import pytest

from microcalc.datasets.folders import check_root, left_out, missing_files, posix_path
from microcalc.errors import ReadError


def is_root(folder):
    return (folder / "table.csv").is_file()


def check(folder):
    check_root(folder, "the set", "table.csv", is_root)


@pytest.fixture
def download(tmp_path):
    """A folder ``a/b/c`` of which ``b`` is the root."""
    (tmp_path / "a" / "b" / "c").mkdir(parents=True)
    (tmp_path / "a" / "b" / "table.csv").touch()
    return tmp_path / "a"


def test_the_root_itself_passes(download):
    check(download / "b")


@pytest.mark.parametrize("given", [".", "..", "b/c"])
def test_the_folder_that_was_meant_is_named(download, given):
    with pytest.raises(ReadError) as error:
        check((download / given).resolve())
    assert error.value.do == f"name {(download / 'b').resolve()}"
    assert error.value.expected == "the root of the set, with table.csv"


def test_a_folder_that_may_not_be_opened_is_not_the_one_meant(download):
    closed = download / "b" / "a closed one"
    closed.mkdir()

    def root_or_closed(folder):
        if folder in (closed, download / "b" / "c"):
            raise PermissionError
        return is_root(folder)

    for given in (closed, download / "b" / "c"):  # the folder given, and one beside the one meant
        with pytest.raises(ReadError) as error:
            check_root(given, "the set", "table.csv", root_or_closed)
        assert error.value.do == f"name {download / 'b'}"


def test_an_archive_that_was_left_unpacked_is_named(tmp_path):
    (tmp_path / "set.zip").touch()
    with pytest.raises(ReadError, match=r"found the archive set\.zip; unpack it first"):
        check(tmp_path)
    with pytest.raises(ReadError, match="found a file; unpack it, and name its folder"):
        check(tmp_path / "set.zip")


def test_nothing_of_the_kind(tmp_path):
    with pytest.raises(ReadError, match="found nothing of it; check the path"):
        check(tmp_path)
    with pytest.raises(ReadError, match="found no such folder; check the path"):
        check(tmp_path / "none")


def test_missing_files_are_named_or_counted(tmp_path):
    assert missing_files([], 3, tmp_path) == ()
    assert [problem.path for problem in missing_files(["a", "b"], 3, tmp_path)] == ["a", "b"]
    (one,) = missing_files([f"{number}.png" for number in range(21)], 30, tmp_path)
    assert (one.path, one.expected) == (".", "30 images")
    assert one.found == "9; 21 are missing, such as 0.png"
    with pytest.raises(ReadError, match="expected the 2 images that the data set names, found none of them, such as a"):
        missing_files(["a", "b"], 2, tmp_path)


def test_an_image_left_out_for_an_error_is_wrong_whatever_the_error_is_about(tmp_path):
    """Not left out on purpose: a set is not sound for that."""
    about = {"expected": "a number", "found": "'x'", "do": "mend it"}
    assert left_out("a.png", ReadError(**about)).kind == "contradiction"
    assert left_out("a.png", ReadError(**about, where=tmp_path / "a.png")).kind == "unreadable"


@pytest.mark.parametrize(
    ("path", "compared_as"),
    [
        ("exam/a.png", "exam/a.png"),
        ("./exam//./a.png", "exam/a.png"),
        ("exam\\L CC\\a.png", "exam/L CC/a.png"),
        (".\\a.png", "a.png"),
        ("Exam/A.PNG", "Exam/A.PNG"),
    ],
)
def test_paths_compare_as_posix_with_their_case(path, compared_as):
    assert posix_path(path) == compared_as
