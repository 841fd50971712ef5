"""Which DICOM objects are read as mammograms.

Modalities: MG; CR and DX, as older and general-purpose units label their mammograms; RG, film. Secondary captures are
read under these modalities, and as digitised film (Conversion Type DF) under any other or none. An object of another
modality, or whose Body Part Examined is not the breast, needs ``force``.
"""

from __future__ import annotations

import re

from pydicom.dataset import Dataset
from pydicom.uid import (
    UID,
    BreastTomosynthesisImageStorage,
    DigitalMammographyXRayImageStorageForPresentation,
    DigitalMammographyXRayImageStorageForProcessing,
)

from microcalc.errors import NotAnImageError, ReadError
from microcalc.imageio.dataset import DicomFile
from microcalc.imageio.remarks import Remarks
from microcalc.imageio.tags import code, codes, integer, uid

_MODALITIES = ("MG", "CR", "DX", "RG")
#: What messages may quote: modalities with images (PS3.3 C.7.3.1.1.1) and body parts (PS3.16 annex L).
_KNOWN_MODALITY = re.compile("BI|CR|CT|DX|ES|GM|IO|IVUS|MG|MR|NM|OCT|OP|OPT|OT|PT|PX|RF|RG|RTIMAGE|SC|SM|US|XA|XC")
_KNOWN_BODY_PART = re.compile(
    "ABDOMEN|ANKLE|ARM|CHEST|CLAVICLE|[CLST]SPINE|ELBOW|EXTREMITY|FEMUR|FOOT|HAND|HEAD|HEART|HIP|HUMERUS|JAW|KNEE|LEG"
    "|NECK|PELVIS|RIB|SCAPULA|SHOULDER|SKULL|SPINE|STERNUM|WRIST"
)
_MAMMOGRAPHY_CLASSES = (
    DigitalMammographyXRayImageStorageForPresentation,
    DigitalMammographyXRayImageStorageForProcessing,
    BreastTomosynthesisImageStorage,
)
#: Image Type values 3 to 5 (PS3.3 C.8.11.7.1.4) of pictures no detector here was validated on.
_UNUSUAL_TYPES = {
    "GENERATED_2D": "a synthesised 2-D image",
    "ADDITION": "a contrast-enhanced, recombined image",
    "SUBTRACTION": "a contrast-enhanced, recombined image",
    "HIGH_ENERGY": "the high-energy image of a contrast-enhanced pair",
}
_UNUSUAL_PREFIXES = {
    "TOMO": "an image from tomosynthesis",
    "STEREO": "a stereotactic image",
    "PREFIRE": "a stereotactic image with a needle",
    "POSTFIRE": "a stereotactic image with a needle",
}


def admit(file: DicomFile, remarks: Remarks, *, force: bool) -> None:
    """Let single-frame mammograms pass.

    Raises:
        NotAnImageError: the object is not an image.
        ReadError: it is not a mammogram (and not forced), or has several frames.
    """
    header = file.header
    sop_class = _sop_class_name(header)
    _check_image(file, sop_class)
    _check_mammogram(header, sop_class, remarks, force=force)
    frames = integer(header, "NumberOfFrames")
    if frames is not None and frames > 1:
        raise ReadError(
            expected="a 2-D or synthesised 2-D mammogram of one frame",
            found=f"{sop_class} with {frames} frames",
            do="use the 2-D or synthesised image of the same study",
        )
    for kind in _unusual_kinds(header):
        remarks.warn(f"{kind}: detectors are not validated on such images")


def _check_image(file: DicomFile, sop_class: str) -> None:
    if code(file.header, "Modality") == "SEG" or not (file.has_pixels or "Rows" in file.header):
        raise NotAnImageError(expected="an image", found=f"a DICOM object without one ({sop_class})", do="leave it out")
    if not file.has_pixels:
        # Not passed over in silence: a mammogram whose transfer broke off looks like this.
        raise ReadError(
            expected="Pixel Data behind the header of an image",
            found="none",
            do="fetch the file again; it is cut short, or its pixels were removed",
        )


def _check_mammogram(header: Dataset, sop_class: str, remarks: Remarks, *, force: bool) -> None:
    modality = code(header, "Modality")
    body_part = code(header, "BodyPartExamined")
    known = (
        modality in _MODALITIES
        or (not modality and uid(header, "SOPClassUID") in _MAMMOGRAPHY_CLASSES)
        or code(header, "ConversionType") == "DF"
    )
    # An MG unit images nothing else; a CR plate or a film may show a chest.
    breast = modality == "MG" or not body_part or "BREAST" in body_part or "MAMM" in body_part
    if known and breast:
        return
    found = f"modality {_quotable(modality, _KNOWN_MODALITY) if modality else 'not stated'} ({sop_class})"
    if not breast:
        found += f", body part {_quotable(body_part, _KNOWN_BODY_PART)}"
    if not force:
        raise ReadError(
            expected=f"a mammogram (modality {', '.join(_MODALITIES)}, or digitised film)",
            found=found,
            do="leave it out, or re-run with --force",
        )
    remarks.warn(f"read by force: {found}")


def _quotable(text: str, known: re.Pattern[str]) -> str:
    return text if known.fullmatch(text) else "of another kind"


def _sop_class_name(header: Dataset) -> str:
    stated = uid(header, "SOPClassUID")
    if stated is None:
        return "SOP class not stated"
    name = UID(stated).name
    return name if name != stated else "unknown SOP class"


def _unusual_kinds(header: Dataset) -> tuple[str, ...]:
    image_type = codes(header, "ImageType")[2:]
    kinds = [_UNUSUAL_TYPES[value] for value in image_type if value in _UNUSUAL_TYPES]
    if not kinds:
        kinds = [kind for value in image_type for prefix, kind in _UNUSUAL_PREFIXES.items() if value.startswith(prefix)]
    if not kinds and uid(header, "SOPClassUID") == BreastTomosynthesisImageStorage:
        kinds = [_UNUSUAL_PREFIXES["TOMO"]]
    return tuple(dict.fromkeys(kinds))
