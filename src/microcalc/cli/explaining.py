"""``microcalc explain``."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, cast, get_args

import typer

from microcalc.cli.shared import Out
from microcalc.errors import UsageError, check_known


def explain(
    image: Annotated[Path, typer.Argument(metavar="IMAGE", help="DICOM, PNG, JPEG, TIFF or PGM.", show_default=False)],
    out: Out,
    at: Annotated[
        str | None, typer.Option(metavar="X,Y", help="The spot, in pixels of the image.", show_default=False)
    ] = None,
    heatmap: Annotated[bool, typer.Option("--heatmap", help="All of the breast instead, patch by patch.")] = False,
    stride: Annotated[
        int | None,
        typer.Option(
            min=1, metavar="PX", help="Between the heatmap's patches; default: side by side.", show_default=False
        ),
    ] = None,
    model: Annotated[
        str | None,
        typer.Option(metavar="NAME|PATH", help="A package of the kind patch-classifier.", show_default=False),
    ] = None,
    method: Annotated[str, typer.Option(help="gradcam or gradcam++.")] = "gradcam",
    layer: Annotated[
        str | None, typer.Option(metavar="NAME", help="Of the network; default: the last maps.", show_default=False)
    ] = None,
    spacing: Annotated[
        float | None, typer.Option(metavar="MM", help="Pixel pitch where the file states none.", show_default=False)
    ] = None,
) -> None:
    """Give a second opinion on one spot: a network's score, and where on the patch it sees what; or a heatmap."""
    if heatmap == (at is not None) or (stride is not None and not heatmap):
        raise UsageError(
            expected="either a spot, --at X,Y, or --heatmap, which alone may have a --stride",
            found=_given(at, heatmap, stride),
            do="give one of them",
        )
    if at is None:
        _heatmap(image, model, stride, spacing, out)
    else:
        _opinion(image, _spot(at), model, method, layer, spacing, out)


def _heatmap(image: Path, model: str | None, stride: int | None, spacing: float | None, out: Path) -> None:
    from microcalc.explain.heatmap import heat
    from microcalc.explain.heatmap_page import PAGE, write_heatmap
    from microcalc.explain.heatmap_wording import lines

    heated = heat(image, model=model, stride_px=stride, pitch_mm=spacing)
    write_heatmap(heated, out)
    for line in lines(heated.heatmap):
        typer.echo(line)
    typer.echo(f"Report: {out / PAGE}")


def _opinion(
    image: Path,
    spot: tuple[float, float],
    model: str | None,
    method: str,
    layer: str | None,
    spacing: float | None,
    out: Path,
) -> None:
    from microcalc.explain.job import explain as run
    from microcalc.explain.page import PAGE, write_explanation
    from microcalc.explain.records import Method
    from microcalc.explain.wording import probability

    check_known("method", method, get_args(Method))
    explained = run(image, spot, model=model, method=cast("Method", method), layer=layer, pitch_mm=spacing)
    write_explanation(explained, out)
    opinion = explained.explanation.opinion
    typer.echo(f"Score {opinion.score:.3f}. {probability(explained.explanation)}")
    for point in opinion.operating_points:
        typer.echo(f"{point.name}: {'reached' if point.reached else 'not reached'} (from {point.threshold:.3g})")
    typer.echo(f"Report: {out / PAGE}")


def _given(at: str | None, heatmap: bool, stride: int | None) -> str:
    given = {"--at": at is not None, "--heatmap": heatmap, "--stride": stride is not None}
    return " and ".join(name for name, is_given in given.items() if is_given) or "neither"


def _spot(text: str) -> tuple[float, float]:
    try:
        x, y = (float(part) for part in text.split(","))
    except ValueError as error:
        raise UsageError(
            expected="a spot as X,Y, such as --at 812,1530", found=repr(text), do="give two numbers and a comma"
        ) from error
    return x, y
