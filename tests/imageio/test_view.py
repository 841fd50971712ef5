"""Side, view and modifiers out of header fields, dirty ones included."""

from __future__ import annotations

import pytest
from pydicom.dataset import Dataset

from microcalc.imageio.remarks import Remarks
from microcalc.imageio.view import View, read_side, read_view


def header(**attributes) -> Dataset:
    ds = Dataset()
    for keyword, value in attributes.items():
        setattr(ds, keyword, value)
    return ds


def item(code: str, *modifiers: str) -> Dataset:
    ds = header(CodeValue=code)
    if modifiers:
        ds.ViewModifierCodeSequence = [item(modifier) for modifier in modifiers]
    return ds


def coded(code: str, *modifiers: str, **attributes) -> Dataset:
    return header(ViewCodeSequence=[item(code, *modifiers)], **attributes)


def view(ds: Dataset) -> View:
    return read_view(ds, Remarks())


# PS3.16 CID 4014, SNOMED-RT and SNOMED CT.
@pytest.mark.parametrize(
    ("codes", "name"),
    [
        (("R-10224", "399260004"), "ML"),
        (("R-10226", "399368009"), "MLO"),
        (("R-10228", "399352003"), "LM"),
        (("R-10230", "399099002"), "LMO"),
        (("R-10242", "399162004"), "CC"),
        (("R-10244", "399196006"), "FB"),
        (("R-102D0", "399188001"), "SIO"),
        (("R-40AAA", "441555000"), "ISO"),
        (("R-1024A", "399192008", "Y-X1770"), "XCCL"),
        (("R-1024B", "399101009", "Y-X1771"), "XCCM"),
        (("R-102CF", "399265009"), "XCC"),
    ],
)
def test_view_codes(codes, name):
    assert [view(coded(code)) for code in codes] == [View(name)] * len(codes)


# PS3.16 CID 4015.
@pytest.mark.parametrize(
    ("codes", "modifier"),
    [
        (("R-102D3", "399197002"), "rolled lateral"),
        (("R-102D4", "399226006"), "rolled medial"),
        (("R-102CA", "414493004"), "rolled inferior"),
        (("R-102C9", "415670009"), "rolled superior"),
        (("R-102D5", "399209000"), "implant displaced"),
        (("R-102D6", "399163009"), "magnification"),
        (("R-102D7", "399055006"), "spot compression"),
        (("R-102C2", "399110001"), "tangential"),
        (("R-40AB3", "442581004"), "nipple in profile"),
        (("P2-00161", "441752004"), "anterior compression"),
        (("R-40ABE", "442593008"), "inframammary fold"),
        (("R-40AB2", "442580003"), "axillary tissue"),
        (("R-102D2", "399161006"), "cleavage"),
        (("R-102D1", "399011000"), "axillary tail"),
    ],
)
def test_modifier_codes(codes, modifier):
    assert [view(coded("R-10224", code)) for code in codes] == [View("ML", (modifier,))] * len(codes)


@pytest.mark.parametrize(
    ("code", "modifier", "name"),
    [("R-10242", "R-102D2", "CV"), ("R-10244", "R-102D2", "CV"), ("R-10226", "R-102D1", "AT")],
)
def test_modifiers_that_rename_the_view(code, modifier, name):
    assert view(coded(code, modifier)).name == name


def test_modifiers_beside_the_view_item():
    ds = coded("R-10242", ViewModifierCodeSequence=[item("R-102D6")])
    assert view(ds) == View("CC", ("magnification",))


@pytest.mark.parametrize(
    ("label", "expected"),
    [
        ("CC", View("CC")),
        (" mlo ", View("MLO")),
        ("ML", View("ML")),
        ("LMO", View("LMO")),
        ("XCCL", View("XCCL")),
        ("CV", View("CV")),
        ("AT", View("AT")),
        ("TAN", View(None, ("tangential",))),
        ("MLO ID", View("MLO", ("implant displaced",))),
        ("CC-ID", View("CC", ("implant displaced",))),
        ("CCRL", View("CC", ("rolled lateral",))),
        ("MCC", View("CC", ("magnification",))),
        ("MML", View("ML", ("magnification",))),
        ("SMLO", View("MLO", ("spot compression",))),
        ("MSCC", View("CC", ("magnification", "spot compression"))),
        ("RCC", View("CC")),
        ("LMLO", View("MLO")),
        ("R CC", View("CC")),
        ("LLM", View("LM")),
        ("L MCC", View("CC", ("magnification",))),
        ("ML SPOT", View("ML", ("spot compression",))),
        ("CC MAG", View("CC", ("magnification",))),
        ("LM", View("LM")),
        (["CC", "MLO"], View("CC")),
        ("AP", View(None)),
        ("", View(None)),
        (None, View(None)),
    ],
)
def test_view_position(label, expected):
    assert view(header(ViewPosition=label)) == expected


def test_no_field_at_all():
    remarks = Remarks()
    assert (read_view(Dataset(), remarks), read_side(Dataset(), remarks)) == (View(None), None)
    assert remarks == Remarks()


def test_disagreeing_views():
    remarks = Remarks()
    assert read_view(coded("R-10242", ViewPosition="MLO"), remarks).name == "CC"
    assert remarks.warnings == ["view: View Code Sequence CC, View Position MLO"]


@pytest.mark.parametrize("label", ["CC", "CV"])
def test_renamed_views_agree_with_either_name(label):
    remarks = Remarks()
    assert read_view(coded("R-10242", "R-102D2", ViewPosition=label), remarks).name == "CV"
    assert remarks.warnings == []


@pytest.mark.parametrize(
    ("ds", "warning"),
    [
        (coded("R-10242", "R-102D6"), "magnification view"),
        (coded("R-10242", "R-102D7"), "spot compression view"),
        (coded("R-10242", "R-102D5"), "implant displaced view"),
        (header(ViewPosition="MCC"), "magnification view"),
        (header(BreastImplantPresent="YES"), "breast with an implant"),
        (coded("G-8310"), "a specimen"),
        (coded("R-10206"), "no view of mammography"),
    ],
)
def test_doubtful_views_warn(ds, warning):
    remarks = Remarks()
    read_view(ds, remarks)
    assert [warning in text for text in remarks.warnings] == [True]


def test_partial_view_is_noted():
    remarks = Remarks()
    read_view(header(PartialView="YES"), remarks)
    assert remarks.notes == ["partial view"]


@pytest.mark.parametrize(
    ("attributes", "side"),
    [
        ({"ImageLaterality": "L"}, "L"),
        ({"ImageLaterality": " r"}, "R"),
        ({"FrameLaterality": "R"}, "R"),
        ({"Laterality": "L"}, "L"),
        ({"ImageLaterality": "", "Laterality": "L"}, "L"),
        ({"ImageLaterality": None, "Laterality": "R"}, "R"),
        ({"ImageLaterality": "B"}, None),
        ({"ImageLaterality": "U", "Laterality": "R"}, "R"),
        ({"ImageLaterality": ["L", "R"]}, "L"),
    ],
)
def test_side(attributes, side):
    remarks = Remarks()
    assert read_side(header(**attributes), remarks) == side
    assert remarks.warnings == []


def test_disagreeing_sides():
    remarks = Remarks()
    assert read_side(header(ImageLaterality="L", Laterality="R"), remarks) == "L"
    assert remarks.warnings == ["laterality: ImageLaterality L, Laterality R"]
