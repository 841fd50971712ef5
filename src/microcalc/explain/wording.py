"""How an explanation is said in plain words, on the page, the figure and the terminal alike."""

from __future__ import annotations

from microcalc.explain.records import Explanation, Map, Operation

METHOD_NAMES = {"gradcam": "Grad-CAM", "gradcam++": "Grad-CAM++"}
#: Of every map.
SCALE = (
    "Each map is divided by its own maximum: it tells where the evidence for its class lies, not how strong it is, and "
    "one map's red is no more than another's."
)


def question(explanation: Explanation) -> str:
    """ "cluster (calcification)": the target, and its classes where they are called otherwise."""
    model = explanation.model
    classes = ", ".join(model.classes)
    return model.question if classes == model.question else f"{model.question} ({classes})"


def probability(explanation: Explanation) -> str:
    """What the score may be taken for, in one or two sentences."""
    found = explanation.opinion.probability
    if found is None:
        return f"A score and no probability: {explanation.opinion.reason}."
    if found.alike is None:
        said = f"{_share(found.value)}, without an interval: {found.reason}"
    else:
        alike = found.alike
        said = (
            f"{_share(found.value)}; positive there are {alike.positives} of the {alike.patches} validation patches "
            f"that scored {alike.score_from:g} to {alike.score_to:g} (95 % interval {alike.low:.1%} to "
            f"{alike.high:.1%}, patches taken as independent)"
        )
    return f"Probability on its calibration population: {said}. Elsewhere the score is a score and no probability."


def reached(operation: Operation) -> str:
    """On which side of an operating point the score lies."""
    return "at or above" if operation.reached else "below"


def map_title(shown: Map) -> str:
    """What a map is of."""
    side = "For" if shown.role == "for" else "Against"
    return f"{side}: evidence of “{shown.class_name}”{'' if shown.peak else ', empty'}"


def map_facts(shown: Map) -> str:
    """Its numbers."""
    if shown.peak is None:
        return "Nothing on the patch speaks for this class."
    x, y = shown.peak
    return f"Peak (ring) at {x:.0f}, {y:.0f}; {shown.standing_out:.1%} of the patch stands out (Li’s threshold)."


def _share(probability: float) -> str:
    """Rounding makes no certainty of it."""
    if 0.0005 <= probability < 0.9995:
        return f"{probability:.1%}"
    return "below 0.1%" if probability < 0.5 else "above 99.9%"
