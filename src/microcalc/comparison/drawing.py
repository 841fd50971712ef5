"""A figure as SVG: text stays text, the same numbers give the same bytes, and it fits a light or a dark page."""

from __future__ import annotations

import html
import io
import re
import textwrap
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from microcalc.output.files import replacing

if TYPE_CHECKING:
    from matplotlib.axes import Axes

#: Of text and axes; on a page it becomes the page's own.
INK = "#1b1f23"
#: Told apart by colour-blind readers, on light and dark ground alike (after Okabe and Ito), with a line style each so
#: that a print in grey still tells them apart.
COLOURS = ("#1b7fc4", "#d55e00", "#009e73", "#cc79a7", "#8c7ae6", "#a0720f")
LINES = ("-", "--", "-.", (0, (4, 1, 1, 1, 1, 1)), ":", (0, (8, 2)))

_STYLE = {
    "svg.fonttype": "none",
    # Comes with Matplotlib, so that a layout does not depend on the fonts of a machine.
    "font.sans-serif": ["DejaVu Sans"],
    "font.size": 8.5,
    "axes.labelsize": 8.5,
    "legend.fontsize": 8,
    # A name with two dollar signs is no formula.
    "text.parse_math": False,
    "legend.frameon": False,
    "text.color": INK,
    "axes.labelcolor": INK,
    "axes.edgecolor": INK,
    "xtick.color": INK,
    "ytick.color": INK,
    "axes.spines.top": False,
    "axes.spines.right": False,
    "axes.linewidth": 0.6,
    "axes.grid": True,
    "axes.axisbelow": True,
    "grid.color": INK,
    "grid.alpha": 0.14,
    "grid.linewidth": 0.5,
    "lines.linewidth": 1.4,
}
#: Points: size of the note's letters, and how wide they are on average.
_NOTE_SIZE, _NOTE_LETTER = 7, 3.8
#: Of PNG files.
_DPI = 200
#: Narrower than the font the layout is measured with, so that nothing runs over.
_FONTS = "Arial, Helvetica, sans-serif"


@dataclass(frozen=True)
class Drawing:
    """One figure.

    Attributes:
        name: of its file, without the suffix.
        title: what it shows, as a caption.
        alt: its numbers in words, for those who do not see it.
        svg: a file of its own, for a paper.
        png: the same for whoever cannot show SVG, on white; None: not asked for.
    """

    name: str
    title: str
    alt: str
    svg: str
    png: bytes | None = None

    @property
    def inline(self) -> str:
        """The SVG as part of a page, in the page's own ink."""
        svg = self.svg[self.svg.index("<svg") :]
        svg = re.sub(r" xmlns(:xlink)?=\"[^\"]*\"|<style.*?</style>|<!--.*?-->|\n", " ", svg, flags=re.DOTALL)
        # A page holds several figures: only ids that something refers to stay, and those differ by figure.
        svg = re.sub(r"<g id=\"[^\"]*\"", "<g", svg)
        svg = re.sub(r" width=\"[^\"]*\" height=\"[^\"]*\"", "", svg, count=1)
        svg = svg.replace("<svg", f'<svg role="img" aria-label="{html.escape(self.alt)}"', 1)
        return re.sub(r" {2,}", " ", svg.replace(INK, "currentColor"))


def write_figures(drawings: Iterable[Drawing], folder: Path) -> None:
    """Write each as ``<name>.svg``, in black ink on no ground, and as ``<name>.png`` where it was drawn so too.

    Raises:
        WriteError: one cannot be written.
    """
    for drawing in drawings:
        with replacing(folder / f"{drawing.name}.svg") as file:
            file.write(drawing.svg.encode())
        if drawing.png is not None:
            with replacing(folder / f"{drawing.name}.png") as file:
                file.write(drawing.png)


def draw(
    name: str,
    title: str,
    alt: str,
    note: str,
    size: tuple[float, float],
    paint: Callable[[Axes], None],
    *,
    raster: bool = False,
) -> Drawing:
    """Make one figure.

    Args:
        name: of its file; also keeps its ids apart from other figures'.
        title: what it shows.
        alt: its numbers in words.
        note: printed below it, in as many lines as it takes.
        size: width and height, inches.
        paint: draws on the axes; a legend of what it labels is added above them.
        raster: draw it as PNG too.
    """
    # Imported here: half a second that only a page needs.
    import matplotlib.style
    from matplotlib.figure import Figure

    with matplotlib.style.context(["default", _STYLE, {"svg.hashsalt": name}]):
        figure = Figure(figsize=size, layout="constrained")
        axes = figure.add_subplot()
        paint(axes)
        if axes.get_legend_handles_labels()[1]:
            figure.legend(loc="outside upper left", alignment="left")
        figure.supxlabel(_in_lines(note, size[0]), x=0.01, ha="left", fontsize=_NOTE_SIZE, alpha=0.75)
        file, pixels = io.StringIO(), io.BytesIO()
        figure.savefig(
            file, format="svg", transparent=True, metadata=dict.fromkeys(("Date", "Creator", "Format", "Type"))
        )
        if raster:
            figure.savefig(pixels, format="png", dpi=_DPI, metadata={"Software": None})
    svg = re.sub(r"'DejaVu Sans'[^;\"]*", _FONTS, file.getvalue())
    return Drawing(name, title, alt, svg, pixels.getvalue() or None)


def _in_lines(note: str, inches: float) -> str:
    """A note in lines that a figure is wide enough for, a name that is longer than a line among them."""
    letters = int(72 * inches / _NOTE_LETTER)
    return "\n".join(part for line in note.split("\n") for part in textwrap.wrap(line, letters) or [""])
