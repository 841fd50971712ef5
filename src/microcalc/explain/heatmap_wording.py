"""How a heatmap is said in plain words, on the page, the figure and the terminal alike."""

from __future__ import annotations

from microcalc.explain.heatmap_records import Cell, Heatmap
from microcalc.output.words import count


def title(heatmap: Heatmap) -> str:
    """What is drawn."""
    grid = heatmap.grid
    pitch = "" if grid.spacing_mm is None else f" of {grid.spacing_mm:.3g} mm"
    step = ", side by side" if grid.stride_px == grid.size_px else f", one every {grid.stride_px} px"
    return f"Patches of {grid.size_px} px{pitch}{step}"


def score_name(heatmap: Heatmap) -> str:
    """What the colours stand for."""
    return f"score of the patch ({heatmap.model.question}{'' if heatmap.calibrated else '; not calibrated'})"


def assessment(heatmap: Heatmap) -> str:
    """The image's own."""
    highest, point = heatmap.highest, heatmap.operating_point
    if highest is None:
        return "No patch holds enough of the breast to be judged: the image is not assessed."
    side = "at or above" if point.reached else "below"
    x, y = centre(highest)
    return (
        f"The image’s own assessment is its highest patch, {highest.score:.3f} around {x:.0f}, {y:.0f}: {side} the "
        f"operating point {point.name} ({point.threshold:.3g})."
    )


def lines(heatmap: Heatmap) -> tuple[str, ...]:
    """All that the figure says below its pictures."""
    model = heatmap.model
    return (
        f"{heatmap.image.name}. {model.name} {model.version}, {model.network}. "
        f"{count(len(heatmap.cells), 'patch', 'patches')} of which at least {heatmap.grid.breast_share:.0%} is breast; "
        f"{heatmap.reached} at or above the operating point (outlined).",
        assessment(heatmap),
        CAUTION,
    )


#: What the highest of many is worth.
CAUTION = (
    "Scores and thresholds are those of single patches. The highest of many is higher than any one would be by chance, "
    "and how often it reaches the threshold on normal mammograms has not been counted: it is no probability."
)


def centre(cell: Cell) -> tuple[float, float]:
    """x, y of a patch in pixels of the image."""
    x0, y0, x1, y1 = cell.bbox
    return (x0 + x1) / 2, (y0 + y1) / 2
