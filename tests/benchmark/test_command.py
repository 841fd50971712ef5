"""``microcalc benchmark`` as a user calls it."""

import shutil

import pytest
import typer
from typer.testing import CliRunner

from microcalc.cli.benchmarking import benchmark
from microcalc.errors import UsageError

app = typer.Typer()
app.command()(benchmark)


@pytest.fixture(autouse=True)
def here(monkeypatch):
    """The work is done in this process: starting others takes longer than the work."""
    monkeypatch.setattr("microcalc.parallel.process_pool", lambda jobs: None)


def call(*arguments):
    return CliRunner().invoke(app, [*map(str, arguments), "--jobs", "1", "--draws", "100"])


def test_proposers(data, tmp_path):
    result = call("--data", f"truth:{data}", "--out", tmp_path, "--proposers", "hdog,hdog:condition=roundness")
    assert result.exit_code == 0, result.output
    assert "hdog:condition=roundness: recall 1.000" in result.output
    assert f"Report: {tmp_path / 'benchmark.html'}" in result.output


def test_some_images_failed(data, tmp_path):
    shutil.copytree(data, tmp_path / "data")
    (tmp_path / "data" / "q_L.png").write_bytes(b"no picture")
    result = call("--data", f"truth:{tmp_path / 'data'}", "--out", tmp_path / "out", "--detectors", "hdog")
    assert result.exit_code == 1
    assert "hdog: AUC50 " in result.output
    assert "q_L.png: FAILED: " in result.output


def test_a_wrong_call(data, tmp_path):
    with pytest.raises(UsageError, match="canny"):
        raise call("--data", f"truth:{data}", "--out", tmp_path, "--proposers", "canny").exception
