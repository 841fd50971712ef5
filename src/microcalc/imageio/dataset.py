"""A DICOM file up to its pixels: preamble, file meta, transfer syntax, header; then, if wanted, the pixel element.

The parts are read one by one rather than by ``pydicom.dcmread``, which inflates a deflated file without bound and reads
the pixels of objects that are then refused.
"""

from __future__ import annotations

import struct
import zlib
from collections.abc import Callable
from dataclasses import dataclass
from io import SEEK_END, BytesIO
from typing import BinaryIO

from pydicom.dataelem import RawDataElement
from pydicom.dataset import Dataset
from pydicom.filereader import read_dataset
from pydicom.tag import BaseTag
from pydicom.uid import (
    UID,
    DeflatedExplicitVRLittleEndian,
    ExplicitVRBigEndian,
    ExplicitVRLittleEndian,
    ImplicitVRLittleEndian,
)

from microcalc.errors import ReadError
from microcalc.imageio.limits import MAX_PIXELS
from microcalc.imageio.tags import uid

_PIXEL_DATA = 0x7FE00010
#: Float and Double Float Pixel Data come before it.
_PIXEL_ELEMENTS = (0x7FE00008, 0x7FE00009, _PIXEL_DATA)
#: No attribute a reader needs is longer; longer ones (and lengths out of damaged headers) are skipped unread.
_MAX_ELEMENT_BYTES = 1 << 20
_MAX_INFLATED_BYTES = 2 * MAX_PIXELS + (16 << 20)


@dataclass(frozen=True)
class DicomFile:
    """A parsed header, and the stream that stands at the pixel element behind it."""

    header: Dataset
    syntax: UID
    stream: BinaryIO

    def pixel_data(self, max_bytes: int) -> tuple[bytes, str | None] | None:
        """At most about ``max_bytes`` of Pixel Data and its VR; None if there is none, or it ends too early."""
        position = self.stream.tell()
        available = self.stream.seek(0, SEEK_END) - position
        self.stream.seek(position)
        # Python allocates all it is asked to read, whatever there is.
        rest = BytesIO(self.stream.read(min(max_bytes + 1024, available)))
        elements = _parse(rest, self.syntax, after=lambda tag: tag > _PIXEL_DATA, skip_long=False)
        element = elements.get_item(_PIXEL_DATA, keep_deferred=True)
        return (element.value, element.VR) if isinstance(element, RawDataElement) and element.value else None

    @property
    def has_pixels(self) -> bool:
        """Whether an element with pixels follows the header."""
        order = "<HH" if self.syntax.is_little_endian else ">HH"
        position = self.stream.tell()
        tag = self.stream.read(4)
        self.stream.seek(position)
        if len(tag) < 4:
            return False
        group, element = struct.unpack(order, tag)
        return group << 16 | element in _PIXEL_ELEMENTS


def open_dicom(file: BinaryIO) -> DicomFile:
    """Parse everything before the pixels.

    Raises:
        ReadError: the file is not DICOM, is damaged, or its transfer syntax is missing or unknown.
    """
    if file.read(132)[128:] != b"DICM":
        file.seek(0)
    meta = _parse(file, ExplicitVRLittleEndian, after=lambda tag: tag.group != 2)
    syntax = _transfer_syntax(meta, file)
    stream = _inflate(file) if syntax == DeflatedExplicitVRLittleEndian else file
    header = _parse(stream, syntax, after=lambda tag: tag in _PIXEL_ELEMENTS or tag > _PIXEL_DATA)
    if not header:
        raise ReadError(
            expected="a DICOM data set", found="no data elements", do="fetch the file again; it is cut short"
        )
    media_class = uid(meta, "MediaStorageSOPClassUID")
    if "SOPClassUID" not in header and media_class:
        header.SOPClassUID = media_class
    return DicomFile(header, syntax, stream)


def _parse(stream: BinaryIO, syntax: UID, *, after: Callable[[BaseTag], bool], skip_long: bool = True) -> Dataset:
    """The data elements up to the first one for which ``after`` is true; the stream then stands at that one."""
    try:
        return read_dataset(
            stream,
            syntax.is_implicit_VR,
            syntax.is_little_endian,
            stop_when=lambda tag, vr, length: after(tag),
            defer_size=_MAX_ELEMENT_BYTES if skip_long else None,
        )
    except Exception as error:  # pydicom names no set of errors for damaged data sets
        raise ReadError(
            expected="a DICOM data set",
            found=f"one that cannot be parsed ({type(error).__name__})",
            do="fetch the file again; it may be damaged",
        ) from error


def _transfer_syntax(meta: Dataset, file: BinaryIO) -> UID:
    """The stated transfer syntax; without one, what the first bytes of the data set look like."""
    stated = uid(meta, "TransferSyntaxUID")
    if stated is None:
        position = file.tell()
        start = file.read(6)
        file.seek(position)
        if not start[4:].isalpha():
            return ImplicitVRLittleEndian
        return ExplicitVRBigEndian if start.startswith(b"\x00\x08") else ExplicitVRLittleEndian
    syntax = UID(stated)
    if syntax.is_private or not syntax.is_transfer_syntax:
        raise ReadError(
            expected="a transfer syntax of the DICOM standard",
            found=stated,
            do="convert the file, for instance with dcmconv or gdcmconv",
        )
    return syntax


def _inflate(file: BinaryIO) -> BytesIO:
    """The data set of a deflated file, bounded."""
    inflator = zlib.decompressobj(-zlib.MAX_WBITS)
    try:
        inflated = inflator.decompress(file.read(), _MAX_INFLATED_BYTES)
    except zlib.error as error:
        raise ReadError(
            expected="a deflated data set", found="damaged data", do="fetch the file again; it may be damaged"
        ) from error
    if inflator.unconsumed_tail:
        raise ReadError(
            expected=f"a deflated data set of at most {_MAX_INFLATED_BYTES >> 20} MiB",
            found="a longer one",
            do="check the file; it is no single-frame mammogram",
        )
    return BytesIO(inflated)
