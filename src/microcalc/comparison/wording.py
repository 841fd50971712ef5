"""How an evaluation's numbers are said, in figures and on the page alike."""

from __future__ import annotations

from microcalc.comparison.records import Difference, Estimate
from microcalc.evaluation.froc import Per
from microcalc.evaluation.levels import Level

#: What is not known, in a cell.
NOTHING = "–"

#: What is to be found.
ASKED: dict[Level, str] = {
    "calcification": "calcifications",
    "cluster": "clusters",
    "image": "images with a lesion",
    "breast": "breasts with a lesion",
    "patient": "patients with a lesion",
}
#: The axis of a FROC.
FALSE_POSITIVES: dict[Per, str] = {
    "image": "False positives per normal image",
    "cm2": "False positives per cm² of breast",
    "legacy": "False positives per image with a lesion or one of them",
}
#: The area under it, as a heading.
AREA: dict[Per, str] = {"image": "AUC50", "cm2": "Area up to 0.5 per cm²", "legacy": "AUC50, legacy definition"}

#: What false positives are counted on.
BASIS: dict[Per, str] = {
    "image": "on images known to be normal, per normal image",
    "cm2": "per cm² of breast, on images known to be normal (on all, where none is)",
    "legacy": "by the definition of the public calcification code",
}
#: What was done about images that not every file names.
UNMATCHED = {"fail": "none: that would be an error", "empty": "taken as without detections", "common": "left out"}
#: Of two-way decisions.
METRICS = {
    "accuracy": "Accuracy",
    "sensitivity": "Sensitivity",
    "specificity": "Specificity",
    "ppv": "PPV",
    "npv": "NPV",
    "f1": "F1",
    "mcc": "MCC",
}


def number(value: float | None) -> str:
    """A number with a true minus sign, or a dash where there is none."""
    return NOTHING if value is None else f"{value:z.3f}".replace("-", "\N{MINUS SIGN}")


def score(value: float) -> str:
    """A score or threshold, with as many digits as tell a small one from nought."""
    return f"{value:.3f}" if value >= 0.1 else f"{value:#.3g}"


def interval(estimate: Estimate) -> str:
    """ "[0.754, 0.861]", or nothing where there is no interval."""
    if estimate.low is None or estimate.high is None:
        return ""
    return f"[{number(estimate.low)}, {number(estimate.high)}]"


def said(estimate: Estimate) -> str:
    """ "0.812 [0.754, 0.861]"."""
    return f"{number(estimate.value)} {interval(estimate)}".rstrip()


def p_value(it: Difference) -> str:
    """ "p = 0.012", "p < 0.001", or a dash; "p ≤ 0.002" where the resamples can give no smaller one."""
    if it.p_value is None:
        return NOTHING
    if it.p_value < 0.001:
        return "p < 0.001"
    least = it.least_p is not None and it.p_value <= it.least_p
    return f"p {'≤' if least else '='} {it.p_value:.3f}"


def split(name: str | None) -> str:
    """Which side of the split was scored."""
    return "all images" if name is None else f"split {name}"


def division(by: str) -> str:
    """What a set is parted by, as a heading."""
    return "SNR" if by == "snr" else by.capitalize()


def operation(name: str) -> str:
    """What a threshold was chosen by."""
    return {"own": "the system’s own", "youden": "Youden’s index"}.get(name, name)
