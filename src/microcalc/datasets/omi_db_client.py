"""One client of OMI-DB: her pictures, what is marked on them, and what came of it.

The library ``omidb`` passes over what it cannot parse without a word: clients, studies that belong to no episode, marks
without numbers. Here each of these is a problem.
"""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Collection, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

from microcalc.datasets.folders import ended, left_out
from microcalc.datasets.headers import Stated, stated
from microcalc.datasets.listing import Problem, Trouble
from microcalc.datasets.omi_db_marks import Filters, Marks, marks_of
from microcalc.datasets.record import Facts, Record
from microcalc.errors import ReadError
from microcalc.truth import ImageTruth, Pathology

if TYPE_CHECKING:
    from omidb.client import Client
    from omidb.episode import Episode
    from omidb.image import Image

Processing = Literal["presentation", "processing", "both"]


def library(root: Path) -> Any:
    """The package omidb, which brings much along.

    Raises:
        ReadError: it is not installed.
    """
    try:
        import omidb
    except ImportError as error:
        raise ReadError(
            expected="the package omidb, to read OMI-DB",
            found=f"no {error.name}",
            do='pip install "microcalc[data]"',
            where=root,
        ) from error
    return omidb


@dataclass(frozen=True)
class Task:
    """A client to be read."""

    root: Path
    #: Her JSON files, in a folder of her name.
    data: Path
    #: Her pictures, in a folder of her name.
    images: Path
    #: Which pictures.
    processing: Processing
    filters: Filters

    def problem(self, kind: Trouble, expected: str, found: str, do: str, path: Path | None = None) -> Problem:
        """Something about one of her files; ``path`` None: about her JSON files."""
        place = (path or self.data).relative_to(self.root).as_posix()
        return Problem(kind=kind, path=place, expected=expected, found=found, do=do)


@dataclass(frozen=True)
class Found:
    """What came of reading a client."""

    records: tuple[Record, ...] = ()
    problems: tuple[Problem, ...] = ()
    #: Pictures that the history names and that are not there, POSIX below the root; and how many it names.
    missing: tuple[str, ...] = ()
    named: int = 0
    #: Pictures of the processing that was not asked for.
    passed_over: int = 0


def read_client(task: Task) -> Found:
    """Read a client's history, and the headers of her pictures.

    Raises:
        ReadError: the package omidb is not installed.
    """
    client = _history(task)
    if client is None:
        do = "look for damaged JSON: the library cannot parse it"
        return Found(problems=(task.problem("unreadable", "her history and a list of her pictures", "neither", do),))
    marked = _marks_stated(task.data)
    healthy = not marked and _is_healthy(client)
    records, problems, missing, passed_over = [], [], [], 0
    named = {task.images / study / f"{image.id}.dcm": (episode, study, image) for episode, study, image in _all(client)}
    for path, of in named.items():
        place = path.relative_to(task.root).as_posix()
        if not path.exists():
            missing.append(place)
            continue
        try:
            header = stated(path)
            if _is_unwanted(header, task.processing):
                passed_over += 1
                continue
            marks = _marks(*of, header, marked, task.filters)
        except ReadError as error:
            problems.append(left_out(place, error))
            continue
        records.append(_record(task, path, header, marks, of, healthy))
        problems += [_outside(place, remark) for remark in marks.remarks]
    problems += _unnamed(task, named)
    return Found(tuple(records), tuple(problems), tuple(missing), len(named), passed_over)


def died(task: Task) -> Found:
    """What there is of a client whose pictures took the process down."""
    return Found(problems=(ended(task.images.relative_to(task.root).as_posix()),))


def _history(task: Task) -> Client | None:
    """The client as the library has her; None where it cannot parse her."""
    data, images = task.data.parent, task.images.parent
    return next(iter(library(task.root).DB(data, images, clients=[task.data.name])), None)


def _all(client: Client) -> Iterator[tuple[Episode, str, Image]]:
    """Every picture with its episode and study."""
    for episode in client.episodes:
        for study in episode.studies:
            for series in study.series:
                for image in series.images:
                    yield episode, study.id, image


def _marks_stated(folder: Path) -> Counter[str]:
    """How many marks each image of a client has; the library leaves out those that it cannot parse."""
    path = next(path for path in sorted(folder.iterdir()) if path.name.lower() == f"imagedb_{folder.name}.json")
    studies = json.loads(path.read_text("utf-8")).get("STUDIES") or {}
    entries = [study for study in studies.values() if isinstance(study, dict)]
    series = [part for study in entries for part in study.values() if isinstance(part, dict)]
    return Counter({image: len(marks) for part in series for image, marks in part.items() if marks})


def _is_healthy(client: Client) -> bool:
    """Whether no cancer is known and no tissue was ever taken (Mračko et al.: no histopathological record)."""
    events = [episode.events for episode in client.episodes if episode.events]
    taken = any(event.biopsy_wide or event.biopsy_fine or event.surgery for event in events)
    return client.status.name == "N" and not taken


def _is_unwanted(header: Stated, wanted: Processing) -> bool:
    """Whether it is of the processing that was not asked for; one that states none is meant for a reader."""
    kind = "processing" if header.processing == "FOR PROCESSING" else "presentation"
    return wanted not in (kind, "both")


def _marks(episode: Episode, study: str, image: Image, header: Stated, stated: Counter[str], filters: Filters) -> Marks:
    """What is marked on an image.

    Raises:
        ReadError: a mark has been lost, so that nobody knows where there may be calcium.
    """
    if len(image.marks) < stated[image.id]:
        raise ReadError(
            expected=f"{stated[image.id]} marks with a number and whole coordinates",
            found=f"{len(image.marks)} of them",
            do="mend its entry in the client's imagedb file",
        )
    # Marks name lesions by whole numbers.
    lesions = {str(int(number)): lesion for number, lesion in episode.lesions.items() if number.isdecimal()}
    return marks_of(image.marks, lesions, (header.rows, header.columns), filters)


def _record(
    task: Task, path: Path, header: Stated, marks: Marks, of: tuple[Episode, str, Image], healthy: bool
) -> Record:
    episode, study, image = of
    truth = ImageTruth(
        path=path.relative_to(task.root).as_posix(),
        sop_instance_uid=image.id,
        patient=task.data.name,
        study=study,
        normal=True if healthy else False if marks.clusters else None,
        side=header.side,
        view=header.view,
        rows=header.rows,
        columns=header.columns,
        spacing_mm=header.spacing_mm,
        age=header.age,
        vendor=header.vendor,
        clusters=marks.clusters,
        ignore=marks.ignore,
    )
    facts = Facts(
        pathology=_breast(episode, header),
        others=marks.others,
        film=False,
        processing=header.processing,
        remarks=(*marks.remarks, *header.warnings),
    )
    return Record(path, truth, facts)


def _breast(episode: Episode, header: Stated) -> Pathology | None:
    """What the tissue of the whole breast was found to be in the episode."""
    if episode.events is None or header.side is None:
        return None
    name = "left_opinion" if header.side == "L" else "right_opinion"
    events = filter(None, (episode.events.surgery, episode.events.biopsy_wide))
    opinions = {opinion.name for event in events if (opinion := getattr(event, name))}
    return "malignant" if "OM" in opinions else "benign" if "OB" in opinions else None


def _outside(place: str, remark: str) -> Problem:
    return Problem(
        kind="contradiction",
        path=place,
        expected="boxes within the picture",
        found=remark,
        do="nothing: both ways of reading it are regions to ignore",
    )


def _unnamed(task: Task, named: Collection[Path]) -> Iterator[Problem]:
    """That pictures are there which no episode of the history holds."""
    unnamed = sorted(path for path in task.images.glob("*/*.dcm") if path not in named)
    if unnamed:
        found = f"{len(unnamed)} pictures without one, such as {unnamed[0].name}"
        do = "nothing, if the download was to be of some episodes alone"
        yield task.problem("left out", "an episode for every picture", found, do, task.images)
