"""The heatmap as files: one picture, one self-contained page, JSON."""

from __future__ import annotations

from pathlib import Path

from microcalc.explain import heatmap_wording as wording
from microcalc.explain.heatmap import Heated
from microcalc.explain.heatmap_picture import heat_picture, heatmap_figure, plain_picture
from microcalc.explain.panels import colour_stops, data_uri
from microcalc.output import replacing
from microcalc.output.html import page_style, read_asset, write_html
from microcalc.output.words import NOT_A_DEVICE
from microcalc.provenance import write_run_record

#: What a heatmap leaves in its folder.
JSON, PAGE, FIGURE, RUN = "heatmap.json", "heatmap.html", "heatmap.png", "run.json"
#: Patches in the page's table.
LISTED = 10


def write_heatmap(heated: Heated, out: Path) -> None:
    """Write a heatmap into a folder, made where missing; what is there under the same names is replaced.

    ``heatmap.json`` (:class:`~microcalc.explain.heatmap_records.Heatmap`), ``heatmap.html`` (self-contained: no script,
    nothing fetched), ``heatmap.png``; ``run.json``.

    Raises:
        WriteError: a file cannot be written.
    """
    heatmap = heated.heatmap
    for name, content in ((JSON, heatmap.to_json().encode()), (FIGURE, heatmap_figure(heated))):
        with replacing(out / name) as file:
            file.write(content)
    write_html(
        out / PAGE,
        read_asset("microcalc.explain", "heatmap.html.j2"),
        (wording.centre,),
        heatmap=heatmap,
        title=wording.title(heatmap),
        score_name=wording.score_name(heatmap),
        assessment=wording.assessment(heatmap),
        caution=wording.CAUTION,
        highest=sorted(heatmap.cells, key=lambda cell: -cell.score)[:LISTED],
        colours=colour_stops(),
        plain=data_uri(plain_picture(heated)),
        heat=data_uri(heat_picture(heated)),
        not_a_device=NOT_A_DEVICE,
        style=page_style("microcalc.explain", "explain.css"),
    )
    settings = {"heatmap": True, "stride_px": heatmap.grid.stride_px}
    facts = heatmap.run.model_dump() | heatmap.model.model_dump(include={"name", "package_sha256"})
    write_run_record(out / RUN, settings, facts)
