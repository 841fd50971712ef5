"""``microcalc benchmark`` as a user calls it."""

import shutil
from types import SimpleNamespace

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
    """And a detector without a network runs as it is, whatever networks are to be computed in."""
    shutil.copytree(data, tmp_path / "data")
    (tmp_path / "data" / "q_L.png").write_bytes(b"no picture")
    result = call(
        "--data", f"truth:{tmp_path / 'data'}", "--out", tmp_path / "out", "--detectors", "hdog", "--precision", "bf16"
    )
    assert result.exit_code == 1
    assert "hdog: AUC50 " in result.output
    assert "q_L.png: FAILED: " in result.output


def test_a_wrong_call(data, tmp_path):
    with pytest.raises(UsageError, match="canny"):
        raise call("--data", f"truth:{data}", "--out", tmp_path, "--proposers", "canny").exception


class TestPackages:
    """Networks on patches."""

    def call(self, *arguments):
        return CliRunner().invoke(app, [*map(str, arguments)])

    def test_the_numbers_are_told(self, patch_toys, tmp_path, monkeypatch):
        from microcalc.benchmark import patch_job  # torch: the other tests go without

        patch_toys.write_store(tmp_path / "store")
        recipe = patch_toys.recipe()
        training = SimpleNamespace(data="toys", epochs=1, patches=6, seconds=1.0)
        card = SimpleNamespace(name="toy", version="1", kind=recipe.kind, recipe=recipe.as_written(), training=training)
        monkeypatch.setattr(patch_job, "load_package", lambda path: SimpleNamespace(card=card, sha256="0" * 64))
        monkeypatch.setattr(patch_job, "open_network", lambda *_: patch_toys.network())
        data = f"patches:{tmp_path / 'store'}"
        result = self.call("--data", data, "--packages", "a=x,b=y", "--out", tmp_path / "out", "--draws", "100")
        assert result.exit_code == 0, result.output
        # Worked by hand in test_patch_numbers.py.
        assert "a: AUC 0.750 calcified, AUC 0.833 [" in result.output
        assert f"Report: {tmp_path / 'out' / 'benchmark.html'}" in result.output

    def test_whole_images_and_other_methods_are_refused(self, data, tmp_path):
        call = ("--data", f"truth:{data}", "--out", tmp_path, "--packages", "a")
        with pytest.raises(UsageError, match=r"--data patches:FOLDER, found 'truth:"):
            raise self.call(*call).exception
        with pytest.raises(UsageError, match="leave --detectors, --resume out"):
            raise self.call(*call, "--detectors", "hdog", "--resume").exception
        with pytest.raises(UsageError, match="leave --per out"):
            raise self.call(*call, "--per", "cm2").exception
