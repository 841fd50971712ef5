"""decisions.csv: nothing that was confirmed is ever lost, whatever happens to the process or the disk."""

import os
import re
import subprocess
import sys

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from microcalc.errors import ReadError, UsageError, WriteError
from microcalc.patches.decisions import read_decisions
from microcalc.patches.patch import Patch
from microcalc.review.ledger import Ledger

HEADER = "image,x0,y0,size_px,label,decision,at\n"


def patch(image="a.dcm", x0=5, y0=7):
    return Patch(image=image, x0=x0, y0=y0, size_px=96, label="no cluster", origin="healthy")


@pytest.fixture
def path(tmp_path):
    return tmp_path / "review" / "decisions.csv"


def decide(path, *decisions):
    with Ledger(path) as ledger:
        for one, choice in decisions:
            ledger.add(one, choice)


def test_a_line_a_decision(path):
    decide(path, (patch(), "keep"), (patch("b, c.dcm"), "drop"))
    lines = path.read_text().splitlines(keepends=True)
    assert lines[0] == HEADER
    time = r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\+00:00\n"
    assert re.fullmatch("a.dcm,5,7,96,no cluster,keep," + time, lines[1])
    assert re.fullmatch('"b, c.dcm",5,7,96,no cluster,drop,' + time, lines[2])


def test_it_is_on_the_disk_before_the_call_returns(path, monkeypatch):
    """What fsync has been called on holds the line already."""
    synced = []
    monkeypatch.setattr(os, "fsync", lambda _: synced.append(path.read_bytes()))
    with Ledger(path) as ledger:
        ledger.add(patch(), "keep")
        assert b",keep," in synced[-1]


def test_an_earlier_review_goes_on(path):
    decide(path, (patch(), "keep"), (patch(x0=6), "drop"))
    decide(path, (patch(), "unsure"))
    with Ledger(path) as ledger:
        assert ledger.decided == {"a.dcm@5,7,96": "unsure", "a.dcm@6,7,96": "drop"}
    assert path.read_text().count("\n") == 4


def test_taken_back(path):
    decide(path, (patch(), "drop"), (patch(x0=6), "drop"), (patch(), "undecided"))
    assert read_decisions(path) == {"a.dcm@6,7,96": "drop"}


def test_a_second_one_is_refused_while_the_first_is_open(path):
    with Ledger(path), pytest.raises(UsageError, match="another one that is still running"):
        Ledger(path)
    with Ledger(path):
        pass


def test_a_process_that_is_killed_loses_nothing_and_leaves_no_lock(path):
    program = """if True:
        import sys, pathlib
        from microcalc.patches.patch import Patch
        from microcalc.review.ledger import Ledger
        ledger = Ledger(pathlib.Path(sys.argv[1]))
        ledger.add(Patch("a.dcm", 5, 7, 96, "no cluster", "healthy"), "drop")
        print("written", flush=True)
        sys.stdin.read()
    """
    pipes = {"stdin": subprocess.PIPE, "stdout": subprocess.PIPE}
    with subprocess.Popen([sys.executable, "-c", program, str(path)], **pipes) as other:
        assert other.stdout.readline() == b"written\n"
        with pytest.raises(UsageError, match="another one that is still running"):
            Ledger(path)
        other.kill()
    with Ledger(path) as ledger:
        assert ledger.decided == {patch().key: "drop"}


@pytest.mark.parametrize("content", ["x,y\n1,2\n", "no line end", HEADER + "a.dcm,5,7,96,no cluster,perhaps,now\n"])
def test_another_file_is_refused_and_left_as_it_is(path, content):
    path.parent.mkdir()
    path.write_text(content)
    with pytest.raises(ReadError):
        Ledger(path)
    assert path.read_text() == content


def test_what_does_not_fit_on_the_disk_leaves_no_half_line(path, monkeypatch):
    with Ledger(path) as ledger:
        ledger.add(patch(), "keep")
        before = path.read_bytes()
        with monkeypatch.context() as broken:
            broken.setattr(os, "fsync", raise_full)
            with pytest.raises(WriteError, match="No space left on device"):
                ledger.add(patch(), "drop")
        assert path.read_bytes() == before
        ledger.add(patch(), "unsure")
        assert read_decisions(path) == {patch().key: "unsure"}


def raise_full(_):
    raise OSError(28, "No space left on device")


PATCHES = st.builds(
    patch, st.text(st.characters(codec="utf-8", exclude_categories=["Cc"]), min_size=1), st.integers(0, 9)
)
DECISIONS = st.lists(st.tuples(PATCHES, st.sampled_from(["keep", "drop", "unsure", "undecided"])), max_size=8)


@settings(max_examples=50, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(before=DECISIONS, after=DECISIONS, cut=st.integers(0, 2000))
def test_cut_anywhere_it_keeps_every_whole_line(path, before, after, cut):
    """A crash leaves the file with any number of its bytes; what was whole counts, and what comes next is added."""
    path.unlink(missing_ok=True)
    decide(path, *before)
    content = path.read_bytes()[:cut]
    path.write_bytes(content)
    whole = max(content.count(b"\n") - 1, 0)  # the first line is the header
    decide(path, *after)
    wanted = {one.key: choice for one, choice in [*before[:whole], *after]}
    assert read_decisions(path) == {key: choice for key, choice in wanted.items() if choice != "undecided"}
    assert path.read_bytes().count(b"\n") == 1 + whole + len(after)
