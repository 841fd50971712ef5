"""The explanation as files: one picture, one self-contained page, JSON, and the papers' pair and triplet."""

from __future__ import annotations

from pathlib import Path

from microcalc.explain import wording
from microcalc.explain.figure import explanation_figure
from microcalc.explain.job import Explained
from microcalc.explain.panels import beside, breast_picture, colour_stops, data_uri, map_picture, patch_picture, png
from microcalc.output import replacing
from microcalc.output.html import page_style, read_asset, write_html
from microcalc.output.words import NOT_A_DEVICE
from microcalc.provenance import write_run_record

#: What an explanation leaves in its folder.
JSON, PAGE, FIGURE, RUN = "explain.json", "explain.html", "explain.png", "run.json"
PAIR, TRIPLET = "pair.png", "triplet.png"


def write_explanation(explained: Explained, out: Path) -> None:
    """Write an explanation into a folder, made where missing; what is there under the same names is replaced.

    ``explain.json`` (:class:`~microcalc.explain.records.Explanation`), ``explain.html`` (self-contained: no script,
    nothing fetched), ``explain.png``, and in the form of Mračko et al. ``pair.png`` (the patch, the map of the class
    predicted) and ``triplet.png`` (the patch, the maps of both sides); ``run.json``.

    Raises:
        WriteError: a file cannot be written.
    """
    explanation, spot = explained.explanation, explained.spot
    breast, patch = breast_picture(spot), patch_picture(spot)
    shown = explanation.evidence.maps
    maps = [map_picture(spot, explained.maps[it.role], it.peak) for it in shown]
    classes = explanation.opinion.classes
    predicted = max(range(len(shown)), key=lambda index: classes[shown[index].class_name])
    files = {
        JSON: explanation.to_json().encode(),
        FIGURE: explanation_figure(explanation, breast, patch, maps),
        PAIR: png(beside(patch, maps[predicted])),
        TRIPLET: png(beside(patch, *maps)),
    }
    for name, content in files.items():
        with replacing(out / name) as file:
            file.write(content)
    write_html(
        out / PAGE,
        read_asset("microcalc.explain", "explain.html.j2"),
        (wording.reached, wording.map_title, wording.map_facts),
        explanation=explanation,
        question=wording.question(explanation),
        probability=wording.probability(explanation),
        method=wording.METHOD_NAMES[explanation.evidence.method],
        scale=wording.SCALE,
        colours=colour_stops(),
        breast=data_uri(breast),
        patch=data_uri(patch),
        maps=[data_uri(picture) for picture in maps],
        not_a_device=NOT_A_DEVICE,
        style=page_style("microcalc.explain", "explain.css"),
    )
    settings = {"at": explanation.at, "method": explanation.evidence.method}
    facts = explanation.run.model_dump() | explanation.model.model_dump(include={"name", "package_sha256"})
    write_run_record(out / RUN, settings, facts)
