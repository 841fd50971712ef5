"""Which breast, which view, and what was done to it: laterality and view attributes of a DICOM header.

Codes are those of PS3.16 CID 4014 (views) and CID 4015 (view modifiers), in SNOMED-RT and SNOMED CT spelling, with
codes since withdrawn; code values are unique across the schemes, so that the scheme's name (SRT, SNM3, SCT, 99SDM) need
not be right. View Position, which older units fill freely, is read as the ACR label it usually is, with or without the
side: "MLO", "MCC", "MLOID", "CC ID", "R CC".
"""

from __future__ import annotations

import re
from dataclasses import dataclass

from pydicom.dataset import Dataset

from microcalc.imageio.remarks import Remarks
from microcalc.imageio.tags import code, first_item, items
from microcalc.mammogram import Side

_VIEWS = {
    **dict.fromkeys(("R-10242", "399162004"), "CC"),
    **dict.fromkeys(("R-10226", "399368009"), "MLO"),
    **dict.fromkeys(("R-10224", "399260004"), "ML"),
    **dict.fromkeys(("R-10228", "399352003"), "LM"),
    **dict.fromkeys(("R-10230", "399099002"), "LMO"),
    **dict.fromkeys(("R-102CF", "399265009"), "XCC"),
    **dict.fromkeys(("R-1024A", "Y-X1770", "399192008"), "XCCL"),
    **dict.fromkeys(("R-1024B", "Y-X1771", "399101009"), "XCCM"),
    **dict.fromkeys(("R-10244", "399196006"), "FB"),
    **dict.fromkeys(("R-102D0", "399188001"), "SIO"),
    **dict.fromkeys(("R-40AAA", "441555000"), "ISO"),
}
_SPECIMEN = ("G-8310", "127457009")
_MODIFIERS = {
    **dict.fromkeys(("R-102D2", "399161006"), "cleavage"),
    **dict.fromkeys(("R-102D1", "399011000"), "axillary tail"),
    **dict.fromkeys(("R-102D3", "399197002"), "rolled lateral"),
    **dict.fromkeys(("R-102D4", "399226006"), "rolled medial"),
    **dict.fromkeys(("R-102CA", "414493004"), "rolled inferior"),
    **dict.fromkeys(("R-102C9", "415670009"), "rolled superior"),
    **dict.fromkeys(("R-102D5", "399209000"), "implant displaced"),
    **dict.fromkeys(("R-102D6", "399163009"), "magnification"),
    **dict.fromkeys(("R-102D7", "399055006"), "spot compression"),
    **dict.fromkeys(("R-102C2", "399110001"), "tangential"),
    **dict.fromkeys(("R-40AB3", "442581004"), "nipple in profile"),
    **dict.fromkeys(("P2-00161", "441752004"), "anterior compression"),
    **dict.fromkeys(("R-40ABE", "442593008"), "inframammary fold"),
    **dict.fromkeys(("R-40AB2", "442580003"), "axillary tissue"),
}
#: Modifiers that make another view of the ACR's list: CID 4015, column "ACR MQCM 1999 Equivalent".
_RENAMED = {("CC", "cleavage"): "CV", ("FB", "cleavage"): "CV", ("MLO", "axillary tail"): "AT"}

_PREFIXES = {"M": "magnification", "S": "spot compression"}
_SUFFIXES = {
    "RL": "rolled lateral",
    "RM": "rolled medial",
    "RI": "rolled inferior",
    "RS": "rolled superior",
    "ID": "implant displaced",
    "NP": "nipple in profile",
    "AC": "anterior compression",
    "IMF": "inframammary fold",
    "AX": "axillary tissue",
    "MAG": "magnification",
    "SPOT": "spot compression",
}
_VIEW_NAMES = "XCCL|XCCM|XCC|CC|MLO|LMO|ML|LM|SIO|ISO|FB|CV|AT"
_LABEL = re.compile(rf"[LR]?(?P<prefix>[MS]{{0,2}})(?:(?P<view>{_VIEW_NAMES})|TAN)(?P<suffix>{'|'.join(_SUFFIXES)})?")

_SIDES: dict[str, Side] = {"L": "L", "R": "R"}
_UNVALIDATED = ("magnification", "spot compression", "implant displaced")


@dataclass(frozen=True)
class View:
    """ACR view code (None where unknown), and modifiers in plain words."""

    name: str | None
    modifiers: tuple[str, ...] = ()


def read_side(header: Dataset, remarks: Remarks) -> Side | None:
    """Image Laterality, else Frame Laterality, else Laterality; a warning where they disagree."""
    stated: dict[str, Side] = {}
    for keyword in ("ImageLaterality", "FrameLaterality", "Laterality"):
        side = _SIDES.get(code(header, keyword))
        if side:
            stated[keyword] = side
    if len(set(stated.values())) > 1:
        sides = ", ".join(f"{keyword} {side}" for keyword, side in stated.items())
        remarks.warn(f"laterality: {sides}")
    return next(iter(stated.values()), None)


def read_view(header: Dataset, remarks: Remarks) -> View:
    """View Code Sequence and View Modifier Code Sequence, else View Position; a warning where they disagree."""
    coded, labelled = _coded_view(header, remarks), _labelled_view(code(header, "ViewPosition"))
    if coded.name and labelled.name and labelled.name not in (coded.name, _renamed(coded)):
        remarks.warn(f"view: View Code Sequence {coded.name}, View Position {labelled.name}")
    view = coded if coded.name else View(labelled.name, coded.modifiers)
    modifiers = tuple(dict.fromkeys(view.modifiers + labelled.modifiers))
    for modifier in _UNVALIDATED:
        if modifier in modifiers:
            remarks.warn(f"{modifier} view: detectors are not validated on such views")
    if code(header, "BreastImplantPresent") == "YES":
        remarks.warn("breast with an implant: detectors are not validated on such breasts")
    if code(header, "PartialView") == "YES":
        remarks.note("partial view")
    return View(_renamed(View(view.name, modifiers)), modifiers)


def _coded_view(header: Dataset, remarks: Remarks) -> View:
    item = first_item(header, "ViewCodeSequence")
    value = "" if item is None else code(item, "CodeValue")
    if value in _SPECIMEN:
        remarks.warn("a specimen, not a breast")
    elif value and value not in _VIEWS:
        remarks.warn("View Code Sequence holds no view of mammography")
    # Modifiers belong inside the view's item; some units put them beside it.
    holders = [holder for holder in (item, header) if holder is not None]
    values = [code(entry, "CodeValue") for holder in holders for entry in items(holder, "ViewModifierCodeSequence")]
    return View(_VIEWS.get(value), tuple(_MODIFIERS[value] for value in values if value in _MODIFIERS))


def _labelled_view(label: str) -> View:
    """The view in a View Position such as "CC", "MLO ID" or "SMCC"; nothing where it is something else."""
    match = _LABEL.fullmatch(re.sub(r"[^A-Z]", "", label))
    if match is None:
        return View(None)
    modifiers = [_PREFIXES[letter] for letter in match["prefix"]]
    modifiers += ["tangential"] * (match["view"] is None)
    modifiers += [_SUFFIXES[match["suffix"]]] if match["suffix"] else []
    return View(match["view"], tuple(modifiers))


def _renamed(view: View) -> str | None:
    names = (new for (old, word), new in _RENAMED.items() if old == view.name and word in view.modifiers)
    return next(names, view.name)
