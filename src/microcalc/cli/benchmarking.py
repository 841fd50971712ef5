"""``microcalc benchmark``."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from microcalc.cli.shared import EXIT_SOME_FAILED, Jobs, Out, Resume, ended_early, given, listed, progress, refuse
from microcalc.errors import UsageError

if TYPE_CHECKING:
    from microcalc.benchmark.job import Done
    from microcalc.benchmark.records import Benchmark
    from microcalc.evaluation.froc import Per


def benchmark(
    data: Annotated[str, typer.Option(metavar="SPEC", help="truth:FOLDER, bench:v1-medium ...", show_default=False)],
    out: Out,
    detectors: Annotated[
        str | None,
        typer.Option(metavar="A,B,...", help="Names, packages, NAME=PACKAGE; default: all.", show_default=False),
    ] = None,
    packages: Annotated[
        str | None,
        typer.Option(metavar="A,B,...", help="Networks, on --data patches:FOLDER.", show_default=False),
    ] = None,
    proposers: Annotated[
        str | None,
        typer.Option(metavar="P,Q,...", help="Candidates alone: hdog,hough:second_pass=false ...", show_default=False),
    ] = None,
    split: Annotated[
        str | None, typer.Option(help="Only train, validation or test images.", show_default=False)
    ] = None,
    level: Annotated[
        str | None, typer.Option(help="calcification, cluster, image, breast or patient.", show_default=False)
    ] = None,
    rule: Annotated[
        str | None,
        typer.Option(help="disc14, distance:MM, iou:T, cluster or cluster:marks=N.", show_default=False),
    ] = None,
    per: Annotated[str, typer.Option(help="Basis of false positives: image, cm2 or legacy.")] = "image",
    draws: Annotated[int, typer.Option(min=100, help="Resamples, for intervals by patient.")] = 1000,
    seed: Annotated[int, typer.Option(min=0, help="Of the resamples and the examples.")] = 0,
    runtime: Annotated[
        str | None, typer.Option(help="Of networks: onnxruntime, torch, openvino.", show_default=False)
    ] = None,
    precision: Annotated[str | None, typer.Option(help="Of networks: f32, bf16, int8.", show_default=False)] = None,
    resume: Resume = False,
    jobs: Jobs = None,
) -> None:
    """Compare detectors, proposers of candidates, or networks on patches, on one data set with truth."""
    wishes = given(split=split, level=level, rule=rule, per=per, runtime=runtime, precision=precision)
    wishes |= {name: tuple(listed(names)) for name, names in given(detectors=detectors, proposers=proposers).items()}
    if packages is not None:
        others = {name: wish for name, wish in wishes.items() if name != "split" and (name, wish) != ("per", "image")}
        refuse("--packages", others | given(jobs=jobs) | ({"resume": True} if resume else {}))
        _on_patches(data, out, packages, draws=draws, seed=seed, **given(split=split))
        return
    from microcalc.benchmark.job import BenchmarkOptions
    from microcalc.benchmark.job import benchmark as run
    from microcalc.parallel import process_pool

    options = BenchmarkOptions(**wishes, draws=draws, seed=seed)
    try:
        with progress("Comparing", _line) as on_done:
            result = run(data, out, options, make_executor=process_pool(jobs), resume=resume, on_done=on_done)
    except KeyboardInterrupt:
        ended_early("Interrupted.", out)
    typer.echo("\n".join(_summary(result, options.per)))
    typer.echo(f"Report: {out / 'benchmark.html'}")
    if result.failed:
        raise typer.Exit(EXIT_SOME_FAILED)


def _on_patches(data: str, out: Path, packages: str, **wishes: Any) -> None:
    """Compare networks on patches that are cut."""
    from microcalc.comparison.wording import said
    from microcalc.models.extras import needs
    from microcalc.training.job import PATCHES

    if not data.startswith(PATCHES):
        raise UsageError(
            expected=f"patches that are cut, for --packages: --data {PATCHES}FOLDER",
            found=repr(data),
            do="cut some (microcalc data patches), or compare detectors",
        )
    with needs("train", "torch", "torchvision", "timm"):
        from microcalc.benchmark.patch_job import PatchOptions, compare_networks
    options = PatchOptions(tuple(listed(packages)), **wishes)
    with progress("Asking", lambda asking: f"{asking.network}, {asking.patches} patches") as on_asked:
        result = compare_networks(Path(data.removeprefix(PATCHES)).expanduser(), out, options, on_asked=on_asked)
    for it in result.networks:
        typer.echo(f"{it.name}: " + ", ".join(f"AUC {said(area)} {target}" for target, area in it.areas.items()))
    for remark in result.remarks:
        typer.echo(f"Note: {remark}")
    typer.echo(f"Report: {out / 'benchmark.html'}")


def _line(done: Done) -> str:
    return f"{done.method}, {done.path}" + ("" if done.failed is None else f": FAILED: {done.failed}")


def _summary(result: Benchmark, per: Per) -> Iterator[str]:
    from microcalc.comparison.wording import AREA, said

    for it in result.detectors:
        if it.area is not None and it.seconds is not None:
            computed = "" if it.computed is None else f" ({it.computed})"
            yield f"{it.name}: {AREA[per]} {said(it.area)}, {it.seconds.median:.2f} s an image{computed}"
    for of in () if result.candidates is None else result.candidates.proposers:
        yield f"{of.name}: recall {said(of.recall)}, {of.seconds.median:.2f} s an image"
    yield from (f"Note: {remark}" for remark in result.remarks)
