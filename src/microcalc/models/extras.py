"""What is not in the base install: a missing package ends in an error that says how to install it."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator

from microcalc.errors import UsageError

#: Module -> the package that it is in, where that has another name.
_PACKAGES = {"sklearn": "scikit-learn", "mlflow": "mlflow-skinny"}


@contextlib.contextmanager
def needs(extra: str, *modules: str) -> Iterator[None]:
    """Around imports of an optional extra's modules, late ones, or of rooms' modules that need it.

    with needs("train", "torch"):
        from microcalc.models.networks import build

    Args:
        extra: as ``pyproject.toml`` calls it: train, openvino, optuna, ray, mlflow, classic.
        modules: top-level names of those that may be missing.

    Raises:
        UsageError: one of them is missing.
    """
    try:
        yield
    except ModuleNotFoundError as error:
        missing = (error.name or "").partition(".")[0]
        if missing not in modules:
            raise
        raise UsageError(
            expected=f"the package {_PACKAGES.get(missing, missing)}",
            found="none",
            do=f'install it with: pip install "microcalc[{extra}]"',
        ) from error
