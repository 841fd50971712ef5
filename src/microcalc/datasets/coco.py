"""A user's own images with a COCO annotation file: boxes, polygons and masks, sorted by their categories' names.

Keys beside COCO's own say more of an image (those of :data:`~microcalc.datasets.own_data.IMAGE_FACTS`) or of an
annotation (pathology, morphology, distribution, diameter_mm).
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Literal

import cv2
import numpy as np
from pydantic import ConfigDict, Field, TypeAdapter

from microcalc.batch import MakeExecutor
from microcalc.datasets.coco_file import CocoBox, CocoEntry, CocoImage, images_by_id, parse_coco
from microcalc.datasets.coco_masks import decode_mask
from microcalc.datasets.folders import left_out, missing_files, posix_path
from microcalc.datasets.listing import Listing, Problem
from microcalc.datasets.outlines import box_of, outlined, outlines
from microcalc.datasets.own_data import (
    CALCIFICATION,
    CLUSTER,
    IGNORE,
    MARK_FACTS,
    Mark,
    OwnOptions,
    facts_in,
    own_record,
)
from microcalc.datasets.record import Record
from microcalc.datasets.shapes import HALF_PIXEL, polygon
from microcalc.datasets.words import number_of
from microcalc.errors import ReadError
from microcalc.truth import Polygon

_EXPECTED = "a COCO annotation file with images, annotations and categories"
#: Key at fault -> what to do.
_REMEDIES = {
    "bbox": "write x, y, width and height in pixels of the image, finite and the latter two not negative",
    "segmentation": "write polygons as lists of x, y, x, y ..., or a mask as counts and size",
}
_CORNERS = 3


class CocoOptions(OwnOptions):
    """Options of COCO annotation files; names of categories in any letter case, with commas between."""

    calcification: str = Field(
        default="calcification,calcifications,microcalcification,microcalcifications",
        description="Categories of single calcifications.",
    )
    cluster: str = Field(
        default="cluster,clusters,calcification cluster,microcalcification cluster",
        description="Categories of clusters of calcifications.",
    )
    ignore: str = Field(default="ignore,ignored", description="Categories of regions to ignore.")


class _Open(CocoEntry):
    """An entry with further keys of a user's own."""

    model_config = ConfigDict(extra="allow")

    @property
    def cells(self) -> dict[str, str]:
        """The further keys that hold text or numbers, as a table would have them."""
        extra = self.model_extra or {}
        return {key.lower(): str(value).strip() for key, value in extra.items() if isinstance(value, str | int | float)}


class _Image(CocoImage, _Open):
    pass


class _Mask(CocoEntry):
    counts: str | list[int]
    size: tuple[int, int]


class _Annotation(_Open):
    image_id: int | str
    category_id: int
    bbox: CocoBox | None = None
    segmentation: list[list[float]] | _Mask | None = None
    iscrowd: Literal[0, 1] = 0


class _Category(CocoEntry):
    id: int
    name: str


class _File(CocoEntry):
    images: list[_Image]
    annotations: list[_Annotation]
    categories: list[_Category]


def read(root: Path, options: CocoOptions, make_executor: MakeExecutor | None) -> Listing:
    """List the images of an annotation file, whose headers are read; one with an annotation that makes no sense is
    left out.

    Raises:
        ReadError: no such file, it is damaged, or no image is there.
    """
    if root.is_dir():
        raise ReadError(expected="a COCO annotation file", found="a folder", do="name the file itself", where=root)
    file = parse_coco(TypeAdapter(_File), root.read_bytes(), root, _EXPECTED, _REMEDIES)
    images = images_by_id(file.images, root)
    labels = _labels(file.categories, options)
    annotations: dict[int | str, list[_Annotation]] = defaultdict(list)
    for annotation in file.annotations:
        annotations[annotation.image_id].append(annotation)
    folder = _image_folder(root, [image.file_name for image in file.images], options)
    records, missing, problems = [], [], [*_categories(root, file, labels), *_strangers(root, annotations, images)]
    for key, image in images.items():
        place = posix_path(image.file_name)
        if not (folder / place).is_file():
            missing.append(place)
            continue
        try:
            marks = [mark for annotation in annotations[key] if (mark := _mark(annotation, labels))]
            records.append(_sized(own_record(folder / place, place, facts_in(image.cells), marks, options), image))
        except ReadError as error:
            problems.append(left_out(place, error))
    return Listing(folder, tuple(records), (*problems, *missing_files(missing, len(images), folder)))


def _image_folder(path: Path, names: Sequence[str], options: CocoOptions) -> Path:
    """The folder that the images' paths begin in: that of the options, or where the first image is found."""
    if options.images is not None:
        return (path.parent / options.images).resolve()
    folders = (path.parent, path.parent / "images", path.parent.parent, path.parent.parent / "images")
    return next((f for f in folders if any((f / posix_path(name)).is_file() for name in names[:1])), path.parent)


def _labels(categories: Sequence[_Category], options: CocoOptions) -> dict[int, str]:
    """What each category is: calcification, cluster, ignore, or its own name in lower case."""
    named = {CALCIFICATION: options.calcification, CLUSTER: options.cluster, IGNORE: options.ignore}
    label_of = {name.strip().lower(): label for label, names in named.items() for name in names.split(",")}
    return {
        category.id: label_of.get(category.name.strip().lower(), category.name.strip().lower())
        for category in categories
    }


def _categories(path: Path, file: _File, labels: Mapping[int, str]) -> list[Problem]:
    """A note of the categories that are taken for other findings than calcifications."""
    used = {annotation.category_id for annotation in file.annotations}
    others = sorted({label for key, label in labels.items() if key in used} - {CALCIFICATION, CLUSTER, IGNORE})
    if not others:
        return []
    return [
        Problem(
            kind="note",
            path=path.name,
            expected="calcification, cluster and ignore, by the names that the options give them",
            found=f"other categories as well: {', '.join(others)}",
            do="if one of them is calcium, say so: ?calcification=NAME or ?cluster=NAME",
        )
    ]


def _strangers(
    path: Path, annotations: Mapping[int | str, Sequence[_Annotation]], images: Mapping[int | str, _Image]
) -> list[Problem]:
    """A problem where annotations are about images that the file does not list."""
    strangers = [key for key in annotations if key not in images]
    if not strangers:
        return []
    found = f"{strangers[0]!r}" + (f" ({len(strangers)} such)" if len(strangers) > 1 else "")
    do = "complete the images; these annotations are left out"
    return [Problem(kind="contradiction", path=path.name, expected="image_id of listed images", found=found, do=do)]


def _sized(record: Record, image: _Image) -> Record:
    """The record, once its file has the size that the annotations are for."""
    rows, columns = record.truth.rows, record.truth.columns
    if image.shape in (None, (rows, columns)):
        return record
    raise ReadError(
        expected=f"{image.height} rows and {image.width} columns, as its annotations say",
        found=f"{rows} rows and {columns} columns",
        do="use the image that was annotated",
    )


def _mark(annotation: _Annotation, labels: Mapping[int, str]) -> Mark:
    """What an annotation says.

    Raises:
        ReadError: it has no place, or a category that nothing explains.
    """
    if annotation.category_id not in labels:
        found = f"{annotation.category_id}"
        raise ReadError(expected="a category_id of the categories", found=found, do="complete the categories")
    label = IGNORE if annotation.iscrowd else labels[annotation.category_id]
    outline, cells = _outline(annotation), annotation.cells
    said = {name: cells.get(name, "") for name in MARK_FACTS}
    diameter = number_of(cells.get("diameter_mm", ""))
    if outline is not None:
        centred = outlined(outline, None)
        return Mark(label, centred.x, centred.y, box_of(outline), outline, diameter, said)
    if annotation.bbox is None:
        raise ReadError(expected="a bbox or a segmentation", found="neither", do="complete the annotation")
    x, y, width, height = annotation.bbox
    x0, y0 = x - HALF_PIXEL, y - HALF_PIXEL
    box = (x0, y0, x0 + width, y0 + height) if width and height else None
    return Mark(label, x0 + width / 2, y0 + height / 2, box, None, diameter, said)


def _outline(annotation: _Annotation) -> Polygon | None:
    """The polygon of an annotation; of several parts, their convex hull; None where it has none.

    Raises:
        ReadError: a mask that does not fit, or corners without a y.
    """
    shape = annotation.segmentation
    try:
        parts = outlines(decode_mask(shape.counts, shape.size)) if isinstance(shape, _Mask) else _polygons(shape or ())
    except ValueError as error:
        raise ReadError(
            expected="a polygon, or a mask that fits its size", found=str(error), do="export it again"
        ) from error
    if len(parts) < 2:
        return parts[0] if parts else None
    corners = np.array([corner for part in parts for corner in part], np.float32)
    return polygon(*cv2.convexHull(corners)[:, 0].T.tolist())


def _polygons(parts: Sequence[Sequence[float]]) -> list[Polygon]:
    """The parts of a segmentation that have an area.

    Raises:
        ValueError: a part has an x without a y.
    """
    if any(len(part) % 2 for part in parts):
        raise ValueError("an x without a y")
    return [
        polygon(*(np.array(part).reshape(-1, 2).T - HALF_PIXEL).tolist()) for part in parts if len(part) >= 2 * _CORNERS
    ]
