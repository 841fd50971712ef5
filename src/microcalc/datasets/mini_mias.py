"""mini-MIAS: 322 digitised films of 1024 x 1024 pixels of 0.2 mm, and ``Info.txt`` with a circle for each finding.

Suckling et al. (1994), Excerpta Medica, International Congress Series 1069, 375-378. Traps that are handled here:

- y counts upwards from the bottom row of pixels.
- Circles of calcifications enclose clusters (``Info.txt``, note 3). Where calcifications are spread all over the
  breast, ``*NOTE 3*`` stands in place of the circle, meaning note 4: the image is a region to ignore.
- ``Info.txt`` calls even numbers left breasts. By the lettering on the films, mirrored like the films themselves, odd
  numbers are: the films are followed.
"""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from pydantic import Field

from microcalc.batch import MakeExecutor
from microcalc.datasets.folders import check_root, left_out, missing_files
from microcalc.datasets.headers import stated
from microcalc.datasets.listing import Listing, Options, Problem
from microcalc.datasets.outlines import box_of
from microcalc.datasets.record import Facts, OtherFinding, Record
from microcalc.datasets.shapes import ellipse, everywhere
from microcalc.datasets.words import pathology_of
from microcalc.errors import ReadError
from microcalc.truth import ImageTruth, Pathology, Polygon, TrueCluster

SIZE, SPACING_MM = 1024, (0.2, 0.2)
_TABLE = "Info.txt"
_TISSUES = {"F": "fatty", "G": "fatty-glandular", "D": "dense-glandular"}
#: Abbreviation -> kind and description of what is no calcification.
_OTHERS = {
    "CIRC": ("mass", "circumscribed"),
    "SPIC": ("mass", "spiculated"),
    "MISC": ("mass", "ill-defined"),
    "ARCH": ("architectural distortion", None),
    "ASYM": ("asymmetry", None),
}
_LINE = re.compile(
    rf"(?P<film>mdb\d{{3}}) (?P<tissue>[FGD]) (?P<kind>CALC|NORM|{'|'.join(_OTHERS)})(?: (?P<severity>[BM]))?"
    r"(?: (?:(?P<x>\d+) (?P<y>\d+) (?P<radius>\d+)|\*NOTE \d\*))?"
)
_EVERYWHERE = everywhere(SIZE, SIZE, "calcifications all over the breast, places unknown")


class MiniMiasOptions(Options):
    """Options of mini-MIAS."""

    first_pixel: int = Field(
        default=0, ge=0, le=1, description="Number of the first column and of the bottom row, which nobody states."
    )


@dataclass(frozen=True)
class _Finding:
    """A line of ``Info.txt``."""

    film: str
    tissue: str
    #: The table's abbreviation: ``CALC``, one of ``_OTHERS``, or ``NORM`` for none.
    kind: str
    pathology: Pathology | None
    #: In pixels of the image, rows counted from the top; None where the table gives no place.
    circle: Polygon | None


def read(root: Path, options: MiniMiasOptions, make_executor: MakeExecutor | None) -> Listing:
    """List the films.

    Raises:
        ReadError: not the folder of mini-MIAS, a line of its table cannot be understood, or no film is there.
    """
    check_root(root, "mini-MIAS", f"{_TABLE} and mdb001.pgm to mdb322.pgm", lambda folder: _table(folder) is not None)
    films = _read_table(_table(root) or root / _TABLE, options)
    files = {path.stem.lower(): path for path in sorted(root.iterdir()) if path.suffix.lower() == ".pgm"}
    problems = [*_notes(), *missing_files([f"{film}.pgm" for film in films if film not in files], len(films), root)]
    records = []
    for film, findings in films.items():
        if film not in files:
            continue
        problem = _wrong_size(files[film])
        if problem:
            problems.append(problem)
        else:
            records.append(_record(files[film], findings))
            problems += _without_place(files[film].name, findings)
    problems += [_unlisted(path.name) for film, path in files.items() if film not in films]
    return Listing(root, tuple(records), tuple(problems))


def _table(folder: Path) -> Path | None:
    """``Info.txt`` of a folder, in whatever letter case."""
    return next((path for path in sorted(folder.glob("*.txt")) if path.name.lower() == _TABLE.lower()), None)


def _read_table(path: Path, options: MiniMiasOptions) -> dict[str, list[_Finding]]:
    """The findings of each film, in the order of the table."""
    films: dict[str, list[_Finding]] = defaultdict(list)
    for number, line in enumerate(path.read_text(encoding="latin-1").splitlines(), 1):
        words = " ".join(line.split())
        if re.match(r"mdb\d", words):
            match = _LINE.fullmatch(words)
            if match is None:
                raise _misread(path, f"{words!r} in line {number}")
            films[match["film"]].append(_finding(match, options.first_pixel))
    if not films:
        raise _misread(path, "no such line")
    return dict(films)


def _misread(path: Path, found: str) -> ReadError:
    return ReadError(
        expected="lines such as 'mdb001 G CIRC B 535 425 197'", found=found, do="fetch the table again", where=path
    )


def _finding(line: re.Match[str], first_pixel: int) -> _Finding:
    circle = None
    if line["x"]:
        x, y, radius = (int(line[name]) for name in ("x", "y", "radius"))
        circle = ellipse(x - first_pixel, SIZE - 1 - (y - first_pixel), radius, radius)
    return _Finding(line["film"], line["tissue"], line["kind"], pathology_of(line["severity"] or ""), circle)


def _notes() -> list[Problem]:
    """What a user should know before any film is looked at."""
    return [
        Problem(
            kind="note",
            path=".",
            expected="pixels well below a calcification's diameter",
            found="0.2 mm: single specks are at the limit, and the table has clusters alone",
            do="look for clusters; measure no single calcification on these films",
        ),
        Problem(
            kind="note",
            path=_TABLE,
            expected="left breasts by even numbers, as its note 1 says",
            found="odd ones by the lettering on the films, which are mirrored",
            do="nothing; the films are followed",
        ),
    ]


def _wrong_size(path: Path) -> Problem | None:
    """The problem with a film that cannot be read, or on which the table's places mean nothing."""
    try:
        header = stated(path)
    except ReadError as error:
        return left_out(path.name, error)
    if (header.rows, header.columns) == (SIZE, SIZE):
        return None
    return Problem(
        kind="contradiction",
        path=path.name,
        expected=f"{SIZE} x {SIZE} pixels, those that {_TABLE} is about",
        found=f"{header.rows} x {header.columns}",
        do="use the film as it was published",
    )


def _without_place(name: str, findings: Sequence[_Finding]) -> list[Problem]:
    return [
        Problem(
            kind="note",
            path=name,
            expected="a circle around each finding",
            found=f"{finding.kind} without one",
            do="nothing; the whole film is a region to ignore" if finding.kind == "CALC" else "nothing; it is left out",
        )
        for finding in findings
        if finding.kind != "NORM" and finding.circle is None
    ]


def _unlisted(name: str) -> Problem:
    return Problem(
        kind="left out", path=name, expected=f"a line in {_TABLE}", found="none", do="nothing is known about it"
    )


def _record(path: Path, findings: Sequence[_Finding]) -> Record:
    number, kinds = int(path.stem[-3:]), {finding.kind for finding in findings}
    calcium = [finding for finding in findings if finding.kind == "CALC"]
    truth = ImageTruth(
        path=path.name,
        patient=f"{(number + 1) // 2:03d}",
        # Only a film without any finding is said to be free of calcifications: mdb002, a mass, shows some.
        normal=False if calcium else True if kinds == {"NORM"} else None,
        side="L" if number % 2 else "R",
        view="MLO",
        rows=SIZE,
        columns=SIZE,
        spacing_mm=SPACING_MM,
        clusters=tuple(_cluster(finding, finding.circle) for finding in calcium if finding.circle),
        ignore=(_EVERYWHERE,) if any(finding.circle is None for finding in calcium) else (),
    )
    return Record(path, truth, _facts(findings))


def _cluster(finding: _Finding, circle: Polygon) -> TrueCluster:
    return TrueCluster(bbox=box_of(circle), polygon=circle, pathology=finding.pathology)


def _facts(findings: Sequence[_Finding]) -> Facts:
    severities = {finding.pathology for finding in findings} - {None}
    return Facts(
        pathology="malignant" if "malignant" in severities else "benign" if severities else None,
        others=tuple(
            OtherFinding(
                kind=_OTHERS[finding.kind][0],
                description=_OTHERS[finding.kind][1],
                bbox=box_of(finding.circle),
                polygon=finding.circle,
                pathology=finding.pathology,
            )
            for finding in findings
            if finding.kind in _OTHERS and finding.circle
        ),
        film=True,
        remarks=("mirrored, with its lettering", f"tissue {_TISSUES[findings[0].tissue]}"),
    )
