"""Detections from COCO results (https://cocodataset.org/#format-results).

Boxes are counted as :mod:`microcalc.datasets.coco_file` says.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path

import numpy as np
from pydantic import Field, TypeAdapter

from microcalc.comparison.rows import RESCALE, boxes_around, index_of, rows_by_image, take
from microcalc.comparison.systems import SystemImage, read_content
from microcalc.datasets.coco_file import CocoBox, CocoEntry, CocoImage, images_by_id, parse_coco
from microcalc.datasets.folders import posix_path
from microcalc.datasets.shapes import HALF_PIXEL
from microcalc.errors import ReadError, UsageError
from microcalc.evaluation.detections import Detections
from microcalc.findings import Score


class _Result(CocoEntry):
    image_id: int | str
    category_id: int | None = None
    bbox: CocoBox
    score: Score


class _Images(CocoEntry):
    images: list[CocoImage]


class _Scored(CocoEntry):
    """An annotation file whose annotations have scores."""

    images: list[CocoImage] = Field(default=[])
    annotations: list[_Result]


_RESULTS = "COCO results, a list of image_id, bbox [x, y, width, height] and score"
_NAMES = "a COCO annotation file with images of id and file_name"
#: Key at fault -> what to do.
_REMEDIES = {
    "score": f"{RESCALE}; annotations without scores are truth, not detections",
    "bbox": "write x, y, width and height in pixels of the original image, finite and the latter two not negative",
    "image_id": "name each image by its file, or by its number in the file of --coco-images",
}


def images_of_coco(content: bytes, path: Path, names: Path | None) -> tuple[SystemImage, ...]:
    """What COCO results say of each image.

    Args:
        content: a list of results, or an object with ``images`` and with ``annotations`` that have scores; an image
            listed there has been read, also where no annotation is about it.
        path: where that is from.
        names: annotation file whose ``images`` tell the file of each number in ``image_id``; None: they are files.

    Raises:
        ReadError: a file is damaged, or an entry makes no sense.
        UsageError: a number in ``image_id`` that nothing explains.
    """
    listed: Sequence[CocoImage] = ()
    if content.startswith(b"["):
        results = parse_coco(TypeAdapter(list[_Result]), content, path, _RESULTS, _REMEDIES)
    else:
        scored = parse_coco(TypeAdapter(_Scored), content, path, _RESULTS, _REMEDIES)
        results, listed = scored.annotations, scored.images
    _check_category(results, path)
    explained = {**images_by_id(_read_names(names), names), **images_by_id(listed, path)}
    keys = [*(image.id for image in listed), *(result.image_id for result in results)]
    file_of = _files(dict.fromkeys(keys), explained, path)
    files, image = index_of([file_of[key] for key in keys])
    shapes = {file_of[key]: explained[key].shape for key in file_of if key in explained}
    marks = _marks(results)
    return tuple(
        SystemImage(
            path=file,
            sop_instance_uid=None,
            marks=take(marks, rows),
            clusters=None,
            spacing_mm=None,
            breast_area_cm2=None,
            shape=shapes.get(file),
        )
        for file, rows in zip(files, rows_by_image(image[len(listed) :], len(files)), strict=True)
    )


def _marks(results: Sequence[_Result]) -> Detections:
    bbox = np.array([result.bbox for result in results], np.float64).reshape(-1, 4)
    xy = bbox[:, :2] + bbox[:, 2:] / 2 - HALF_PIXEL
    scores = np.array([result.score for result in results], np.float64)
    return Detections(xy, scores, boxes_around(xy, bbox[:, 2:]), np.full(len(results), np.nan))


def _check_category(results: Iterable[_Result], path: Path) -> None:
    categories = {result.category_id for result in results}
    if len(categories) > 1:
        raise ReadError(
            expected="detections of one category",
            found=f"{len(categories)}: category_id {', '.join(sorted(map(str, categories))[:5])}",
            do="write one file for each",
            where=path,
        )


def _read_names(path: Path | None) -> Sequence[CocoImage]:
    if path is None:
        return ()
    content, _ = read_content(path, _NAMES)
    return parse_coco(TypeAdapter(_Images), content, path, _NAMES, _REMEDIES).images


def _files(keys: Iterable[int | str], explained: Mapping[int | str, CocoImage], path: Path) -> dict[int | str, str]:
    """Image id -> path of its file; a text that nothing explains is a path itself."""
    names = {key: explained[key].file_name if key in explained else key for key in keys}
    numbers = [name for name in names.values() if isinstance(name, int)]
    if numbers:
        raise UsageError(
            expected="image_id to be a file name, or a number in the images of an annotation file",
            found=f"the number {numbers[0]}" + (f" and {len(numbers) - 1} others" if numbers[1:] else ""),
            do="give the annotation file that the system was run on as --coco-images",
            where=path,
        )
    return {key: posix_path(str(name)) for key, name in names.items()}
