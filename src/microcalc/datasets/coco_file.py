"""COCO annotation files (https://cocodataset.org/#format-data): what every reader of them needs.

A ``bbox`` is ``[x, y, width, height]`` from the image's upper left corner, so that the first pixel covers 0..1; here
pixel centres lie at integers and the first pixel covers -0.5..0.5. Half a pixel comes off on the way.
"""

from __future__ import annotations

import codecs
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Annotated, TypeVar

from pydantic import BaseModel, ConfigDict, Field, TypeAdapter, ValidationError

from microcalc.errors import ReadError

Length = Annotated[float, Field(ge=0.0)]
Pixels = Annotated[int, Field(ge=1)]
CocoBox = tuple[float, float, Length, Length]
T = TypeVar("T")


class CocoEntry(BaseModel):
    """Base of what COCO files hold: keys that mean nothing here are passed over."""

    model_config = ConfigDict(strict=True, allow_inf_nan=False)


class CocoImage(CocoEntry):
    """An entry of ``images``."""

    id: int | str
    file_name: str
    width: Pixels | None = None
    height: Pixels | None = None

    @property
    def shape(self) -> tuple[int, int] | None:
        """(rows, columns), where both are stated."""
        return None if self.height is None or self.width is None else (self.height, self.width)


ImageT = TypeVar("ImageT", bound=CocoImage)


def parse_coco(kind: TypeAdapter[T], content: bytes, path: Path, expected: str, remedies: Mapping[str, str]) -> T:
    """The content of a file as what it should hold.

    Args:
        kind: what it should hold.
        content: of the file.
        path: of the file, for errors.
        expected: what it should hold, in words.
        remedies: key at fault -> what to do about it.

    Raises:
        ReadError: it holds something else; the first thing wrong is named.
    """
    try:
        return kind.validate_json(content.removeprefix(codecs.BOM_UTF8))
    except ValidationError as error:
        first = error.errors(include_url=False)[0]
        key = next((part for part in first["loc"] if part in remedies), "")
        place = "".join(f"[{part}]" if isinstance(part, int) else f" {part}" for part in first["loc"]).strip()
        raise ReadError(
            expected=expected,
            found=f"{place or 'the file'}: {first['msg']}",
            do=remedies.get(str(key), "write the file anew, or mend it by hand"),
            where=path,
        ) from error


def images_by_id(images: Sequence[ImageT], path: Path | None) -> dict[int | str, ImageT]:
    """The images by their ids.

    Raises:
        ReadError: an id or a file stands there twice.
    """
    by_id = {image.id: image for image in images}
    if len(by_id) < len(images) or len({image.file_name for image in images}) < len(images):
        raise ReadError(
            expected="every id and every file_name once in images",
            found="one of them twice",
            do="keep one of each",
            where=path,
        )
    return by_id
