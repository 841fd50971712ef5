"""Methods as a call names them: ``morphology``, ``ours=PACKAGE``, ``morphology:first_quantile=0.97``."""

from __future__ import annotations

import json
import re
from collections.abc import Sequence
from pathlib import Path

from pydantic import ValidationError

from microcalc.detectors import DETECTORS, load_detector
from microcalc.errors import UsageError
from microcalc.models import PACKAGES
from microcalc.recipe.proposer import PROPOSERS, Proposer, Value
from microcalc.recipe.yaml_text import first_wrong

#: The names of detectors are folders too.
_FIT_FOR_A_FOLDER = re.compile(r"\w[\w.-]*")


def all_detectors() -> tuple[str, ...]:
    """Every detector that comes with microcalc."""
    return (*DETECTORS, *PACKAGES)


def named_detectors(asked: Sequence[str]) -> dict[str, str]:
    """Names of their own -> what ``--detector`` of ``detect`` takes; all are loaded once.

    Args:
        asked: names of detectors or packages, or paths of packages; ``NAME=path`` names one. A path that has such a
            sign in its own name is taken as it is.

    Raises:
        UsageError: no such detector, two under one name, or a name that is not fit for a folder.
        ReadError: a package is damaged.
    """
    named: dict[str, str] = {}
    for text in asked:
        name, sign, path = text.partition("=")
        if not sign or Path(text).exists():
            name, path = load_detector(text).name, text
        else:
            load_detector(path)
        if name in named or not _FIT_FOR_A_FOLDER.fullmatch(name):
            raise UsageError(
                expected="a name of its own for each detector, of letters, digits, dots, hyphens and underscores",
                found=f"{name!r} twice" if name in named else repr(name),
                do="name them: --detectors old=first,new=second",
            )
        named[name] = path
    return named


def parse_proposer(text: str) -> Proposer:
    """A proposer and those of its parameters that differ: ``hdog:condition=roundness:threshold=0.01``.

    Lengths in the papers' pixels of 0.07 mm may be given as ``x_px`` instead of ``x_mm``.

    Raises:
        UsageError: no such proposer or parameter, or a value that does not fit.
    """
    name, *assignments = text.split(":")
    pairs = [assignment.partition("=") for assignment in assignments]
    parameters = {key: _value(value) for key, _, value in pairs}
    example = f"a proposer such as {', '.join(PROPOSERS)} or morphology:first_quantile=0.97"
    if not all(sign for _, sign, _ in pairs) or len(parameters) < len(pairs):
        raise UsageError(expected=example, found=repr(text), do="write each parameter once, as :name=value")
    try:
        return Proposer(name=name, parameters=parameters)
    except ValidationError as error:
        raise UsageError(expected=example, found=f"{text!r}: {first_wrong(error)}", do="mend that") from error


def _value(text: str) -> Value:
    """``true`` and numbers as in JSON; else the text itself."""
    try:
        value = json.loads(text)
    except ValueError:
        return text
    return value if isinstance(value, bool | int | float) else text
