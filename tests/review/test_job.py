"""A whole review: from a data set and a protocol to the patches without those dropped."""

import functools
import re
import shutil

import pytest
import typer
from typer.testing import CliRunner

from microcalc.cli.data_review import review
from microcalc.datasets import open_data
from microcalc.errors import UsageError
from microcalc.findings import ImageFindings
from microcalc.patches.job import write_store
from microcalc.patches.protocols import find_protocol
from microcalc.review.job import open_review
from microcalc.review.server import ReviewServer

PROTOCOL = "pesapane112"


@pytest.fixture(scope="module")
def spec(study):
    return f"truth:{study[0]}"


@pytest.fixture(scope="module")
def prepared(spec, tmp_path_factory):
    """(folder, what was told) of a review that was opened once."""
    folder, told = tmp_path_factory.mktemp("prepared") / "review", []
    with open_review(spec, PROTOCOL, folder, on_outcome=lambda outcome, done, total: told.append(outcome)):
        return folder, told


@pytest.fixture
def opened(spec, prepared, tmp_path):
    """Opens a copy of it."""
    shutil.copytree(prepared[0], tmp_path / "review")
    return functools.partial(open_review, spec, PROTOCOL, tmp_path / "review")


def test_it_goes_on_where_it_stopped_and_does_nothing_twice(opened, prepared):
    images = [outcome.path for outcome in prepared[1] if isinstance(outcome, ImageFindings)]
    assert len(images) == len(set(images)) > 1
    told = []
    with opened(on_outcome=lambda outcome, done, total: told.append(outcome)) as session:
        first = session.overview()
        session.decide(2, "drop", "undecided")
    with opened(on_outcome=lambda outcome, done, total: told.append(outcome)) as session:
        assert told == []
        again = session.overview()
        assert (again["labels"], again["scores"]) == (first["labels"], first["scores"])
        assert [number for number, choice in enumerate(session.decisions) if choice != "undecided"] == [2]


def test_the_likely_mislabelled_come_first(opened):
    negative = find_protocol(PROTOCOL).labels[0]
    with opened() as session:
        overview = session.overview()
    falls = [score for label, score in zip(overview["labels"], overview["scores"], strict=True) if label == negative]
    rises = [score for label, score in zip(overview["labels"], overview["scores"], strict=True) if label != negative]
    assert falls == sorted(falls, reverse=True)
    assert rises == sorted(rises)
    assert len(falls) > 1
    assert len(rises) > 1


def test_dropped_patches_are_left_out_and_no_others(opened, spec, tmp_path):
    with opened() as session:
        for number, choice in enumerate(("keep", "drop", "unsure")):
            session.decide(number, choice, "undecided")
        names = [session.patch(number)["image"] for number in range(3)]
    write = functools.partial(write_store, protocol=PROTOCOL, table=open_data(spec))
    every = write(tmp_path / "all").patches
    left = write(tmp_path / "left", review=tmp_path / "review" / "decisions.csv").patches
    (gone,) = set(every) - set(left)
    assert gone.image == names[1]
    assert len(left) == len(every) - 1


def test_interrupted_while_it_prepares(spec, tmp_path):
    opened = functools.partial(open_review, spec, PROTOCOL, tmp_path / "review")

    def interrupt(outcome, done, total):
        if isinstance(outcome, ImageFindings):
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt), opened(on_outcome=interrupt):
        pass
    told = []
    with opened(on_outcome=lambda *outcome: told.append(outcome)) as session:
        # The findings on the first image are there.
        assert told[0][1] == 2
        assert told[-1][1] == told[-1][2]
        assert None not in session.overview()["scores"]


def test_other_patches_in_the_folder(opened):
    with pytest.raises(UsageError, match="seed 0 then, 1 now"), opened(seed=1):
        pass


def test_two_at_a_time(opened):
    with opened(), pytest.raises(UsageError, match="one review in this folder at a time"), opened():
        pass


def test_a_call_that_is_wrong_leaves_nothing_behind(spec, tmp_path):
    with pytest.raises(UsageError, match="expected a protocol"), open_review(spec, "mracko", tmp_path / "review"):
        pass
    assert not (tmp_path / "review").exists()


def test_the_verb(opened, spec, tmp_path, monkeypatch):
    def decide_and_end(server):
        server.session.decide(0, "drop", "undecided")
        raise KeyboardInterrupt

    monkeypatch.setattr(ReviewServer, "serve_forever", decide_and_end)
    app = typer.Typer()
    app.command()(review)
    out = tmp_path / "review"
    call = [spec, "--protocol", PROTOCOL, "--out", str(out), "--no-browser", "--jobs", "1"]
    result = CliRunner().invoke(app, call)
    assert result.exit_code == 0
    lines = result.stdout.splitlines()
    assert re.fullmatch(r"Review: http://127\.0\.0\.1:\d+/[\w-]{32}/", lines[0])
    assert re.fullmatch(r"\d+ patches: 0 keep, 1 drop, 0 unsure, \d+ undecided\.", lines[2])
    assert lines[3].endswith(
        f"data patches {spec} --protocol {PROTOCOL} --seed 0 --review {out}/decisions.csv --out DIR"
    )
