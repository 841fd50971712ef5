"""The command line as a user meets it: exit codes, one clear line an error, quick help, no torch."""

import doctest
import json
import os
import re
import shutil
import signal
import subprocess
import sys
import time
from pathlib import Path
from types import SimpleNamespace

import pytest

import microcalc as package
from microcalc import cli
from microcalc.comparison.records import Evaluation
from microcalc.errors import WriteError
from microcalc.findings import Failure, Report
from microcalc.synthesis import StudyRecord
from microcalc.truth import ImageTruth, Truth


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
    assert done.stderr.startswith("microcalc: expected a detector out of morphology, hough, hdog, ")
    assert done.stderr.endswith(", found 'clairvoyance'; choose one of them\n")
    assert done.stderr.count("\n") == 1


def test_help_of_every_verb_fits_a_screen():
    for verb in ([], ["demo"], ["detect"], ["synthesize"], ["evaluate"], ["models"], ["models", "show"]):
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
    time.sleep(0.1)  # by now it waits for the next image
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


def check_demo(done, out):
    assert done.returncode == 0, done.stderr
    assert re.search(
        r"found [1-9]\d* of \d+ visible calcifications \(rule disc14\) and \d+ of \d+ clusters", done.stdout
    )
    report = Report.from_json(out / "findings.json")
    assert len(report.images) == 4
    assert (out / "report.html").exists()
    assert (out / "study" / "truth.json").exists()


def test_the_demo_finds_what_it_made(tmp_path):
    """On a study of little breasts; of whole ones below."""
    code = (
        "import functools, sys, microcalc.cli, microcalc.demo as demo\n"
        "if __name__ == '__main__':\n"
        "    demo.write_study = functools.partial(demo.write_study, shape=(900, 640), spacing_mm=0.1)\n"
        f"    sys.argv = ['microcalc', 'demo', '--out', {str(tmp_path)!r}, '--seed', '3']\n"
        "    microcalc.cli.main()\n"
    )
    script = tmp_path / "little.py"
    script.write_text(code)
    done = subprocess.run([sys.executable, script], capture_output=True, text=True, timeout=120, check=False)
    check_demo(done, tmp_path)


@pytest.mark.slow
def test_the_demo_as_it_comes(tmp_path):
    check_demo(microcalc("demo", "--out", tmp_path, "--seed", "1"), tmp_path)


class TestModels:
    """With a package that is not there in place of a real one."""

    @pytest.fixture
    def call(self, monkeypatch, capsys):
        """Run ``microcalc models`` in this process; exit code, output and errors."""
        monkeypatch.setattr(signal, "signal", lambda *_: None)
        card = SimpleNamespace(title="Specks", to_yaml=lambda: "name: speck-cascade\n")
        package = SimpleNamespace(card=card, path=Path("somewhere"), sha256="ab" * 32)
        monkeypatch.setattr("microcalc.models.load_package", {"speck-cascade": package}.__getitem__)

        def run(*arguments):
            monkeypatch.setattr(sys, "argv", ["microcalc", "models", *map(str, arguments)])
            with pytest.raises(SystemExit) as ended:
                cli.main()
            return ended.value.code, *capsys.readouterr()

        return run

    def test_list(self, call, monkeypatch):
        monkeypatch.setattr("microcalc.models.PACKAGES", {"speck-cascade": "cascade"})
        assert call("list") == (0, "speck-cascade (cascade): Specks\n", "")
        monkeypatch.setattr("microcalc.models.PACKAGES", {})
        assert call("list") == (0, "No package comes with this version.\n", "")

    def test_show(self, call):
        assert call("show", "speck-cascade") == (0, f"# somewhere, SHA-256 {'ab' * 32}\nname: speck-cascade\n", "")

    def test_what_there_is_none_of_is_2(self, tmp_path):
        done = microcalc("models", "show", tmp_path / "nothing")
        assert done.returncode == 2
        assert done.stderr.startswith("microcalc: expected a package")
        assert done.stderr.count("\n") == 1

    def test_a_damaged_one_is_3(self, tmp_path):
        (tmp_path / "card.yaml").write_text("name: [")
        done = microcalc("models", "show", tmp_path)
        assert (done.returncode, done.stderr.count("\n")) == (3, 1)


class TestSynthesize:
    def test_a_study_is_made_and_counted(self, tmp_path):
        done = microcalc(
            *("synthesize", "--out", tmp_path / "set", "--count", "1", "--normal-share", "1", "--unit", "csi-100")
        )
        assert done.returncode == 0, done.stderr
        assert done.stderr == "[1/1] synthetic-0001: no visible calcification\n"
        assert done.stdout == (
            "1 patient done, 0 failed; 4 images, 4 of them without calcium; no visible calcification and no cluster in "
            f"all.\nTruth: {tmp_path / 'set' / 'truth.json'}\n"
        )
        assert len(Truth.from_json(tmp_path / "set" / "truth.json").images) == 4

    @pytest.fixture
    def call(self, tmp_path, monkeypatch, capsys):
        """Run ``microcalc synthesize`` in this process; exit code, output and errors."""
        monkeypatch.setattr(signal, "signal", lambda *_: None)

        def run(*arguments):
            command = ["microcalc", "synthesize", "--out", str(tmp_path / "out"), *map(str, arguments)]
            monkeypatch.setattr(sys, "argv", command)
            with pytest.raises(SystemExit) as ended:
                cli.main()
            return ended.value.code, *capsys.readouterr()

        return run

    @pytest.mark.parametrize(
        ("arguments", "says"),
        [
            ([], "found none of them; say how many patients"),
            (["--count", 2, "--layout", "heap"], "cbis_ddsm"),
            (["--count", 2, "--unit", "abacus"], "direct-70"),
            (["--count", 2, "--density", "E"], "A, B, C, D"),
            (["--count", 2, "--normal-share", 2], "0 to 1"),
            (["--count", 2, "--noise", 0], "above 0"),
            (["--benchmark", "v1-small", "--seed", 1, "--noise", 2], "leave --seed, --noise out"),
            (["--benchmark", "v9"], "v1-medium"),
            (["--normals", ".", "--unit", "csi-100"], "leave --unit out"),
        ],
    )
    def test_a_wrong_call_is_2(self, call, tmp_path, arguments, says):
        code, _, errors = call(*arguments)
        assert code == 2
        assert says in errors
        assert errors.count("\n") == 1
        assert not (tmp_path / "out").exists()

    RECORD = StudyRecord(
        patient="synthetic-0001", plan="", images=(ImageTruth(path="a.dcm", patient="synthetic-0001"),)
    )

    def ending(self, monkeypatch, *outcomes, error=None):
        """Have the job tell these outcomes and then end, by an error or well."""

        def job(plans, out, *, on_study, **_):
            for done, outcome in enumerate(outcomes, start=1):
                on_study(outcome, done, len(plans))
            if error:
                raise error
            return Truth(root=".", images=[i for o in outcomes if isinstance(o, StudyRecord) for i in o.images])

        monkeypatch.setattr("microcalc.synthesis.synthesize", job)

    def test_some_failed_is_1_and_all_is_3(self, call, monkeypatch):
        failure = Failure(path="synthetic-0002", reason="expected a, found b; do c")
        self.ending(monkeypatch, self.RECORD, failure)
        code, output, errors = call("--count", 2)
        assert code == 1
        assert output.startswith("1 patient done, 1 failed; 1 image")
        assert "[2/2] synthetic-0002: FAILED: expected a, found b; do c\n" in errors
        self.ending(monkeypatch, failure)
        assert call("--count", 1)[0] == 3

    def test_a_full_disk_is_1_once_something_is_finished_and_else_3(self, call, monkeypatch, tmp_path):
        full = WriteError(expected="a folder", found="No space left on device", do="make room")
        self.ending(monkeypatch, self.RECORD, error=full)
        code, _, errors = call("--count", 2)
        assert code == 1
        assert errors.endswith(
            "microcalc: expected a folder, found No space left on device; make room. "
            f"What is finished is in {tmp_path / 'out'}; go on with --resume.\n"
        )
        self.ending(monkeypatch, error=full)
        assert call("--count", 2)[0] == 3

    def test_ctrl_c_names_the_way_on(self, call, monkeypatch, tmp_path):
        self.ending(monkeypatch, self.RECORD, error=KeyboardInterrupt())
        code, _, errors = call("--count", 2)
        assert code == 1
        assert errors.endswith(f"Interrupted. What is finished is in {tmp_path / 'out'}; go on with --resume.\n")


class TestEvaluate:
    """One image with a calcification at (100, 100) and two normal ones, of three patients."""

    @pytest.fixture
    def files(self, tmp_path):
        lesion = {"x": 100, "y": 100}
        images = [{"path": "a.png", "patient": "1", "spacing_mm": [0.07, 0.07], "calcifications": [lesion]}]
        images += [{"path": f"n{i}.png", "patient": f"{i}", "spacing_mm": [0.07, 0.07], "normal": True} for i in (2, 3)]
        truth = {"schema": "microcalc.truth/1", "root": ".", "images": images}
        (tmp_path / "truth.json").write_text(json.dumps(truth))
        for name, found in (("first", "100,100,0.9"), ("second", "300,300,0.4")):
            rows = ["image,x,y,score", f"a.png,{found}", "n2.png,50,50,0.5", "n3.png,,,"]
            (tmp_path / f"{name}.csv").write_text("\n".join(rows) + "\n")
        return tmp_path

    @pytest.fixture
    def call(self, files, monkeypatch, capsys):
        """Run ``microcalc evaluate`` in this process, in the folder of the files; exit code, output and errors."""
        monkeypatch.setattr(signal, "signal", lambda *_: None)
        monkeypatch.chdir(files)

        def run(*arguments):
            monkeypatch.setattr(sys, "argv", ["microcalc", "evaluate", *map(str, arguments)])
            with pytest.raises(SystemExit) as ended:
                cli.main()
            return ended.value.code, *capsys.readouterr()

        return run

    QUICK = ("--draws", 100, "--formats", "json,csv")

    def test_one_system(self, call):
        code, output, _ = call("--findings", "first.csv", "--truth", ".", "--out", "out", *self.QUICK)
        assert code == 0
        assert "1 lesion on 3 images, 2 of them normal; level calcification, rule disc14." in output
        assert "first: AUC50 1.000\n" in output  # found before any false positive; one patient has no interval
        assert "Note: Intervals rest on 1 patient with lesions only: rough, where there are any." in output
        assert output.endswith(f"Numbers: {Path('out') / 'evaluation.json'}\n")
        assert len(Evaluation.from_json(Path("out") / "evaluation.json").systems) == 1

    @pytest.mark.parametrize(
        "findings",
        [
            ("--findings", "first.csv", "second.csv"),
            ("--findings", "first.csv", "--findings", "second.csv"),
        ],
    )
    def test_several_systems(self, call, findings):
        code, output, _ = call(*findings, "--truth", "truth.json", *self.QUICK)
        assert code == 0
        assert "first minus second: AUC50 1.000\n" in output
        names = [system.name for system in Evaluation.from_json(Path("evaluation") / "evaluation.json").systems]
        assert names == ["first", "second"]

    def test_names(self, call):
        _, output, _ = call("--findings", "ours=first.csv", "theirs=second.csv", "--truth", ".", *self.QUICK)
        assert "ours minus theirs: AUC50" in output

    @pytest.mark.parametrize(
        ("arguments", "says"),
        [
            (["--level", "pixel"], "patient"),
            (["--rule", "near"], "cluster:marks="),
            (["--rule", "cluster", "--level", "calcification"], "leave --rule out"),
            (["--per", "cm2"], "--per image"),
            (["--split", "test"], "leave --split out"),
            (["--formats", "pdf"], "json, csv, html"),
            (["--draws", "0"], "draws"),
        ],
    )
    def test_a_wrong_call_is_2(self, call, files, arguments, says):
        code, _, errors = call("--findings", "first.csv", "--truth", ".", "--out", "out", *arguments)
        assert code == 2
        assert says in errors
        assert not (files / "out").exists()

    def test_nothing_done_is_3(self, call, files):
        code, _, errors = call("--findings", "missing.csv", "--truth", ".")
        assert (code, errors.count("\n")) == (3, 1)
        (files / "bad.csv").write_text("image,x,y,score\na.png,1,1,7\n")
        assert call("--findings", "bad.csv", "--truth", ".")[0] == 3
