"""OMI-DB's layout: pictures below ``images``; headers, marks and screening history as JSON below ``data``.

Marks are boxes. As in the set, most of their numbers are strings, and names of files vary: clients of even number have
capitals (``IMAGEDB_...``) and headers that end in ``.dcm.json``. The public package omidb reads what is written.
"""

from __future__ import annotations

import datetime
import itertools
import json
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path, PurePosixPath
from typing import TYPE_CHECKING, Any, NamedTuple

from microcalc.mammogram import Side
from microcalc.synthesis.layout_parts import Region, as_dicom, regions, store, write_text
from microcalc.truth import ImageTruth

if TYPE_CHECKING:
    from microcalc.synthesis.study import Picture

_SIDES: tuple[Side, ...] = ("L", "R")
_EPISODE = "100"
_BIOPSY_AFTER = datetime.timedelta(days=7)
#: Least median SNR by conspicuity.
_CONSPICUITY = {"Obvious": 10.0, "Subtle": 6.0, "Very_subtle": 0.0}
_SUSPICIOUS = "SuspiciousCalcifications"
_BENIGN = {
    "round": "round_and_punctate",
    "punctate": "round_and_punctate",
    "popcorn": "coarse_or_popcorn-like",
    "rim": "egg_shell_or_rim",
    "lucent centre": "lucent-centred",
    "rod-like": "rod-like",
}

#: A DICOM header as JSON (PS3.18 F).
Header = dict[str, Any]
Pictures = Sequence[tuple[ImageTruth, Header]]


class Lesion(NamedTuple):
    """A finding as the screening history knows it: those of one kind in one breast are one, in whichever view."""

    side: Side | None
    pathology: str | None
    morphology: str | None
    distribution: str | None

    @classmethod
    def of(cls, truth: ImageTruth, region: Region) -> Lesion:
        """What a picture's finding belongs to."""
        return cls(truth.side, region.pathology, region.morphology, region.distribution)


def write(root: Path, picture: Picture) -> ImageTruth:
    """Write one picture, and its DICOM header as JSON."""
    client = f"demd{picture.number}"
    dataset = as_dicom(picture)
    dataset.PatientID = dataset.PatientName = client
    place = f"{client}/{dataset.StudyInstanceUID}/{dataset.SOPInstanceUID}"
    path = f"images/{place}.dcm"
    store(dataset, root / path)
    del dataset.PixelData
    write_text(_header(root, path), dataset.to_json())
    return picture.truth.model_copy(update={"path": path})


def finish(root: Path, images: Sequence[ImageTruth]) -> None:
    """Write ``imagedb_<client>.json`` (studies and marks) and ``nbss_<client>.json`` (screening history)."""
    ordered = sorted(images, key=lambda truth: truth.path)
    for client, group in itertools.groupby(ordered, key=_client):
        pictures = [(truth, json.loads(_header(root, truth.path).read_text("utf-8"))) for truth in group]
        lesions = _lesions([truth for truth, _ in pictures])
        contents = {
            "imagedb": {"ClientID": client, "Site": "synt", "STUDIES": _studies(pictures, lesions)},
            "nbss": _history(client, pictures, lesions),
        }
        for kind, content in contents.items():
            name = f"{kind.upper() if _capitals(client) else kind}_{client}.json"
            write_text(root / "data" / client / name, json.dumps(content, indent=1))


def _client(truth: ImageTruth) -> str:
    return PurePosixPath(truth.path).parts[1]


def _capitals(client: str) -> bool:
    return int(client.removeprefix("demd")) % 2 == 0


def _header(root: Path, path: str) -> Path:
    """Where the header of a picture's file lies."""
    _, client, study, file = PurePosixPath(path).parts
    name = f"{file}.json" if _capitals(client) else file.replace(".dcm", ".json")
    return root / "data" / client / study / name


def _lesions(images: Sequence[ImageTruth]) -> dict[Lesion, int]:
    """Number of each lesion of a client, from 1."""
    found = {Lesion.of(truth, region): None for truth in images for region in regions(truth)}
    return {lesion: number for number, lesion in enumerate(found, start=1)}


def _value(header: Header, tag: str) -> str:
    return str(header[tag]["Value"][0])


def _date(header: Header) -> datetime.date:
    return datetime.datetime.strptime(_value(header, "00080020"), "%Y%m%d").date()


def _studies(pictures: Pictures, lesions: Mapping[Lesion, int]) -> dict[str, Any]:
    """Studies, in them series, in them pictures, in them marks; a picture without marks has null."""
    studies: dict[str, Any] = {}
    marks = itertools.count(1)
    for truth, header in pictures:
        study, series, image = (_value(header, tag) for tag in ("0020000D", "0020000E", "00080018"))
        shape = int(_value(header, "00280010")), int(_value(header, "00280011"))
        entry = studies.setdefault(study, {"StudyDate": _date(header).isoformat(), "EpisodeID": _EPISODE})
        found = [_mark(next(marks), region, shape, lesions[Lesion.of(truth, region)]) for region in regions(truth)]
        entry.setdefault(series, {})[image] = {str(mark["MarkID"]): mark for mark in found} or None
    return studies


def _mark(number: int, region: Region, shape: tuple[int, int], lesion: int) -> dict[str, Any]:
    """A box from the first to the last pixel that the finding touches, and what it is, by flags."""
    x0, y0, x1, y1 = region.pixel_box(shape)
    benign = region.pathology != "malignant"
    flag = "Vascular" if region.morphology == "vascular" else "OtherBenignCluster" if benign else _SUSPICIOUS
    return {
        "MarkID": number,
        "LesionID": lesion,
        "LinkedNBSSLesionNumber": str(lesion),
        **{name: str(value) for name, value in zip(("X1", "Y1", "X2", "Y2"), (x0, y0, x1, y1), strict=True)},
        "Width": str(x1 - x0),
        "Height": str(y1 - y0),
        "Conspicuity": next(word for word, snr in _CONSPICUITY.items() if (region.snr or 0.0) >= snr),
        "BenignClassification": _BENIGN.get(str(region.morphology)) if benign else None,
        "Mass": None,
        flag: flag,
    }


def _history(client: str, pictures: Pictures, lesions: Mapping[Lesion, int]) -> dict[str, Any]:
    """One closed screening episode; what is malignant or more than one calcification was biopsied a week later."""
    _, header = pictures[0]
    taken, maker = _date(header), _value(header, "00080070")
    malignant = {lesion for lesion in lesions if lesion.pathology == "malignant"}
    biopsied = {lesion: number for lesion, number in lesions.items() if lesion in malignant or lesion.distribution}
    screened = {
        side: {"DateTaken": taken.isoformat(), "Opinion": f"R{_opinion(side, lesions)}", "EquipmentMakeModel": maker}
        for side in _SIDES
    }
    episode: dict[str, Any] = {
        "EpisodeType": "F",
        "EpisodeAction": "ST" if malignant else "RR",
        "EpisodeIsClosed": "Y",
        "EpisodeOpenedDate": taken.isoformat(),
        "EpisodeClosedDate": (taken + 2 * _BIOPSY_AFTER).strftime("%Y%m%d"),
        "StudyList": ",".join(dict.fromkeys(_value(header, "0020000D") for _, header in pictures)),
        "SCREENING": screened | _opinions(lesions),
        "LESION": _by_side(lesions, lambda _: {"LesionDescription": "CA"}),
    }
    if biopsied:
        date = (taken + _BIOPSY_AFTER).isoformat()
        results = _by_side(
            biopsied, lambda lesion: {"DatePerformed": date, "Opinion": "B5" if lesion in malignant else "B2"}
        )
        episode["BIOPSYWIDE"] = results | _opinions(biopsied)
    return {"ClientID": client, "Classification": "M" if malignant else "B" if biopsied else "N", _EPISODE: episode}


def _by_side(lesions: Mapping[Lesion, int], describe: Callable[[Lesion], dict[str, str]]) -> dict[str, Any]:
    """Side -> lesion number -> what is said of it."""
    return {
        side: {str(number): describe(lesion) for lesion, number in lesions.items() if lesion.side == side}
        for side in _SIDES
    }


def _opinions(lesions: Mapping[Lesion, int]) -> dict[str, str]:
    return {f"{word}_opinion": f"O{_opinion(side, lesions)}" for word, side in (("left", "L"), ("right", "R"))}


def _opinion(side: str, lesions: Mapping[Lesion, int]) -> str:
    """Malignant, benign or normal, by the worst finding of a breast."""
    found = [lesion.pathology for lesion in lesions if lesion.side == side]
    return "M" if "malignant" in found else "B" if found else "N"
