"""What a person reads: pictures with marks, one report page for a run, and CSV tables."""

from microcalc.output.files import PSEUDONYM, image_key, is_own_picture, remove, replacing
from microcalc.output.html import write_report
from microcalc.output.overlay import has_pictures, write_pictures
from microcalc.output.table import write_tables

__all__ = [
    "PSEUDONYM",
    "has_pictures",
    "image_key",
    "is_own_picture",
    "remove",
    "replacing",
    "write_pictures",
    "write_report",
    "write_tables",
]
