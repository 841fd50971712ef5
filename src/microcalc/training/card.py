"""What the cards of all trained packages say in the same words."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from microcalc.provenance import package_version
from microcalc.training.job import Job

INTENDED_USE = "Research on the detection of microcalcifications. Not a medical device: no use in care of patients."
_SMOKE = "Made by a smoke run, which shows that everything runs: its weights are good for nothing. "
_SYNTHETIC = "Trained and tested on phantoms: what it does on women is not known. "
_SYNTHETIC_TERMS = "None: drawn from random numbers by microcalc; no patient is behind them."
_NO_LICENCE = "none stated: choose one that the terms of the data allow"


def origin(job: Job[Any]) -> str:
    """What is to be known first of all: how limitations begin."""
    return (_SMOKE if job.smoke else "") + (_SYNTHETIC if job.synthetic else "")


def licence(job: Job[Any]) -> str:
    """Of the weights."""
    return "Apache-2.0" if job.synthetic else _NO_LICENCE


def terms(job: Job[Any], of_patients: str) -> str:
    """Under which the data may be used; ``of_patients``: where there are patients behind them."""
    return _SYNTHETIC_TERMS if job.synthetic else of_patients


def made_with(packages: Iterable[str]) -> dict[str, str]:
    """Package -> version, of those that are installed."""
    return {name: version for name in packages if (version := package_version(name)) is not None}
