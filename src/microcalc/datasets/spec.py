"""SPEC: how a call names a data set, ``KIND:PLACE[?name=value[&name=value]]``."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

from microcalc.errors import UsageError


@dataclass(frozen=True)
class Spec:
    """A SPEC in its parts; whether the kind exists, and the options make sense, others ask."""

    kind: str
    #: A folder or file; of a benchmark, its name.
    place: str
    #: As written; :class:`~microcalc.datasets.listing.Options` of the kind says what they mean.
    options: Mapping[str, str] = field(default_factory=dict)

    def __str__(self) -> str:
        options = "&".join(f"{name}={value}" for name, value in self.options.items())
        return f"{self.kind}:{self.place}" + (f"?{options}" if options else "")


def parse(text: str) -> Spec:
    """Take a SPEC apart: ``cbis_ddsm:/data/CBIS?abnormality=calcification&spacing_mm=0.05``.

    A place that exists as written, question mark and all, has no options.

    Raises:
        UsageError: no kind, no place, or options that are not ``name=value``.
    """
    kind, colon, rest = text.partition(":")
    if not (kind and colon and rest):
        raise UsageError(
            expected="data as KIND:PLACE[?name=value]",
            found=repr(text),
            do="name the kind of data first" if not colon else "name kind and place",
        )
    if Path(rest).expanduser().exists():
        return Spec(kind, rest)
    place, _, query = rest.partition("?")
    options: dict[str, str] = {}
    for part in filter(None, query.split("&")):
        name, sign, value = (word.strip() for word in part.partition("="))
        if not (name and sign) or name in options or not place:
            raise UsageError(
                expected="options as ?name=value&name=value, each once, behind the place",
                found=repr(text),
                do="mend them, or quote the SPEC for the shell",
            )
        options[name] = value
    return Spec(kind, place, options)


def named(text: str) -> str:
    """What results call the data of a SPEC: ``truth:some/where/bench`` is truth:bench, wherever it lies."""
    kind, _, place = text.partition(":")
    return f"{kind}:{Path(place).name}"
