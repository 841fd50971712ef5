"""Data sets by their SPEC: ``inbreast:/path``, ``truth:/path``, ``bench:v1-small``; each becomes the same records."""

from __future__ import annotations

import logging
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from pydantic import ValidationError

from microcalc.batch import MakeExecutor
from microcalc.datasets.benchmark import benchmark_folder
from microcalc.datasets.cache import cache_folder
from microcalc.datasets.index import indexed
from microcalc.datasets.listing import Listing, Options, Problem, Reader
from microcalc.datasets.record import Facts, OtherFinding, Record
from microcalc.datasets.spec import Spec, parse
from microcalc.datasets.table import Table
from microcalc.datasets.truth_folder import check_complete
from microcalc.errors import ReadError, UsageError

if TYPE_CHECKING:
    from microcalc.synthesis.generate import OnStudy

__all__ = [
    "KINDS",
    "Facts",
    "Kind",
    "Listing",
    "Options",
    "OtherFinding",
    "Problem",
    "Record",
    "Spec",
    "Table",
    "cache_folder",
    "list_data",
    "open_data",
]


#: Options of a kind of data set, and its reader.
Loaded = tuple[type[Options], Reader[Any]]


@dataclass(frozen=True)
class Kind:
    """One kind of data set."""

    #: What stands after the colon.
    example: str
    #: Imports its reader; gives its options and how a folder of it is read.
    load: Callable[[], Loaded]


def list_data(
    data: str,
    *,
    make_executor: MakeExecutor | None = None,
    on_study: OnStudy | None = None,
    fresh: bool = False,
) -> Listing:
    """All that the data set of a SPEC holds, and what is wrong with it.

    What a reader found is kept in :func:`cache_folder` until a file of the data set changes.

    Args:
        data: ``KIND:PLACE[?name=value&...]``, the kind out of ``KINDS``. ``truth:/path`` is a truth file, or a folder
            with a ``truth.json``; ``bench:v1-small`` a benchmark, which is found in, or made into, the cache.
        make_executor: makes the pool that decodes masks, and draws the studies of a benchmark.
        on_study: for a benchmark that has to be made, told of each study.
        fresh: read the data set though its listing is kept.

    Raises:
        UsageError: no such kind of data, no such option, or no such benchmark.
        ReadError: the place is no such data set, or lacks what nothing can be read without.
        MicrocalcError: a benchmark cannot be made.
    """
    spec = parse(data)
    if spec.kind not in KINDS:
        raise UsageError(
            expected=f"data as {', '.join(f'{name}:{kind.example}' for name, kind in KINDS.items())}",
            found=repr(data),
            do="choose one of these kinds",
        )
    options_type, read = KINDS[spec.kind].load()
    options = _options(options_type, spec)
    if spec.kind == "bench":
        return read(benchmark_folder(spec.place, make_executor, on_study), options, make_executor)
    root = Path(spec.place).expanduser().resolve()
    if not root.exists():
        raise ReadError(expected="a data set", found="no such file or folder", do="check the path", where=root)
    if spec.kind == "truth":  # read at once
        return read(root, options, make_executor)
    return indexed(spec.kind, root, options, lambda: read(root, options, make_executor), fresh=fresh)


def open_data(data: str, *, make_executor: MakeExecutor | None = None, on_study: OnStudy | None = None) -> Table:
    """The images of the data set that a SPEC names: what :func:`list_data` lists.

    Where files of it are missing or unreadable, the log ``microcalc.datasets`` is told so, in one warning.

    Raises:
        ReadError: there is no image at all, or one is missing that a truth of the package's own names.
        MicrocalcError: images listed twice, or patients on two sides of a split.
        UsageError, MicrocalcError: as :func:`list_data`.
    """
    listing = list_data(data, make_executor=make_executor, on_study=on_study)
    if parse(data).kind in _OWN:
        check_complete(listing)
    if not listing.records:
        raise ReadError(
            expected="images with what is known about them",
            found=f"none, and {len(listing.problems)} problems",
            do=f"see what is wrong: microcalc data check '{data}' --out DIR",
            where=listing.root,
        )
    if listing.lacking is not None:
        _LOG.warning(listing.lacking)
    return Table(listing.records)


def _options(kind: type[Options], spec: Spec) -> Options:
    """The options of a SPEC as those of its kind.

    Raises:
        UsageError: one is unknown, or has a value that makes no sense.
    """
    try:
        return kind.model_validate_strings(dict(spec.options))
    except ValidationError as error:
        first = error.errors(include_url=False)[0]
        name = ".".join(str(part) for part in first["loc"])
        raise UsageError(
            expected=f"options of {spec.kind}: {', '.join(kind.model_fields) or 'it has none'}",
            found=f"{name}={spec.options.get(name, '')}: {first['msg']}",
            do="mend the SPEC; docs/reference/datasets.md tells of each option",
        ) from error


def _truth() -> Loaded:
    from microcalc.datasets import truth_folder

    return truth_folder.TruthOptions, truth_folder.read


def _inbreast() -> Loaded:
    from microcalc.datasets import inbreast

    return inbreast.InbreastOptions, inbreast.read


def _cbis_ddsm() -> Loaded:
    from microcalc.datasets import cbis_ddsm

    return cbis_ddsm.CbisDdsmOptions, cbis_ddsm.read


def _omi_db() -> Loaded:
    from microcalc.datasets import omi_db

    return omi_db.OmiDbOptions, omi_db.read


def _bmcd() -> Loaded:
    from microcalc.datasets import bmcd

    return bmcd.BmcdOptions, bmcd.read


def _mini_mias() -> Loaded:
    from microcalc.datasets import mini_mias

    return mini_mias.MiniMiasOptions, mini_mias.read


def _vindr_mammo() -> Loaded:
    from microcalc.datasets import vindr_mammo

    return vindr_mammo.VindrMammoOptions, vindr_mammo.read


def _cdd_cesm() -> Loaded:
    from microcalc.datasets import cdd_cesm

    return cdd_cesm.CddCesmOptions, cdd_cesm.read


def _coco() -> Loaded:
    from microcalc.datasets import coco

    return coco.CocoOptions, coco.read


def _table() -> Loaded:
    from microcalc.datasets import tabular

    return tabular.TabularOptions, tabular.read


def _images() -> Loaded:
    from microcalc.datasets import image_folder

    return image_folder.ImageFolderOptions, image_folder.read


_LOG = logging.getLogger(__name__)

#: With a truth of the package's own, which names no image that is not there.
_OWN = ("truth", "bench")

#: By the word before the colon.
KINDS: dict[str, Kind] = {
    "truth": Kind("FOLDER", _truth),
    "bench": Kind("v1-small", _truth),
    "inbreast": Kind("FOLDER", _inbreast),
    "cbis_ddsm": Kind("FOLDER", _cbis_ddsm),
    "omi_db": Kind("FOLDER", _omi_db),
    "bmcd": Kind("FOLDER", _bmcd),
    "mini_mias": Kind("FOLDER", _mini_mias),
    "vindr_mammo": Kind("FOLDER", _vindr_mammo),
    "cdd_cesm": Kind("FOLDER", _cdd_cesm),
    "coco": Kind("annotations.json", _coco),
    "table": Kind("images.csv", _table),
    "images": Kind("FOLDER", _images),
}
