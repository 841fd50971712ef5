"""What a file is, by its first bytes."""

from __future__ import annotations

#: How much of a file the questions below need: the DICOM preamble, its "DICM", and one data element.
HEAD_BYTES = 144

_RASTER_MAGIC = (
    b"\x89PNG\r\n\x1a\n",
    b"\xff\xd8\xff",  # JPEG
    b"II*\x00",  # TIFF, little and big endian, and BigTIFF
    b"MM\x00*",
    b"II+\x00",
    b"MM\x00+",
    *(b"P%d" % kind for kind in range(1, 7)),  # the PBM, PGM and PPM family, text and binary
)


def is_dicom(head: bytes) -> bool:
    """Whether ``head`` opens a DICOM file: with its preamble, or an old one that starts at a plausible element.

    Asked before :func:`is_raster`, because a DICOM preamble may hold a TIFF header.
    """
    return head[128:132] == b"DICM" or _is_bare_data_set(head)


def is_raster(head: bytes) -> bool:
    """Whether ``head`` opens a PNG, JPEG, TIFF or PGM-family file."""
    return head.startswith(_RASTER_MAGIC)


def _is_bare_data_set(head: bytes) -> bool:
    """Whether ``head`` starts with a data element of group 2 or 8 and a believable value representation or length."""
    if len(head) < 8:
        return False
    if head[4:6].isalpha() and head[4:6].isupper():  # explicit: a value representation in two capitals
        return head[:2] in (b"\x02\x00", b"\x08\x00", b"\x00\x08")
    # Implicit is little endian only; the first elements of group 8 are short.
    return head[:2] == b"\x08\x00" and int.from_bytes(head[4:8], "little") <= 256
