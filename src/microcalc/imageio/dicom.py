"""A DICOM file in, a Mammogram out: what the other files of this room do, in order."""

from __future__ import annotations

from typing import BinaryIO

from pydicom.datadict import keyword_for_tag
from pydicom.dataset import Dataset

from microcalc.imageio.admission import admit
from microcalc.imageio.dataset import open_dicom
from microcalc.imageio.frame import read_words
from microcalc.imageio.grayscale import display
from microcalc.imageio.layout import pixel_format
from microcalc.imageio.remarks import Remarks
from microcalc.imageio.spacing import header_spacing
from microcalc.imageio.tags import first_item, quiet, uid
from microcalc.imageio.view import read_side, read_view
from microcalc.mammogram import Mammogram


def read_dicom(file: BinaryIO, *, force: bool = False) -> Mammogram:
    """Read a DICOM file as :func:`microcalc.imageio.read_mammogram` does.

    Raises:
        NotAnImageError: a sound object without an image.
        ReadError: anything else that is no single-frame mammogram, or cannot be decoded.
    """
    remarks = Remarks()
    with quiet():
        dicom = open_dicom(file)
        header = dicom.header
        _lift_functional_groups(header)
        admit(dicom, remarks, force=force)
        layout = pixel_format(header)
        words = read_words(dicom, layout, remarks)
        pixels = display(header, words, layout, remarks)
        view = read_view(header, remarks)
        spacing = header_spacing(header, magnified="magnification" in view.modifiers, remarks=remarks)
        side = read_side(header, remarks)
        sop_instance_uid, study = uid(header, "SOPInstanceUID"), uid(header, "StudyInstanceUID")
    return Mammogram(
        pixels=pixels,
        spacing_mm=spacing,
        spacing_source=None if spacing is None else "header",
        side=side,
        view=view.name,
        view_modifiers=view.modifiers,
        sop_instance_uid=sop_instance_uid,
        study=study,
        notes=tuple(remarks.notes),
        warnings=tuple(remarks.warnings),
    )


def _lift_functional_groups(header: Dataset) -> None:
    """Put what an enhanced single-frame object says in its functional groups where classic objects say it."""
    for keyword in ("SharedFunctionalGroupsSequence", "PerFrameFunctionalGroupsSequence"):
        groups = first_item(header, keyword) or Dataset()
        for macro in sorted(groups.keys()):
            attributes = first_item(groups, keyword_for_tag(macro)) or Dataset()
            for tag in attributes.keys() - header.keys():
                header[tag] = attributes.get_item(tag, keep_deferred=True)
