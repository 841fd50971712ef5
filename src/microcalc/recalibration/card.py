"""The card of a package whose thresholds were anchored anew: what they rest on, and what is no longer known."""

from __future__ import annotations

import math
import re
from collections.abc import Mapping
from dataclasses import dataclass

from microcalc.findings import OperatingPoint
from microcalc.models import Card, Metric
from microcalc.output.words import count
from microcalc.recalibration.rates import Rate

#: Ends the names of such packages.
_SUFFIX = "-recalibrated"
_UNKNOWN = "it is not known whether they hold calcium, so that these are marks, true and false alike"
_NORMAL = "known to be normal, so that these are false marks"
#: Begins and ends what the limitations say of the thresholds.
_ANCHORED, _NOT_KNOWN = "Thresholds were anchored to rates of marks on ", "found at them is not known. "


@dataclass(frozen=True)
class Ground:
    """What the thresholds were anchored on."""

    #: What the data are called.
    data: str
    images: int
    #: None: nobody says whose the images are, and each is taken to be another patient's.
    patients: int | None
    #: All images are known to be free of calcifications.
    normal: bool
    #: Images that were not counted, and why.
    left_out: tuple[str, ...] = ()

    @property
    def marks(self) -> str:
        """What is counted."""
        return "false marks" if self.normal else "marks"

    def __str__(self) -> str:
        whose = "unknown patients" if self.patients is None else count(self.patients, "patient")
        known = _NORMAL if self.normal else _UNKNOWN
        return "; ".join((f"{count(self.images, 'image')} of {whose} of {self.data}: {known}", *self.left_out))


def reanchored(card: Card, rates: Mapping[str, Rate], ground: Ground) -> Card:
    """The card with other operating points, all but its list of files.

    Scores, their calibration and their floor stay. So do the metrics, but for those at the earlier thresholds.

    Args:
        card: of the package as it was.
        rates: operating point -> its threshold and rate.
        ground: what they were measured on.
    """
    points = tuple(OperatingPoint(name, rate.threshold, _words(rate, ground)) for name, rate in rates.items())
    default = card.default_operating_point if card.default_operating_point in rates else points[0].name
    earlier = re.compile(rf" at ({'|'.join(re.escape(point.name) for point in card.operating_points)})(,|$)")
    kept = tuple(metric for metric in card.metrics if not earlier.search(metric.measure))
    return card.model_copy(
        update={
            "name": card.name.removesuffix(_SUFFIX) + _SUFFIX,
            "limitations": f"{_ANCHORED}{ground}. How many calcifications are {_NOT_KNOWN}{_lasting(card.limitations)}",
            "operating_points": points,
            "default_operating_point": default,
            "metrics": (*(_metric(name, rate, ground) for name, rate in rates.items()), *kept),
            "files": {},
        }
    )


def _lasting(limitations: str) -> str:
    """What does not speak of thresholds that an earlier re-anchoring chose."""
    return limitations.partition(_NOT_KNOWN)[2] if limitations.startswith(_ANCHORED) else limitations


def _words(rate: Rate, ground: Ground) -> str:
    between = _interval(rate)
    certain = f"95 % interval {between[0]:.2g} to {between[1]:.2g}" if between else "no interval"
    known = "normal images" if ground.normal else "images of which nothing is known"
    return f"{rate.value:.2g} {ground.marks} per image ({certain}) on {ground.images} {known}, {ground.data}"


def _metric(name: str, rate: Rate, ground: Ground) -> Metric:
    low, high = _interval(rate) or (None, None)
    by_image = "patients unknown: the interval takes each image for another one's" if ground.patients is None else None
    remarks = ("the threshold was chosen on these very images", by_image)
    return Metric(
        measure=f"{ground.marks} per image at {name}",
        value=rate.value,
        low=low,
        high=high,
        data=ground.data,
        split=None,
        n=ground.images,
        normal_images=ground.images if ground.normal else None,
        level="image",
        rule=None,
        remark="; ".join(filter(None, remarks)),
    )


def _interval(rate: Rate) -> tuple[float, float] | None:
    return None if math.isnan(rate.low) else (rate.low, rate.high)
