"""The report of a run as one self-contained HTML page."""

from __future__ import annotations

import base64
import hashlib
from importlib import resources
from pathlib import Path

import jinja2

from microcalc.findings import Report
from microcalc.output import page, words
from microcalc.output.files import replacing
from microcalc.output.scene import CLUSTER_COLOUR, SCORE_COLOURS


def write_report(report: Report, pictures: Path, path: Path, operating_point: str) -> None:
    """Write one HTML page for a whole run: style, script and pictures inline, nothing fetched, opens from disk.

    It grows by about 0.2 MB an image and as much for each cluster. Beyond 150 images (``MOST_PICTURES``), pictures
    are embedded only for the studies with the best-scored clusters and marks, and the page says so; tables list all.

    Args:
        report: the findings. Marks below the threshold do not enter the page.
        pictures: the folder that holds ``<image_key>/breast.jpg`` ... as written by
            :func:`microcalc.output.write_pictures`. An image without pictures is listed without them.
        path: the page to write.
        operating_point: the operating point and its false-positive rate in words.

    Raises:
        ReadError: a picture cannot be read, or the geometry beside it is broken or of another run.
        WriteError: the page cannot be written.
    """
    style, script = (_asset(name) for name in ("report.css", "report.js"))
    studies = page.make_page(report, pictures)
    environment = jinja2.Environment(
        autoescape=True, undefined=jinja2.StrictUndefined, trim_blocks=True, lstrip_blocks=True
    )
    environment.filters["count"] = words.count
    chunks = environment.from_string(_asset("report.html.j2")).generate(
        report=report,
        studies=studies,
        left_out=max(len(report.images) - page.MOST_PICTURES, 0),
        operating_point=operating_point,
        not_a_device=words.NOT_A_DEVICE,
        score_colours=SCORE_COLOURS,
        cluster_colour=CLUSTER_COLOUR,
        style=style,
        script=script,
        # The page runs this one script; whatever a path or a reason might smuggle in, the browser refuses.
        script_hash=base64.b64encode(hashlib.sha256(script.encode()).digest()).decode(),
    )
    with replacing(path) as file:
        for chunk in chunks:
            file.write(chunk.encode())


def _asset(name: str) -> str:
    return resources.files("microcalc.output").joinpath(name).read_text("utf-8")
