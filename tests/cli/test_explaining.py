"""``microcalc explain``, as a user calls it."""

import pytest
import typer
from typer.testing import CliRunner

from microcalc.cli.explaining import explain
from microcalc.errors import UsageError

APP = typer.Typer()
APP.command()(explain)


def call(*arguments):
    return CliRunner().invoke(APP, [str(argument) for argument in arguments], catch_exceptions=True)


@pytest.mark.parametrize("text", ["84", "84,206,1", "a,b", "84;206"])
def test_a_spot_is_two_numbers(tmp_path, text):
    done = call(tmp_path / "a.png", "--at", text, "--out", tmp_path / "out")
    assert isinstance(done.exception, UsageError)
    assert "expected a spot as X,Y" in str(done.exception)


def test_a_method_is_one_of_two(tmp_path):
    done = call(tmp_path / "a.png", "--at", "1,2", "--out", tmp_path / "out", "--method", "lime")
    assert isinstance(done.exception, UsageError)
    assert "expected a method: gradcam, gradcam++" in str(done.exception)


@pytest.mark.parametrize(
    ("options", "found"),
    [
        ((), "neither"),
        (("--at", "1,2", "--heatmap"), "--at and --heatmap"),
        (("--at", "1,2", "--stride", "8"), "--at and --stride"),
    ],
)
def test_a_spot_or_a_heatmap(tmp_path, options, found):
    done = call(tmp_path / "a.png", "--out", tmp_path / "out", *options)
    assert isinstance(done.exception, UsageError)
    assert f"expected either a spot, --at X,Y, or --heatmap, which alone may have a --stride, found {found};" in str(
        done.exception
    )
