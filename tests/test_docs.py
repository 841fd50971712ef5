"""What the documentation says is so: schemas, commands, options, rooms, warnings and Python examples."""

import ast
import re
import runpy
import shutil
from pathlib import Path

import pytest
import typer.main

from microcalc.cli import app
from microcalc.detectors import load_detector
from microcalc.findings import Report

ROOT = Path(__file__).parents[1]
DOCS = ROOT / "docs"
PAGES = sorted([*DOCS.rglob("*.md"), ROOT / "README.md", ROOT / "CONTRIBUTING.md"])


def verbs(group, before=""):
    """Verb -> its options, as the command line has them; a verb of a group has the group's name before it."""
    for name, command in group.commands.items():
        if hasattr(command, "commands"):
            yield from verbs(command, f"{before}{name} ")
        else:
            yield f"{before}{name}", {o for p in command.params for o in p.opts if o.startswith("--")}


OPTIONS = dict(verbs(typer.main.get_command(app)))


def blocks(page, language):
    """The fenced code blocks of a page in one language."""
    return re.findall(rf"^```{language}\n(.*?)^```", page.read_text(), re.MULTILINE | re.DOTALL)


def commands(page):
    """(verb, options) of every ``microcalc`` command line in a page's shell blocks and inline code."""
    text = page.read_text()
    lines = [line for block in blocks(page, "sh") for line in block.splitlines()]
    lines += re.findall(r"`([^`\n]+)`", text)
    for line in lines:
        match = re.match(r"(?:\.venv/bin/)?microcalc ((?:data |models )?[a-z]+)(.*)", line)
        if match:
            yield match[1], set(re.findall(r"--[a-z0-9-]+", match[2]))


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.relative_to(ROOT).as_posix())
def test_commands_use_what_exists(page):
    for verb, options in commands(page):
        assert verb in OPTIONS
        assert options <= OPTIONS[verb] | {"--help"}, verb


@pytest.mark.parametrize("verb", OPTIONS)
def test_the_reference_has_every_option(verb):
    page = (DOCS / "reference" / "cli.md").read_text()
    sections = dict(re.findall(r"^##+ microcalc ([a-z ]+)\n(.*?)(?=^##|\Z)", page, re.MULTILINE | re.DOTALL))
    section = sections.get(verb) or sections[verb.split()[0]]  # a small group has one section for all its verbs
    assert set(re.findall(r"^\| `(--[a-z0-9-]+)", section, re.MULTILINE)) == OPTIONS[verb]


def test_the_schemas_are_current():
    written = runpy.run_path(str(DOCS / "write_schemas.py"))
    for name, record in written["RECORDS"].items():
        assert (DOCS / "reference" / name).read_text() == written["schema"](record), "run `make schema`"


def test_the_findings_example_is_valid():
    (example,) = blocks(DOCS / "reference" / "findings.md", "json")
    assert Report.model_validate_json(example).images[0].clusters[0].count == 5


def test_the_operating_points_are_those_of_the_detector():
    page = (DOCS / "why" / "morphology.md").read_text()
    rows = re.findall(r"^\| `(\w+)` \| ([0-9.]+) \|", page, re.MULTILINE)
    points = load_detector("morphology").operating_points
    assert [(name, float(threshold)) for name, threshold in rows] == [(p.name, p.threshold) for p in points]


def test_the_house_has_the_rooms_of_the_page():
    rooms = runpy.run_path(str(ROOT / "tests" / "test_house.py"))["ROOMS"]
    page = (DOCS / "why" / "house.md").read_text()
    assert tuple(re.findall(r"^\| `(\w+)` \|", page, re.MULTILINE)) == rooms


def texts(node):
    """The strings in an expression, with … for what f-strings fill in."""
    if isinstance(node, ast.JoinedStr):
        yield "".join(part.value if isinstance(part, ast.Constant) else "…" for part in node.values)
    elif isinstance(node, ast.Constant) and isinstance(node.value, str):
        yield node.value
    else:
        for child in ast.iter_child_nodes(node):
            yield from texts(child)


def warnings_given():
    """What the package passes to ``warn``, or calls a warning or a doubt."""
    for path in sorted((ROOT / "src").rglob("*.py")):
        for node in ast.walk(ast.parse(path.read_text())):
            match node:
                case ast.Call(func=ast.Attribute(attr="warn"), args=[said]):
                    yield from texts(said)
                case ast.keyword(arg="warnings", value=said):
                    yield from texts(said)
                case ast.Assign(targets=[ast.Name(id="warning" | "warnings" | "doubt")], value=said):
                    yield from texts(said)


def test_the_warnings_explained_are_those_given():
    page = (DOCS / "how-to" / "own-images.md").read_text().split("| the warning says |")[1]
    explained = re.findall(r"^\| `([^`]+)`", page, re.MULTILINE)
    given = list(warnings_given())
    assert len(given) > 20
    says = {
        row: {text for text in given if re.match(".*".join(map(re.escape, row.split("…"))), text)} for row in explained
    }
    assert [row for row, found in says.items() if not found] == []
    assert set(given) - set.union(*says.values()) == set()


def test_the_python_page_runs(study, tmp_path, monkeypatch, capsys):
    """All its blocks in one go; the study that the first one makes is the fixture's."""
    shutil.copytree(study[0], tmp_path / "study")
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr("microcalc.synthesis.write_study", lambda *_, **__: study[1])
    program = "\n".join(blocks(DOCS / "how-to" / "python.md", "python"))
    names = {}
    exec(compile(program, "python.md", "exec"), names)
    assert names["small"].shape[0] < names["mammogram"].shape[0]
    assert {path.name for path in Path("out").iterdir()} == {
        "findings.json", "run.json", "calcifications.csv", "clusters.csv",
    }  # fmt: skip
    assert re.search(r"synthetic-0001_R_CC\.dcm \d+ of \d+ found", capsys.readouterr().out)


def test_no_place_for_numbers_is_left_empty():
    assert not [page for page in DOCS.rglob("*.md") if "<!-- numbers -->" in page.read_text()]
