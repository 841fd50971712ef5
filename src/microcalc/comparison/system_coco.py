"""Detections from COCO results (https://cocodataset.org/#format-results).

A result's ``bbox`` is ``[x, y, width, height]`` from the image's upper left corner, so that the first pixel covers
0..1; here pixel centres lie at integers and the first pixel covers -0.5..0.5. Half a pixel comes off on the way.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Annotated, TypeVar

import numpy as np
from pydantic import BaseModel, ConfigDict, Field, TypeAdapter, ValidationError

from microcalc.comparison.rows import RESCALE, boxes_around, index_of, rows_by_image, take
from microcalc.comparison.systems import SystemImage, posix_path, read_content
from microcalc.errors import ReadError, UsageError
from microcalc.evaluation.detections import Detections
from microcalc.findings import Score

Length = Annotated[float, Field(ge=0.0)]
Pixels = Annotated[int, Field(ge=1)]
T = TypeVar("T")

#: From an edge counted from the image's corner to one counted from the centre of its first pixel.
_HALF_PIXEL = 0.5


class _Entry(BaseModel):
    """Base of what COCO files hold: keys that mean nothing here are passed over."""

    model_config = ConfigDict(strict=True, allow_inf_nan=False)


class _Result(_Entry):
    image_id: int | str
    category_id: int | None = None
    bbox: tuple[float, float, Length, Length]
    score: Score


class _Image(_Entry):
    id: int | str
    file_name: str
    width: Pixels | None = None
    height: Pixels | None = None


class _Images(_Entry):
    images: list[_Image]


class _Scored(_Entry):
    """An annotation file whose annotations have scores."""

    images: list[_Image] = Field(default=[])
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
    listed: Sequence[_Image] = ()
    if content.startswith(b"["):
        results = _validate(TypeAdapter(list[_Result]), content, path, _RESULTS)
    else:
        scored = _validate(TypeAdapter(_Scored), content, path, _RESULTS)
        results, listed = scored.annotations, scored.images
    _check_category(results, path)
    explained = {**_by_id(_read_names(names), names), **_by_id(listed, path)}
    keys = [*(image.id for image in listed), *(result.image_id for result in results)]
    file_of = _files(dict.fromkeys(keys), explained, path)
    files, image = index_of([file_of[key] for key in keys])
    shapes = {file_of[key]: _shape(explained[key]) for key in file_of if key in explained}
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
    xy = bbox[:, :2] + bbox[:, 2:] / 2 - _HALF_PIXEL
    scores = np.array([result.score for result in results], np.float64)
    return Detections(xy, scores, boxes_around(xy, bbox[:, 2:]), np.full(len(results), np.nan))


def _validate(kind: TypeAdapter[T], content: bytes, path: Path, expected: str) -> T:
    try:
        return kind.validate_json(content)
    except ValidationError as error:
        first = error.errors(include_url=False)[0]
        key = next((part for part in first["loc"] if part in _REMEDIES), "")
        place = "".join(f"[{part}]" if isinstance(part, int) else f" {part}" for part in first["loc"]).strip()
        raise ReadError(
            expected=expected,
            found=f"{place or 'the file'}: {first['msg']}",
            do=_REMEDIES.get(key, "write the file anew, or mend it by hand"),
            where=path,
        ) from error


def _check_category(results: Iterable[_Result], path: Path) -> None:
    categories = {result.category_id for result in results}
    if len(categories) > 1:
        raise ReadError(
            expected="detections of one category",
            found=f"{len(categories)}: category_id {', '.join(sorted(map(str, categories))[:5])}",
            do="write one file for each",
            where=path,
        )


def _read_names(path: Path | None) -> Sequence[_Image]:
    if path is None:
        return ()
    content, _ = read_content(path, _NAMES)
    return _validate(TypeAdapter(_Images), content, path, _NAMES).images


def _by_id(images: Sequence[_Image], path: Path | None) -> dict[int | str, _Image]:
    by_id = {image.id: image for image in images}
    if len(by_id) < len(images) or len({image.file_name for image in images}) < len(images):
        raise ReadError(
            expected="every id and every file_name once in images",
            found="one of them twice",
            do="keep one of each",
            where=path,
        )
    return by_id


def _files(keys: Iterable[int | str], explained: Mapping[int | str, _Image], path: Path) -> dict[int | str, str]:
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


def _shape(image: _Image) -> tuple[int, int] | None:
    return None if image.height is None or image.width is None else (image.height, image.width)
