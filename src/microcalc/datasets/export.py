"""A data set's truth as a file of its own."""

from __future__ import annotations

import os
from pathlib import Path

from microcalc.datasets.table import Table
from microcalc.output import replacing
from microcalc.truth import Truth


def export_truth(table: Table, root: Path, path: Path) -> Truth:
    """Write what is known about the images of a data set as ``microcalc.truth/1``.

    Args:
        table: the images.
        root: folder that their paths start from; the file names it relative to itself, where that can be.
        path: the file to write.

    Raises:
        WriteError: the file cannot be written.
    """
    truth = Truth(root=_from(path.parent, root), images=tuple(record.truth for record in table))
    with replacing(path) as file:
        file.write(truth.to_json().encode())
    return truth


def _from(folder: Path, root: Path) -> str:
    try:
        return Path(os.path.relpath(root.resolve(), folder.resolve())).as_posix()
    except ValueError:  # another drive
        return root.resolve().as_posix()
