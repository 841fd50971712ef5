"""INbreast (Moreira et al. 2012): 410 full-field mammograms with every lesion outlined.

The only key to a woman is in the name of a picture (:class:`~microcalc.datasets.inbreast_files.Picture`). A picture
without a list of regions has nothing marked. Labels are BI-RADS categories, not histology.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from pydantic import Field

from microcalc.batch import MakeExecutor
from microcalc.datasets.folders import check_root, left_out
from microcalc.datasets.headers import Stated, stated
from microcalc.datasets.inbreast_files import Files, Picture, is_root
from microcalc.datasets.inbreast_partition import Normals, displaced, normals, partition
from microcalc.datasets.inbreast_rois import read_muscle, read_rois
from microcalc.datasets.inbreast_truth import Classes, Labels, Reading, labels_of, muscle_outline
from microcalc.datasets.listing import Listing, Options, Problem, Trouble
from microcalc.datasets.record import Facts, Record
from microcalc.datasets.rows import Row
from microcalc.datasets.splits import without_leaks
from microcalc.datasets.words import density_of
from microcalc.errors import ReadError
from microcalc.findings import Spacing
from microcalc.mammogram import Side
from microcalc.truth import ImageTruth, Polygon, Split


class InbreastOptions(Options):
    """How INbreast is read."""

    partition: Literal["report", "none"] = Field(
        default="report", description="The split of the calcification report, with a validation part of our own."
    )
    normals: Normals = Field(default="checked", description="Which images count as free of calcifications.")
    displaced_labels: bool = Field(
        default=False, description="Keep the five images whose labels are displaced from their lesions."
    )
    ignore_over_mm: float = Field(
        default=1.0, gt=0.0, description="Calcifications of a larger Feret diameter are to be ignored, mm."
    )
    ignore_clusters: bool = Field(default=True, description="Whether what lies in outlines of clusters is ignored.")
    classes: Classes = Field(
        default="none", description="terrassin: clusters are malignant, calcifications of their own benign."
    )
    spacing_mm: float = Field(default=0.07, gt=0.0, description="Pixel pitch where a file states none, mm.")


def read(root: Path, options: InbreastOptions, make_executor: MakeExecutor | None) -> Listing:
    """List the pictures with what is marked on them; of pictures, headers alone are read.

    Raises:
        ReadError: not INbreast, pictures without any list of regions, or a sheet that cannot be read.
    """
    check_root(root, "INbreast", "AllDICOMs, AllXML and INbreast.csv", is_root)
    files = Files.below(root)
    problems = [*files.problems, *_unknown(files)]
    sides: Mapping[str, Split] = partition() if options.partition == "report" else {}
    free = None if options.normals == "unlabelled" else normals(options.normals)
    out = frozenset() if options.displaced_labels else displaced()
    records: list[Record] = []
    for picture in files.pictures.values():
        place = picture.path.relative_to(root).as_posix()
        if picture.image in out:
            problems.append(_displaced(place))
            continue
        try:
            image = _Image.of(picture, files, options)
            records.append(image.record(place, sides.get(picture.image), free))
        except ReadError as error:
            problems.append(_left_out(error, root, place))
        else:
            problems += image.problems(root, place, free)
    # Validation was drawn by exams, and a woman who came twice may have one on either side; the report's own test part
    # is not touched.
    drawn = [record for record in records if record.truth.split in ("train", "validation")]
    others = [record for record in records if record.truth.split not in ("train", "validation")]
    whole, torn = without_leaks(drawn, side="train")
    return Listing(root, tuple(sorted((*whole, *others), key=lambda r: r.truth.path)), (*problems, *torn))


@dataclass(frozen=True)
class _Image:
    """All that is known of a picture."""

    picture: Picture
    header: Stated
    row: Row
    labels: Labels
    #: The edge of the pectoral muscle, closed; or why it cannot be read.
    muscle: Polygon | ReadError | None
    #: Of the list of regions with itself.
    disagreements: tuple[str, ...]
    spacing_mm: Spacing

    @classmethod
    def of(cls, picture: Picture, files: Files, options: InbreastOptions) -> _Image:
        """Read it.

        Raises:
            ReadError: its header or its list of regions is damaged.
        """
        header = stated(picture.path)
        shape, spacing = (header.rows, header.columns), header.spacing_mm or (options.spacing_mm, options.spacing_mm)
        listed = read_rois(files.rois[picture.image]) if picture.image in files.rois else None
        reading = Reading(spacing, shape, options.ignore_over_mm, options.ignore_clusters, options.classes)
        return cls(
            picture,
            header,
            files.sheet.get(picture.image, {}),
            labels_of(listed.rois, reading) if listed else Labels(),
            _muscle(files.muscles.get(picture.image), picture.side, shape),
            listed.disagreements if listed else (),
            spacing,
        )

    def normal(self, free: frozenset[str] | None) -> bool | None:
        """Whether it is free of calcifications; ``free``: ids of the images that a list says are, None: no list."""
        if self.labels.calcifications or self.labels.clusters:
            return False
        listed = not self._flagged if free is None else self.picture.image in free
        return True if listed and not self.labels.calcium else None

    def record(self, place: str, side: Split | None, free: frozenset[str] | None) -> Record:
        """The record; ``place`` is the path below the root, POSIX."""
        month = self.row.get("acquisition date")
        truth = ImageTruth(
            path=place,
            sop_instance_uid=self.header.sop_instance_uid,
            patient=self.picture.patient,
            study=self.header.study or (f"{self.picture.patient}_{month}" if month else None),
            split=side,
            normal=self.normal(free),
            side=self.picture.side,
            view=self.picture.view,
            rows=self.header.rows,
            columns=self.header.columns,
            spacing_mm=self.spacing_mm,
            density=density_of(self.row.get("acr", "")),
            age=self.header.age,
            vendor=self.header.vendor,
            calcifications=self.labels.calcifications,
            clusters=self.labels.clusters,
            ignore=self.labels.ignore,
        )
        facts = Facts(
            assessment=self.row.get("bi-rads", "").lower() or None,
            others=self.labels.others,
            pectoral_muscle=None if isinstance(self.muscle, ReadError) else self.muscle,
            processing=self.header.processing,
            film=False,
            remarks=(*self.labels.remarks, *self.disagreements, *self.header.warnings),
        )
        return Record(self.picture.path, truth, facts)

    def problems(self, root: Path, place: str, free: frozenset[str] | None) -> Iterator[Problem]:
        """What its sources say against each other."""

        def problem(kind: Trouble, expected: str, found: str, do: str) -> Problem:
            return Problem(kind=kind, path=place, expected=expected, found=found, do=do)

        if isinstance(self.muscle, ReadError):
            yield _left_out(self.muscle, root, place)
        for text in self.disagreements:
            yield problem("contradiction", "the counts that its XML states", text, "what is there is used")
        for text in self.labels.remarks:
            yield problem("contradiction", "regions within the image", text, "look at it, if it matters")
        if self.labels.doubtful:
            found = f"{self.labels.doubtful} regions without a name that says what they are"
            yield problem("note", "regions named as lesions", found, "nothing: they are regions to ignore")
        named = {"laterality": self.picture.side, "view": self.picture.view}
        for column, value in named.items():
            said = self.row.get(column, "").upper()
            if said and said != value:
                yield problem("contradiction", f"the {column} {value}, as the name says", f"{said} in the sheet", _NAME)
        if free is not None and self.picture.image in free and self.labels.calcium:
            yield problem("contradiction", "nothing marked: it is on the list of normals", "calcifications", _MARKED)
        if self._flagged and not self.labels.calcium:
            yield problem("contradiction", "calcifications: the sheet has them", "none marked", _UNMARKED)

    @property
    def _flagged(self) -> bool:
        """Whether the workbook says that it shows microcalcifications; the CSV has no such column."""
        return self.row.get("micros", "").upper() == "X"


def _muscle(path: Path | None, side: Side, shape: tuple[int, int]) -> Polygon | ReadError | None:
    try:
        return None if path is None else muscle_outline(read_muscle(path), side, shape)
    except ReadError as error:
        return error


def _left_out(error: ReadError, root: Path, place: str) -> Problem:
    """What to say of the file that an error is about; where it names none, of the picture."""
    return left_out(place if error.where is None else Path(error.where).relative_to(root).as_posix(), error)


_NAME = "the name of the file is believed"
_MARKED = "what is marked is believed; it is no normal image here"
_UNMARKED = "look at it before you rely on it"


def _unknown(files: Files) -> Iterator[Problem]:
    """That the lists do not know some pictures."""
    unknown = files.pictures.keys() - partition().keys()
    if unknown:
        yield Problem(
            kind="note",
            path=".",
            expected="the 410 pictures of INbreast, by their numbers",
            found=f"{len(unknown)} others, such as {min(unknown)}",
            do="nothing; no list says on which side of the split they are, or whether they are normal",
        )


def _displaced(place: str) -> Problem:
    return Problem(
        kind="left out",
        path=place,
        expected="labels that lie on their lesions",
        found="displaced ones, as the calcification report's repository lists them",
        do="nothing, or keep it with displaced_labels=true",
    )
