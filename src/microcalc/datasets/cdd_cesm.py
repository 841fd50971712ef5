"""CDD-CESM: contrast-enhanced mammograms of 326 patients, low-energy and subtracted, with regions drawn by hand.

Khaled et al. (2022), Scientific Data 9, 122. Traps that are handled here:

- A region does not say what it is of: that stands in the sheet, for the image as a whole. Where an image has
  calcifications and something else, its regions are regions to ignore.
- Density is given in the rows of low-energy images alone (``_`` in the others).
- ``4$2`` are the categories of several findings, ``Mass$Calcifications`` the findings.
- A blank before ``.jpg`` in some names; the sheet's name is spelled in several ways.
- Nothing states a pixel spacing.
"""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from pydantic import Field

from microcalc.batch import MakeExecutor
from microcalc.datasets.folders import check_root, left_out, missing_files
from microcalc.datasets.headers import stated
from microcalc.datasets.listing import Listing, Options, Problem
from microcalc.datasets.record import Facts, OtherFinding, Record
from microcalc.datasets.rows import Row, read_rows, read_sheet
from microcalc.datasets.shapes import everywhere
from microcalc.datasets.via_regions import ATTRIBUTES, FILE, SHAPE, DrawnRegion, drawn_region
from microcalc.datasets.words import Density, density_of, number_of, pathology_of, side_of
from microcalc.errors import ReadError
from microcalc.truth import Ignored, ImageTruth, Pathology, TrueCalcification, TrueCluster

_SHEET, _REGIONS = "Radiology*manual*annotations*.xlsx", "Radiology*hand*drawn*segmentations*.csv"
_NAME, _DENSITY, _PATHOLOGY = "image_name", "breast density (acr)", "pathology classification/ follow up"
_COLUMNS = (_NAME, "age", _DENSITY, "birads", "findings", "machine", _PATHOLOGY)
_IMAGE = re.compile(r"(?P<patient>P\d+)_(?P<side>[LR])_(?P<kind>DM|CM)_(?P<view>CC|MLO)\w*")
_SUFFIXES = (".jpg", ".jpeg", ".png")
_KINDS = {"low_energy": ("DM",), "subtracted": ("CM",), "both": ("DM", "CM")}
_BETWEEN = "$"
_CALCIFICATION, _NORMAL = "calcif", "normal"


class CddCesmOptions(Options):
    """Options of CDD-CESM."""

    images: Literal["low_energy", "subtracted", "both"] = Field(
        default="low_energy", description="Low-energy images look like digital mammograms; subtracted ones do not."
    )
    spacing_mm: float | None = Field(default=None, gt=0, description="Pixel spacing, where a user knows it, mm.")


@dataclass(frozen=True)
class _Name:
    """The name of an image, and its parts."""

    text: str
    patient: str
    side: str
    kind: str
    view: str

    @property
    def breast(self) -> tuple[str, str]:
        """Patient and side."""
        return self.patient, self.side


@dataclass(frozen=True)
class _Said:
    """What the sheet says of one image."""

    #: In lower case, without "normal".
    findings: tuple[str, ...]
    normal: bool
    #: BI-RADS categories, one for each finding where they are as many.
    assessments: tuple[str, ...]
    pathology: Pathology | None
    density: Density | None
    age: float | None
    machine: str

    @property
    def calcified(self) -> bool:
        """Whether calcifications are among the findings."""
        return any(_CALCIFICATION in finding for finding in self.findings)


def read(root: Path, options: CddCesmOptions, make_executor: MakeExecutor | None) -> Listing:
    """List the images of the sheet; of their files, headers alone are read.

    Raises:
        ReadError: not the folder of CDD-CESM, a table lacks columns, or no image is there.
    """
    check_root(root, "CDD-CESM", "Radiology-manual-annotations.xlsx", lambda folder: any(folder.glob(_SHEET)))
    sheet = next(root.glob(_SHEET))
    table = read_sheet(sheet, _COLUMNS, sheet="all")
    rows = _by_image(table, _NAME)
    chosen = [name for name in rows if name.kind in _KINDS[options.images]]
    paths = (path for path in sorted(root.rglob("*")) if path.suffix.lower() in _SUFFIXES)
    files = {name: path for path in paths if (name := _name_in(path.stem))}
    densities = _densities(rows)
    regions, problems = _regions(root)
    problems += _unnamed(sheet.name, table)
    records = []
    for name in filter(files.__contains__, chosen):
        place = files[name].relative_to(root).as_posix()
        try:
            said = _said(rows[name], densities.get(name.breast, ""))
            drawn = [region for row in regions.get(name, ()) if (region := drawn_region(row))]
            records.append(Record(files[name], *_known(files[name], place, name, said, drawn, options)))
        except ReadError as error:
            problems.append(left_out(place, error))
    missing = [f"{name.text}.jpg" for name in chosen if name not in files]
    return Listing(root, tuple(records), (*problems, *missing_files(missing, len(chosen), root)))


def _name_in(text: str) -> _Name | None:
    """The name that a text begins with; blanks and suffixes may follow."""
    match = _IMAGE.match(text)
    return None if match is None else _Name(match[0], **match.groupdict())


def _by_image(rows: Sequence[Row], column: str) -> Mapping[_Name, Sequence[Row]]:
    """Rows by the image that a column names."""
    by_image: dict[_Name, list[Row]] = defaultdict(list)
    for row in rows:
        if name := _name_in(row[column]):
            by_image[name].append(row)
    return by_image


def _unnamed(sheet: str, table: Sequence[Row]) -> list[Problem]:
    """A problem where rows name no image as the set does."""
    names = [row[_NAME] for row in table if _name_in(row[_NAME]) is None]
    if not names:
        return []
    found = f"{names[0]!r} ({len(names)} such)"
    do = "download it again; these rows are left out"
    return [Problem(kind="left out", path=sheet, expected="names such as P1_L_DM_MLO", found=found, do=do)]


def _regions(root: Path) -> tuple[Mapping[_Name, Sequence[Row]], list[Problem]]:
    """Rows of the table of regions by image, and a problem where there is no such table."""
    path = next(root.glob(_REGIONS), None)
    if path is not None:
        return _by_image(read_rows(path, (FILE, SHAPE, ATTRIBUTES)), FILE), []
    name = "Radiology_hand_drawn_segmentations_v2.csv"
    do = "download it, too; without it images are known as a whole"
    return {}, [Problem(kind="missing", path=name, expected="regions drawn by hand", found="none", do=do)]


def _densities(rows: Mapping[_Name, Sequence[Row]]) -> Mapping[tuple[str, str], str]:
    """Density of each breast, from whichever of its images has it."""
    return {name.breast: row[_DENSITY] for name, about in rows.items() for row in about if row[_DENSITY].isalpha()}


def _said(rows: Sequence[Row], density: str) -> _Said:
    """What the rows about an image say together.

    Raises:
        ReadError: a cell makes no sense.
    """
    findings = [word.strip().lower() for row in rows for word in row["findings"].split(_BETWEEN) if word.strip()]
    pathology = rows[0][_PATHOLOGY].lower()
    return _Said(
        findings=tuple(finding for finding in findings if _NORMAL not in finding),
        normal=bool(findings) and all(_NORMAL in finding for finding in findings),
        assessments=tuple(word for row in rows for word in re.findall(r"\d[abc]?", row["birads"].lower())),
        pathology=None if _NORMAL in pathology else pathology_of(pathology),
        density=density_of(density),
        age=number_of(rows[0]["age"].strip("_")),
        machine=rows[0]["machine"],
    )


def _known(
    path: Path, place: str, name: _Name, said: _Said, drawn: Sequence[DrawnRegion], options: CddCesmOptions
) -> tuple[ImageTruth, Facts]:
    """Truth and facts of an image.

    Raises:
        ReadError: its file is damaged.
    """
    header = stated(path)
    calcifications, clusters, others, ignored = _sorted(said, drawn)
    if said.calcified and not drawn:
        ignored = (everywhere(header.rows, header.columns, "calcifications that nobody has outlined"),)
    spacing = options.spacing_mm
    truth = ImageTruth(
        path=place,
        patient=name.patient,
        normal=False if said.calcified else True if said.normal and not drawn else None,
        side=side_of(name.side),
        view=name.view,
        rows=header.rows,
        columns=header.columns,
        spacing_mm=None if spacing is None else (spacing, spacing),
        density=said.density,
        age=said.age,
        calcifications=calcifications,
        clusters=clusters,
        ignore=ignored,
    )
    remarks = ["subtracted image"] if name.kind == "CM" else []
    remarks += [f"machine {said.machine}"] if said.machine else []
    remarks += [f"findings: {', '.join(said.findings)}"] if len(said.findings) > 1 else []
    assessment = max(said.assessments, default=None)
    facts = Facts(assessment=assessment, pathology=said.pathology, others=others, film=False, remarks=tuple(remarks))
    return truth, facts


_Sorted = tuple[tuple[TrueCalcification, ...], tuple[TrueCluster, ...], tuple[OtherFinding, ...], tuple[Ignored, ...]]


def _sorted(said: _Said, drawn: Sequence[DrawnRegion]) -> _Sorted:
    """Calcifications, clusters, other findings, and regions of which nobody says what they are."""
    calcifications, clusters, others, ignored = [], [], [], []
    for region in drawn:
        kinds = (region.name,) if region.name else said.findings
        calcified = [_CALCIFICATION in kind for kind in kinds]
        # Biopsies are of the image as a whole: of its one finding, if it has no other.
        pathology = said.pathology if len(said.findings) == 1 else None
        if calcified and all(calcified):
            if region.polygon is None:
                calcifications.append(TrueCalcification(x=region.x, y=region.y, pathology=pathology))
            else:
                clusters.append(TrueCluster(bbox=region.bbox, polygon=region.polygon, pathology=pathology))
        elif any(calcified):
            reason = f"one of {', '.join(kinds)}"
            ignored.append(Ignored(bbox=region.bbox, polygon=region.polygon, reason=reason))
        else:
            assessment = said.assessments[0] if len(said.findings) == len(said.assessments) == 1 else None
            others.append(
                OtherFinding(
                    kind=" or ".join(kinds) or "unknown",
                    bbox=region.bbox,
                    polygon=region.polygon,
                    pathology=pathology,
                    assessment=assessment,
                )
            )
    return tuple(calcifications), tuple(clusters), tuple(others), tuple(ignored)
