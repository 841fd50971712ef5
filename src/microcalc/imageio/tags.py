"""Values of DICOM attributes, however dirty: pydicom converts on access, and a malformed value must not stop us.

Texts come out as code strings (capitals, trimmed, a small alphabet): fit to be compared, not to be quoted, because a
damaged file or a careless export may have put a name into any of them. Messages quote numbers, UIDs of transfer
syntaxes, and texts found in a list of known terms.
"""

from __future__ import annotations

import logging
import math
import re
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar

from pydicom.dataset import Dataset
from pydicom.multival import MultiValue
from pydicom.sequence import Sequence

_CODE_STRING = re.compile(r"[A-Z0-9_./+\- ]{1,64}")
_UID = re.compile(r"[0-9.]{1,64}")


#: Of this thread alone: several may read at the same time, and others than we may listen to pydicom.
_QUIET: ContextVar[bool] = ContextVar("quiet", default=False)
logging.getLogger("pydicom").addFilter(lambda record: not _QUIET.get())


@contextmanager
def quiet() -> Iterator[None]:
    """Keep pydicom's warnings and log records, which can quote attribute values, from the terminal and the log."""
    before = _QUIET.set(True)
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            yield
    finally:
        _QUIET.reset(before)


def codes(header: Dataset, keyword: str) -> tuple[str, ...]:
    """The values of a text attribute in capitals, trimmed; empty and unprintable ones as ""; () where absent."""
    texts = (str(value).strip(" \0").upper() if value is not None else "" for value in _values(header, keyword))
    return tuple(text if _CODE_STRING.fullmatch(text) else "" for text in texts)


def code(header: Dataset, keyword: str) -> str:
    """The first value of a text attribute as in :func:`codes`; "" where absent."""
    return next(iter(codes(header, keyword)), "")


def uid(header: Dataset, keyword: str) -> str | None:
    """A unique identifier; None where absent or malformed."""
    text = code(header, keyword)
    return text if _UID.fullmatch(text) else None


def numbers(header: Dataset, keyword: str) -> tuple[float, ...]:
    """The values of a numeric attribute; NaN for each malformed one; () where absent or empty."""
    return tuple(map(_number, _values(header, keyword)))


def integer(header: Dataset, keyword: str) -> int | None:
    """The first value of an attribute as an integer; None where absent or malformed."""
    value = next(iter(numbers(header, keyword)), math.nan)
    return int(value) if value.is_integer() else None


def first_item(header: Dataset, keyword: str) -> Dataset | None:
    """The first item of a sequence; None where absent, empty or malformed."""
    return next(iter(items(header, keyword)), None)


def items(header: Dataset, keyword: str) -> tuple[Dataset, ...]:
    """The items of a sequence; () where absent, empty or malformed."""
    value = _get(header, keyword)
    return tuple(value) if isinstance(value, Sequence) else ()


def raw(header: Dataset, keyword: str) -> object:
    """The value as pydicom gives it; None where absent or malformed."""
    value = _get(header, keyword)
    return None if value is _MALFORMED else value


_MALFORMED = object()


def _get(header: Dataset, keyword: str) -> object:
    try:
        return header.get(keyword)
    except Exception:  # conversions of damaged values fail in too many ways to list
        return _MALFORMED


def _values(header: Dataset, keyword: str) -> tuple[object, ...]:
    value = _get(header, keyword)
    if value is None or value == "":
        return ()
    return tuple(value) if isinstance(value, MultiValue | list) else (value,)


def _number(value: object) -> float:
    try:
        number = float(value)  # type: ignore[arg-type]  # what cannot be converted is what we are asking
    except (TypeError, ValueError, OverflowError):
        return math.nan
    return number if math.isfinite(number) else math.nan
