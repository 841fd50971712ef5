"""The inspection as one self-contained HTML page."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from microcalc.batch import MakeExecutor, work
from microcalc.datasets import Problem, Record
from microcalc.inspection.pictures import Picture, no_picture, picture
from microcalc.inspection.records import FAULTS, Fault, FaultKind, Inspection
from microcalc.output.html import page_style, read_asset, write_html
from microcalc.output.words import NOT_A_DEVICE, count

#: Of each kind of fault, those shown with pictures, and those named on the page; inspection.json has all.
MOST_PICTURES, MOST_NAMED = 12, 500


@dataclass(frozen=True)
class Shown:
    """A fault, and pictures of the image it is about and of the first other one."""

    fault: Fault
    pictures: tuple[Picture, ...]


@dataclass(frozen=True)
class Section:
    """All faults of one kind."""

    kind: FaultKind
    heading: str
    do: str
    shown: tuple[Shown, ...]
    named: tuple[Fault, ...]
    total: int


def write_page(
    inspection: Inspection, records: Sequence[Record], path: Path, make_executor: MakeExecutor | None = None
) -> None:
    """Write one HTML page: style and pictures inline, no script, nothing fetched, opens from disk.

    Args:
        inspection: what was found.
        records: of the data set.
        path: the page to write.
        make_executor: makes the pool that draws the pictures; None: they are drawn here.

    Raises:
        WriteError: the page cannot be written.
    """
    by_kind: defaultdict[FaultKind, list[Fault]] = defaultdict(list)
    for fault in inspection.faults:
        by_kind[fault.kind].append(fault)
    pictures = _pictures(by_kind, records, make_executor)
    splits = [count.value for count in inspection.counts["split"]]
    write_html(
        path,
        read_asset("microcalc.inspection", "inspection.html.j2"),
        (count,),
        inspection=inspection,
        sections=[_section(kind, by_kind[kind], pictures) for kind in FAULTS if kind in by_kind],
        problems=_problems(inspection.problems),
        splits=splits if len(splits) > 1 else [],
        most_named=MOST_NAMED,
        not_a_device=NOT_A_DEVICE,
        style=page_style("microcalc.inspection", "inspection.css"),
    )


def _pictures(
    by_kind: dict[FaultKind, list[Fault]], records: Sequence[Record], make_executor: MakeExecutor | None
) -> dict[str, Picture]:
    """Pictures of the images to show, by path; those that nothing can be drawn of are missing."""
    shown = [fault for kind, faults in by_kind.items() if kind != "unreadable" for fault in faults[:MOST_PICTURES]]
    wanted = {path for fault in shown for path in _to_show(fault)}
    tasks = list({record.truth.path: record for record in records if record.truth.path in wanted}.values())
    drawn = work(tasks, picture, no_picture, make_executor if len(tasks) > 1 else None)
    return {record.truth.path: made for record, made in drawn if made is not None}


def _to_show(fault: Fault) -> tuple[str, ...]:
    """The image that a fault is about, and the first other one."""
    return tuple(dict.fromkeys((fault.path, *fault.others[:1])))


def _section(kind: FaultKind, faults: Sequence[Fault], pictures: dict[str, Picture]) -> Section:
    heading, do = FAULTS[kind]
    with_pictures = [
        Shown(fault, tuple(pictures[path] for path in _to_show(fault) if path in pictures))
        for fault in faults[:MOST_PICTURES]
    ]
    shown = tuple(one for one in with_pictures if one.pictures)
    left = [fault for fault in faults if all(one.fault is not fault for one in shown)]
    return Section(kind, heading, do, shown, tuple(left[:MOST_NAMED]), len(faults))


def _problems(problems: Sequence[Problem]) -> dict[str, list[Problem]]:
    """By kind, what is wrong before what is only to be known."""
    by_kind: dict[str, list[Problem]] = {}
    for kind in ("missing", "unreadable", "contradiction", "left out", "note"):
        found = [problem for problem in problems if problem.kind == kind]
        if found:
            by_kind[kind] = found
    return by_kind
