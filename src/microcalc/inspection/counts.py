"""How many images, patients and findings a data set has of each sort."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Callable, Mapping, Sequence

from microcalc.datasets import Record
from microcalc.inspection.records import Count, InspectedImage

UNKNOWN = "not stated"


def count_all(records: Sequence[Record], images: Sequence[InspectedImage]) -> dict[str, tuple[Count, ...]]:
    """The counts of a data set by name: a value that an image does not state is "not stated".

    Args:
        records: of the data set.
        images: what was seen of each, in the same order.
    """
    facts: dict[str, Callable[[Record], str | None]] = {
        "split": lambda record: record.truth.split,
        "side": lambda record: record.truth.side,
        "view": lambda record: record.truth.view,
        "density": lambda record: record.truth.density,
        "vendor": lambda record: record.truth.vendor,
    }
    counts = {name: _tally(records, [{fact(r) or UNKNOWN: 1} for r in records]) for name, fact in facts.items()}
    return counts | {
        "spacing": _tally(records, [{_spacing(image): 1} for image in images]),
        "class": _tally(records, [_classes(record) for record in records], findings=True),
        "pathology": _tally(records, [_pathologies(record) for record in records], findings=True),
    }


def _tally(
    records: Sequence[Record], values: Sequence[Mapping[str, int]], *, findings: bool = False
) -> tuple[Count, ...]:
    """The counts of each value, the most frequent first.

    Args:
        records: of the data set.
        values: of each record: its values, each with how many of its findings have it.
        findings: whether findings are counted besides images.
    """
    found: Counter[str] = Counter()
    having: defaultdict[str, list[Record]] = defaultdict(list)
    for record, own in zip(records, values, strict=True):
        found.update(own)
        for value in own:
            having[value].append(record)
    return tuple(
        Count(
            value=value,
            images=len(images),
            patients=len({record.truth.patient for record in images} - {None}),
            findings=found[value] if findings else None,
            by_split=dict(sorted(Counter(record.truth.split or UNKNOWN for record in images).items())),
        )
        for value, images in sorted(having.items(), key=lambda item: (-len(item[1]), item[0]))
    )


def _spacing(image: InspectedImage) -> str:
    if image.spacing_mm is None:
        return "unknown"
    row, column = image.spacing_mm
    size = f"{row:.4g} mm" if row == column else f"{row:.4g} x {column:.4g} mm"
    return f"{size} ({image.spacing_source})"


def _classes(record: Record) -> Mapping[str, int]:
    """What is on an image, and how many of each; an image free of calcifications is "normal" besides."""
    truth = record.truth
    found = Counter(other.kind for other in record.facts.others)
    found.update({"calcification": len(truth.calcifications), "cluster": len(truth.clusters)})
    found = +found  # those that are there
    if truth.normal:
        return found | {"normal (free of calcifications)": 0}
    return found or {"no finding, not known to be normal": 0}


def _pathologies(record: Record) -> Mapping[str, int]:
    """Of the findings; where there are none with a pathology, of the image as a whole."""
    found = Counter(finding.pathology for finding in record.findings if finding.pathology)
    return {str(pathology): times for pathology, times in found.items()} or {record.facts.pathology or UNKNOWN: 0}
