import pytest

from microcalc.errors import ReadError
from microcalc.patches.decisions import read_decisions
from microcalc.patches.patch import Patch

HEADER = "image,x0,y0,size_px,label,decision,at\n"


def write(path, *lines, end="\n"):
    path.write_text(HEADER + "\n".join(lines) + end)
    return path


def test_the_last_decision_about_a_patch_wins(tmp_path):
    lines = (
        "a.png,3,4,64,normal,drop,2026-01-01T10:00:00",
        '"b, c.png",0,0,64,normal,unsure,2026-01-01T10:00:01',
        "a.png,3,4,64,normal,keep,2026-01-01T10:00:02",
    )
    decisions = read_decisions(write(tmp_path / "decisions.csv", *lines))
    assert decisions == {Patch("a.png", 3, 4, 64, "normal", "grid").key: "keep", "b, c.png@0,0,64": "unsure"}


def test_a_line_cut_short_counts_for_nothing(tmp_path):
    path = write(tmp_path / "d.csv", "a.png,3,4,64,normal,keep,x", "b.png,3,4,64,normal,dr", end="")
    assert read_decisions(path) == {"a.png@3,4,64": "keep"}


@pytest.mark.parametrize(
    ("content", "found"),
    [
        ("image,x0,y0,size_px\n", "no column at, decision, label"),
        ("", "no column"),
        (HEADER + "a.png,3,4,64,normal,delete,x\n", "'delete' in line 2"),
        (HEADER + "a.png,3\n", "None in line 2"),
    ],
)
def test_what_is_no_review_is_said(tmp_path, content, found):
    path = tmp_path / "d.csv"
    path.write_text(content)
    with pytest.raises(ReadError, match=rf"d\.csv: expected decisions of a review.*found {found}"):
        read_decisions(path)


def test_a_missing_review_is_named(tmp_path):
    with pytest.raises(ReadError, match=r"gone\.csv: expected decisions of a review.*No such file"):
        read_decisions(tmp_path / "gone.csv")
