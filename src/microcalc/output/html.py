"""Self-contained HTML pages, and the report of a run as one."""

from __future__ import annotations

import base64
import hashlib
from collections.abc import Callable, Sequence
from importlib import resources
from pathlib import Path
from typing import Any

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
    style, script = (read_asset("microcalc.output", name) for name in ("report.css", "report.js"))
    studies = page.make_page(report, pictures)
    write_html(
        path,
        read_asset("microcalc.output", "report.html.j2"),
        (words.count,),
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


def write_html(path: Path, template: str, filters: Sequence[Callable[..., object]], **values: Any) -> None:
    """Write a page from a Jinja template; texts are escaped, and a name without a value is an error.

    Args:
        path: the page to write.
        template: its source.
        filters: functions that the template may use as filters, under their own names.
        values: what the template names.

    Raises:
        WriteError: the page cannot be written.
    """
    environment = jinja2.Environment(
        autoescape=True, undefined=jinja2.StrictUndefined, trim_blocks=True, lstrip_blocks=True
    )
    environment.filters |= {function.__name__: function for function in filters}
    with replacing(path) as file:
        for chunk in environment.from_string(template).generate(**values):
            file.write(chunk.encode())


def read_asset(package: str, name: str) -> str:
    """A text file that comes with a package: a template, style or script."""
    return resources.files(package).joinpath(name).read_text("utf-8")


def page_style(package: str, name: str) -> str:
    """The style of a page: what all pages but the report share, and its own."""
    return read_asset("microcalc.output", "ground.css") + read_asset(package, name)
