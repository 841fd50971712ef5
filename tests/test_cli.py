"""The command line as a user meets it: exit codes, one clear line an error, quick help, no torch."""

import doctest
import os
import re
import shutil
import signal
import subprocess
import sys
from pathlib import Path

import pytest

import microcalc as package
from microcalc.findings import Report


def microcalc(*arguments, **options):
    """Run the command in a process of its own."""
    command = [sys.executable, "-m", "microcalc", *map(str, arguments)]
    return subprocess.run(command, capture_output=True, text=True, timeout=120, check=False, **options)


@pytest.fixture
def image(tmp_path, breast_png):
    return breast_png(tmp_path / "a.png")


def test_all_done_is_0(image, tmp_path):
    done = microcalc("detect", image, "--out", tmp_path / "out")
    assert done.returncode == 0, done.stderr
    assert "[1/1] a.png" in done.stderr
    assert f"Report: {tmp_path / 'out' / 'report.html'}" in done.stdout
    assert len(Report.from_json(tmp_path / "out" / "findings.json").images) == 1


def test_some_failed_is_1(image, tmp_path):
    done = microcalc("detect", image, tmp_path / "missing.dcm", "--out", tmp_path / "out", "--formats", "json")
    assert done.returncode == 1
    assert "missing.dcm: FAILED: expected" in done.stderr
    assert len(Report.from_json(tmp_path / "out" / "findings.json").failed) == 1


@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        (["--detector", "clairvoyance"], "morphology"),
        (["--operating-point", "perfect"], "sensitive, balanced, specific"),
        (["--formats", "pdf"], "json, csv, html, overlay"),
        (["--spacing", "7"], "pixel spacing"),
        (["--device", "cuda"], "auto, cpu"),
        (["--jobs", "0"], "jobs"),
    ],
)
def test_a_wrong_call_is_2(image, tmp_path, arguments, says):
    done = microcalc("detect", image, "--out", tmp_path / "out", *arguments)
    assert done.returncode == 2, done.stderr
    assert says in done.stderr


def test_nothing_done_is_3(tmp_path):
    (tmp_path / "bad.dcm").write_bytes(b"not a DICOM file")
    done = microcalc("detect", tmp_path / "bad.dcm", "--out", tmp_path / "out", "--formats", "json")
    assert done.returncode == 3
    (tmp_path / "empty").mkdir()
    assert microcalc("detect", tmp_path / "empty", "--out", tmp_path / "out").returncode == 3
    blocked = microcalc("detect", tmp_path / "bad.dcm", "--out", tmp_path / "bad.dcm" / "out")
    assert blocked.returncode == 3
    assert blocked.stderr.count("\n") == 1


def test_errors_are_one_line_and_no_traceback(image, tmp_path):
    done = microcalc("detect", image, "--out", tmp_path / "out", "--detector", "clairvoyance")
    assert done.stderr == (
        "microcalc: expected a detector out of morphology, found 'clairvoyance'; choose one of them\n"
    )


def test_help_of_every_verb_fits_a_screen():
    for verb in ([], ["demo"], ["detect"]):
        shown = microcalc(*verb, "--help", env={"COLUMNS": "100", "PATH": ""})
        assert shown.returncode == 0, shown.stderr
        assert len(shown.stdout.splitlines()) <= 50


def test_help_imports_nothing_heavy():
    code = "import sys, microcalc.cli; print(*sys.modules)"
    loaded = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout.split()
    assert not {"numpy", "cv2", "scipy", "pydicom", "pydantic"} & set(loaded)


def test_detect_runs_without_torch(image, tmp_path):
    """The base install brings none; where one is installed, it is hidden."""
    (tmp_path / "hidden" / "torch").mkdir(parents=True)
    (tmp_path / "hidden" / "torch" / "__init__.py").write_text("raise ImportError('torch is not for this')")
    code = (
        f"import sys; sys.path.insert(0, {str(tmp_path / 'hidden')!r})\n"
        f"import microcalc; print(len(microcalc.detect({str(image)!r}).images))\n"
        "assert 'torch' not in sys.modules"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert done.stdout.strip() == "1", done.stderr


def test_the_readme_example_runs(study, tmp_path):
    """The Python block of the README, as it stands, in a folder that has an x.dcm."""
    readme = (Path(__file__).parents[1] / "README.md").read_text()
    example = readme.split("```python\n")[1].split("```")[0]
    (tmp_path / "x.dcm").write_bytes((study[0] / "synthetic-0001_R_CC.dcm").read_bytes())
    done = subprocess.run([sys.executable, "-c", example], cwd=tmp_path, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    assert done.stdout.strip()


def test_the_docstring_example_runs(study, tmp_path, monkeypatch):
    shutil.copy(study[0] / "synthetic-0001_L_CC.dcm", tmp_path / "x.dcm")
    monkeypatch.chdir(tmp_path)
    assert doctest.testmod(package) == doctest.TestResults(failed=0, attempted=3)


def test_ctrl_c_keeps_the_images_under_way(tmp_path, breast_png):
    folder = tmp_path / "in"
    folder.mkdir()
    for number in range(60):
        breast_png(folder / f"{number:02}.png")
    command = [sys.executable, "-m", "microcalc", "detect", str(folder), "--out", str(tmp_path / "out"), "--jobs", "2"]
    running = subprocess.Popen(command, stderr=subprocess.PIPE, text=True, start_new_session=True)
    told = [running.stderr.readline()]
    os.killpg(running.pid, signal.SIGINT)  # as a terminal does: to the workers too
    told += running.stderr.readlines()
    assert running.wait(timeout=60) == 1
    assert told[-1] == f"Interrupted. What is finished is in {tmp_path / 'out'}; go on with --resume.\n"
    finished = Report.from_json(tmp_path / "out" / "findings.json").images
    assert 1 <= len(finished) < 60
    assert len(finished) == len(list((tmp_path / "out" / "pictures").iterdir())) == len(told) - 1


def test_workers_die_with_a_parent_that_is_killed(tmp_path, breast_png):
    for number in range(40):
        breast_png(tmp_path / f"{number:02}.png")
    command = [
        sys.executable,
        "-m",
        "microcalc",
        "detect",
        str(tmp_path),
        "--out",
        str(tmp_path / "out"),
        "--jobs",
        "2",
    ]
    running = subprocess.Popen(command, stderr=subprocess.PIPE, text=True)
    running.stderr.readline()
    running.kill()
    running.communicate(timeout=20)  # returns once nobody holds its stderr open any more
    assert running.returncode == -signal.SIGKILL


def test_the_demo_finds_what_it_made(tmp_path):
    done = microcalc("demo", "--out", tmp_path / "demo", "--seed", "1")
    assert done.returncode == 0, done.stderr
    assert re.search(
        r"found [1-9]\d* of \d+ visible calcifications \(rule disc14\) and [12] of 2 clusters", done.stdout
    )
    report = Report.from_json(tmp_path / "demo" / "findings.json")
    assert len(report.images) == 4
    assert (tmp_path / "demo" / "report.html").exists()
    assert (tmp_path / "demo" / "study" / "truth.json").exists()
