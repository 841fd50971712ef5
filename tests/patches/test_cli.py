"""``microcalc data patches``, as a user calls it."""

import signal
import subprocess
import sys

import pytest

from microcalc import cli
from microcalc.patches.store import PatchStore


def test_patches_of_a_truth_folder_on_two_processes(small_set, tmp_path):
    spec, out = f"truth:{small_set}", tmp_path / "out"
    options = ("--protocol", "cortina16", "--out", str(out), "--split", "train", "--seed", "1", "--jobs", "2")
    command = [sys.executable, "-m", "microcalc", "data", "patches", spec, *options]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    store = PatchStore.open(out)
    assert {patch.split for patch in store.patches} == {"train"}
    assert done.stdout.splitlines()[0] == f"train: {(store.labels == 0).sum()} normal, 3 calcification"
    assert f"Patches: {out}" in done.stdout
    assert "[2/2] p0_R_CC.png" in done.stderr or "[2/2] p0_L_CC.png" in done.stderr


@pytest.mark.parametrize(
    ("options", "said"),
    [
        (("--protocol", "nobody99"), "expected a protocol: mracko674, cortina224"),
        (
            ("--protocol", "cortina16", "--split", "dev"),
            "found the splits test, train, validation",
        ),
        (("--protocol", "mracko674"), "found none on 6 images"),
    ],
)
def test_a_wrong_call_ends_with_2_and_one_line(small_set, tmp_path, monkeypatch, capsys, options, said):
    call = ["microcalc", "data", "patches", f"truth:{small_set}", "--out", str(tmp_path / "out"), *options]
    monkeypatch.setattr(sys, "argv", call)
    monkeypatch.setattr(signal, "signal", lambda *_: None)
    with pytest.raises(SystemExit) as ended:
        cli.main()
    errors = capsys.readouterr().err
    assert ended.value.code == 2
    assert errors.count("\n") == 1
    assert said in errors
