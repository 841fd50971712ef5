"""The order of the rooms: a room imports only rooms above it (docs/why/house.md)."""

import ast
from pathlib import Path

import pytest

SOURCE = Path(__file__).parents[1] / "src" / "microcalc"

ROOMS = (
    "errors",
    "mammogram",
    "findings",
    "truth",
    "imageio",
    "breast",
    "tiling",
    "clusters",
    "output",
    "batch",
    "journal",
    "provenance",
    "evaluation",
    "candidates",
    "features",
    "recipe",
    "models",
    "synthesis",
    "datasets",
    "inspection",
    "patches",
    "comparison",
    "detectors",
    "explain",
    "detection",
    "review",
    "benchmark",
    "training",
    "recalibration",
    "demo",
    "parallel",
)
#: May import any room; no room imports them.
ABOVE_ALL = ("__init__", "__main__", "cli")


def room_of(path):
    return path.relative_to(SOURCE).parts[0].removesuffix(".py")


def imported_rooms(path):
    """Rooms that a file imports anywhere in it, type-checking imports excepted."""
    tree = ast.parse(path.read_text())
    for node in ast.walk(tree):
        if isinstance(node, ast.If) and ast.unparse(node.test) == "TYPE_CHECKING":
            node.body = []
    for node in ast.walk(tree):
        names = []
        if isinstance(node, ast.Import):
            names = [alias.name for alias in node.names]
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, f"{path}: relative import"
            names = [f"{node.module}.{alias.name}" for alias in node.names]
        for name in names:
            parts = name.split(".")
            if parts[0] == "microcalc" and len(parts) > 1 and parts[1] in ROOMS + ABOVE_ALL:
                yield parts[1]


FILES = sorted(SOURCE.rglob("*.py"))


def test_every_room_is_known_and_none_is_empty():
    assert {room_of(path) for path in FILES} == set(ROOMS + ABOVE_ALL)


def test_the_house_has_at_most_two_levels():
    assert max(len(path.relative_to(SOURCE).parts) for path in FILES) <= 2


@pytest.mark.parametrize("path", FILES, ids=lambda path: path.relative_to(SOURCE).as_posix())
def test_a_room_imports_only_rooms_above_it(path):
    room = room_of(path)
    if room in ABOVE_ALL:
        return
    allowed = set(ROOMS[: ROOMS.index(room) + 1])
    assert set(imported_rooms(path)) <= allowed


def test_executors_are_passed_in_not_imported():
    """Only ``parallel`` makes pools; a job takes whatever executor it is given."""
    for path in FILES:
        if room_of(path) not in ("parallel", *ABOVE_ALL):
            assert "ProcessPoolExecutor" not in path.read_text(), path
