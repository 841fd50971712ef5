"""The evaluation as one self-contained HTML page, and its figures as files for a paper."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path

from microcalc.comparison import wording
from microcalc.comparison.drawing import COLOURS, Drawing, write_figures
from microcalc.comparison.figures import figures
from microcalc.comparison.gallery import make_gallery
from microcalc.comparison.records import Evaluation
from microcalc.comparison.scored import ScoredSystem
from microcalc.evaluation.tables import PAPERS, Published, published, worth
from microcalc.output.html import page_style, read_asset, write_html
from microcalc.output.words import NOT_A_DEVICE, count


def write_page(
    evaluation: Evaluation, scored: Sequence[ScoredSystem], images_root: Path | None, path: Path
) -> dict[str, tuple[Drawing, ...]]:
    """Write one HTML page: style, figures and crops inline, no script, nothing fetched, opens from disk.

    Each figure is also written as ``figures/<name>.svg`` beside the page, in black ink on no ground.

    Args:
        evaluation: the numbers.
        scored: the systems they were computed from, of which the worst is shown.
        images_root: folder that the truth's paths start from; None: the page shows no crops and says how to get them.
        path: the page to write.

    Returns:
        The figures, by section, as :func:`~microcalc.comparison.figures.figures` draws them.

    Raises:
        WriteError: the page or a figure cannot be written.
    """
    drawn = figures(evaluation)
    write_figures((drawing for section in drawn.values() for drawing in section), path.parent / "figures")
    write_html(
        path,
        read_asset("microcalc.comparison", "macros.html.j2") + read_asset("microcalc.comparison", "evaluation.html.j2"),
        (wording.number, wording.score, wording.interval, wording.said, wording.p_value, count, worth),
        evaluation=evaluation,
        drawn=drawn,
        # Every system has the same strata.
        strata=list(zip(*(system.strata for system in evaluation.systems), strict=True)),
        published=_published(evaluation),
        papers=PAPERS,
        gallery=make_gallery(scored, images_root),
        has_pictures=images_root is not None,
        metrics=wording.METRICS,
        notes=Notes(),
        wording=wording,
        colours=COLOURS,
        not_a_device=NOT_A_DEVICE,
        style=page_style("microcalc.comparison", "evaluation.css"),
    )
    return drawn


@dataclass
class Notes:
    """Why numbers are missing, each reason once and numbered as it comes up."""

    texts: list[str] = field(default_factory=list)

    def number(self, text: str) -> int:
        """From 1."""
        if text not in self.texts:
            self.texts.append(text)
        return self.texts.index(text) + 1


def _published(evaluation: Evaluation) -> tuple[Published, ...]:
    """Numbers of the same measure at the same level: only AUC50 by calcification has any."""
    settings = evaluation.settings
    comparable = settings.level == "calcification" and settings.per != "cm2"
    return published(measure="auc50", level="calcification") if comparable else ()
