"""The explanation as one picture: the breast with the patch, the patch with the spot, both maps, the score."""

from __future__ import annotations

import io
import textwrap
from collections.abc import Sequence

from microcalc.explain import wording
from microcalc.explain.panels import Picture, colour_scale
from microcalc.explain.records import Explanation
from microcalc.output.words import NOT_A_DEVICE

#: Inches, and pixels to one; characters of a line of text.
_SIZE, _DPI, _LINE = (13.0, 5.4), 120, 190


def explanation_figure(explanation: Explanation, breast: Picture, patch: Picture, maps: Sequence[Picture]) -> bytes:
    """The content of a PNG file.

    Args:
        explanation: what is written below the pictures.
        breast: the breast with the patch marked.
        patch: the patch with the spot marked.
        maps: in the order of the explanation's.
    """
    # Imported here: half a second that only a picture needs.
    import matplotlib.style
    from matplotlib.colors import ListedColormap
    from matplotlib.figure import Figure

    style = {"font.sans-serif": ["DejaVu Sans"], "font.size": 9, "text.parse_math": False}
    titles = ["The breast, patch marked", "The patch, spot marked", *map(wording.map_title, explanation.evidence.maps)]
    with matplotlib.style.context(["default", style]):
        figure = Figure(figsize=_SIZE, layout="constrained")
        above, below = figure.subfigures(2, 1, squeeze=False, height_ratios=(3.6, 2.0))[:, 0]
        all_axes = above.subplots(1, 4)
        for axes, title, picture in zip(all_axes, titles, (breast, patch, *maps), strict=True):
            axes.imshow(picture)
            axes.set_title("\n".join(textwrap.wrap(title, 34)), fontsize=9)
            axes.set_axis_off()
        shades = ListedColormap(colour_scale() / 255.0)
        scale = above.colorbar(matplotlib.cm.ScalarMappable(cmap=shades), ax=all_axes[-1], shrink=0.8)
        scale.set_label("share of the map’s own maximum")
        below.text(0.01, 0.98, _text(explanation), va="top", linespacing=1.45)
        content = io.BytesIO()
        figure.savefig(content, format="png", dpi=_DPI, metadata={"Software": None})
    return content.getvalue()


def _text(explanation: Explanation) -> str:
    opinion, model = explanation.opinion, explanation.model
    x, y = explanation.at
    points = "; ".join(f"{wording.reached(it)} {it.name} ({it.threshold:.3g})" for it in opinion.operating_points)
    name = f"{model.name} {model.version}, {model.network}"
    lines = [
        f"{explanation.image.name} at {x:g}, {y:g}. {name}. Question: {wording.question(explanation)}.",
        f"Score {opinion.score:.3f}: {points}.",
        wording.probability(explanation),
        " ".join(f"{wording.map_title(it)}. {wording.map_facts(it)}" for it in explanation.evidence.maps),
        f"{wording.METHOD_NAMES[explanation.evidence.method]} of {explanation.evidence.layer}. {wording.SCALE}",
        *explanation.doubts,
        NOT_A_DEVICE,
    ]
    return "\n".join(textwrap.fill(line, _LINE) for line in lines)
