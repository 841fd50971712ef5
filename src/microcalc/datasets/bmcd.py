"""BMCD: digital mammograms in pairs, recent and prior, with every calcification marked, and biopsies.

A folder is one breast of one patient, as far as is known: folder 5 of the normal cases and folder 5 of the suspicious
ones are two patients. Both examinations are listed; ``Facts.exam`` tells them apart.

Marks of a recent mammogram have the result of the biopsy. Those of its prior are of unknown pathology: nobody took a
biopsy then. Those of normal cases (BI-RADS 1 and 2) are benign, as assessed, not as proven.
"""

from __future__ import annotations

import itertools
import re
from collections.abc import Mapping
from pathlib import Path
from typing import Literal, NamedTuple

from pydantic import Field

from microcalc.batch import MakeExecutor, work
from microcalc.datasets.bmcd_description import NAME, Description, Exam, Group, read_descriptions
from microcalc.datasets.bmcd_marks import Found, Sought, died, find_marks
from microcalc.datasets.folders import check_root, missing_files
from microcalc.datasets.headers import Stated
from microcalc.datasets.listing import Listing, Options, Problem
from microcalc.datasets.outlines import outlined
from microcalc.datasets.record import Facts, Record
from microcalc.findings import Spacing
from microcalc.mammogram import Side
from microcalc.truth import ImageTruth, Pathology

_GROUP = re.compile(r"(normal|suspicious)[ _-]?cases", re.IGNORECASE)
_FILE = re.compile(r"(CC|MLO)_(prior|recent)(_GT)?\.(dcm|jpe?g|png)", re.IGNORECASE)
_GROUPS: Mapping[str, Group] = {"normal": "normal", "suspicious": "suspicious"}
_EXAMS: Mapping[str, Exam] = {"recent": "recent", "prior": "prior"}


class BmcdOptions(Options):
    """What may be chosen of BMCD.

    Terrassin et al. (section 4.1) keep those suspicious cases alone whose biopsy found MALIGNANT or DCIS.
    """

    suspicious: Literal["all", "malignant"] = Field(
        default="all", description="All suspicious cases, or those alone whose biopsy found malignancy."
    )
    exam: Literal["both", "recent", "prior"] = "both"
    spacing_mm: float | None = Field(
        default=None, gt=0.0, description="Pixel spacing, mm, of files whose headers state none."
    )


class _Name(NamedTuple):
    """Which mammogram: group of cases, number of the folder, view and examination."""

    group: Group
    folder: int
    view: str
    exam: Exam

    @property
    def case(self) -> tuple[Group, int]:
        """As of the workbook."""
        return self.group, self.folder

    @property
    def patient(self) -> str:
        return f"{self.group}-{self.folder}"

    def __str__(self) -> str:
        """Its file below the folder of its group, without an ending."""
        return f"{self.folder}/{self.view}_{self.exam}"


def read(root: Path, options: BmcdOptions, make_executor: MakeExecutor | None) -> Listing:
    """List all mammograms; the pictures of their marks are decoded, one at a time a process.

    Raises:
        ReadError: the folder is not the root of the set, its workbook is damaged, or all mammograms or all marks are
            missing.
    """
    check_root(root, "BMCD", "the folders Normal_cases and Suspicious_cases", lambda folder: bool(_groups(folder)))
    images, marked = _files(root)
    descriptions, problems = _descriptions(root)
    problems += _missing(root, images, marked, descriptions)
    wanted = [name for name in sorted(images) if _is_wanted(name, options, descriptions.get(name.case))]
    sought = {name: Sought(root, images[name], marked.get(name)) for name in wanted}
    found = dict(work(list(sought.values()), find_marks, died, make_executor))
    spacing = None if options.spacing_mm is None else (options.spacing_mm, options.spacing_mm)
    records = []
    for name, task in sought.items():
        description = descriptions.get(name.case, Description())
        problems += found[task].problems
        stated = found[task].stated
        if stated is not None:
            path = task.image.relative_to(root).as_posix()
            problems += _two_sides(path, stated.side, description.side)
            truth = _truth(name, path, stated, found[task], description, spacing)
            records.append(Record(task.image, truth, _facts(name, stated, description)))
    return Listing(root, tuple(records), tuple(problems))


def _is_wanted(name: _Name, options: BmcdOptions, description: Description | None) -> bool:
    if options.exam not in ("both", name.exam):
        return False
    malignant = description is not None and description.biopsy == "malignant"
    return options.suspicious == "all" or name.group == "normal" or malignant


def _groups(root: Path) -> list[tuple[Group, Path]]:
    """The folders of both groups, in the root or in a folder below it (``Dataset_v3``)."""
    folders = sorted(path for path in itertools.chain(root.glob("*"), root.glob("*/*")) if path.is_dir())
    return [(_GROUPS[named[1].lower()], path) for path in folders if (named := _GROUP.fullmatch(path.name))]


def _files(root: Path) -> tuple[dict[_Name, Path], dict[_Name, Path]]:
    """The mammograms, and the pictures of their marks, by name."""
    images: dict[_Name, Path] = {}
    marked: dict[_Name, Path] = {}
    for group, folder in _groups(root):
        for path in sorted(folder.glob("*/*")):
            file = _FILE.fullmatch(path.name)
            if file and path.parent.name.isdecimal():
                name = _Name(group, int(path.parent.name), file[1].upper(), _EXAMS[file[2].lower()])
                (marked if file[3] else images).setdefault(name, path)
    return images, marked


def _descriptions(root: Path) -> tuple[dict[tuple[Group, int], Description], list[Problem]]:
    workbook = next(itertools.chain(root.glob(NAME), root.glob(f"*/{NAME}")), None)
    if workbook is None:
        do = "put it beside the folders of the cases: without it nothing is malignant"
        return {}, [Problem(kind="missing", path=NAME, expected="the set's workbook", found="none", do=do)]
    return read_descriptions(workbook, workbook.relative_to(root).as_posix())


def _missing(
    root: Path,
    images: Mapping[_Name, Path],
    marked: Mapping[_Name, Path],
    descriptions: Mapping[tuple[Group, int], Description],
) -> list[Problem]:
    """Word of mammograms and of marks that are not there: each folder has the views and examinations of the others."""
    present = [*images, *marked]
    folders = sorted({name.case for name in present} | set(descriptions))
    kinds = sorted({(name.view, name.exam) for name in present})
    expected = [_Name(*folder, *kind) for folder in folders for kind in kinds]
    places = {group: f"{group.capitalize()}_cases" for group in _GROUPS.values()}
    places |= {group: path.relative_to(root).as_posix() for group, path in _groups(root)}
    lacking = [f"{places[name.group]}/{name}.dcm" for name in expected if name not in images]
    unmarked = [f"{places[name.group]}/{name}_GT.jpg" for name in sorted(images) if name not in marked]
    return [
        *missing_files(lacking, len(expected), root),
        *missing_files(unmarked, len(images), root, "pictures of marks"),
    ]


def _two_sides(path: str, header: Side | None, workbook: Side | None) -> list[Problem]:
    """Word of a side on which header and workbook disagree."""
    if None in (header, workbook) or header == workbook:
        return []
    do = "look which it is; the header's is used"
    found = f"side {header} in its header"
    return [Problem(kind="contradiction", path=path, expected=f"side {workbook}, as in {NAME}", found=found, do=do)]


def _truth(
    name: _Name, path: str, stated: Stated, found: Found, description: Description, spacing_mm: Spacing | None
) -> ImageTruth:
    examined = description.exams[name.exam]
    spacing = stated.spacing_mm or spacing_mm
    pathology = _pathology(name, description)
    return ImageTruth(
        path=path,
        sop_instance_uid=stated.sop_instance_uid,
        patient=name.patient,
        study=f"{name.patient}-{name.exam}",
        normal=_normal(name, found, description),
        side=stated.side or description.side,
        view=name.view,
        rows=stated.rows,
        columns=stated.columns,
        spacing_mm=spacing,
        density=examined.density,
        age=examined.age or stated.age,
        vendor=stated.vendor,
        calcifications=tuple(outlined(mark, spacing, pathology=pathology) for mark in found.marks or ()),
    )


def _facts(name: _Name, stated: Stated, description: Description) -> Facts:
    proven = name.group == "suspicious" and name.exam == "recent"
    return Facts(
        assessment=description.exams[name.exam].assessment,
        pathology=description.biopsy if proven else None,
        film=False,
        exam="current" if name.exam == "recent" else "prior",
        processing=stated.processing,
        remarks=stated.warnings,
    )


def _pathology(name: _Name, description: Description) -> Pathology:
    if name.group == "normal":
        return "benign"
    return description.biopsy if name.exam == "recent" else "unknown"


def _normal(name: _Name, found: Found, description: Description) -> bool | None:
    """Free of calcifications: a normal case, looked through and without a mark, that is no BI-RADS 2 of any kind."""
    if found.marks:
        return False
    unmarked = name.group == "normal" and found.marks is not None
    return True if unmarked and description.exams["recent"].assessment in (None, "1") else None
