"""What a run has finished so far, kept on disk record by record, so that an interrupted run can go on."""

from __future__ import annotations

import json
import textwrap
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any, Generic

from microcalc.errors import ReadError, UsageError, WriteError
from microcalc.findings import RecordT
from microcalc.output import replacing


class Journal(Generic[RecordT]):
    """A file of lines in the output folder: the run's settings, then a finished record a line.

    Args:
        path: of the journal; its folder is made where missing. The folder's ``run.json`` has the settings of a
            complete run.
        settings: what the results depend on besides the inputs, fit for JSON: groups of names and values.
        kind: of the records.
        results: reads the records of a complete run from its folder; None where it has left none.
        resume: take over what an earlier run has finished, from its journal or else from its results.

    Raises:
        UsageError: the earlier run was made with other settings.
        ReadError: the earlier run's results are damaged.
        WriteError: the folder cannot be written.
    """

    def __init__(
        self,
        path: Path,
        settings: Mapping[str, Any],
        kind: type[RecordT],
        results: Callable[[Path], Sequence[RecordT] | None],
        *,
        resume: bool,
    ) -> None:
        self._path = path
        earlier, records = _read(path, kind, results) if resume else (None, [])
        wanted = json.loads(json.dumps(settings))
        if earlier not in (None, wanted):
            raise UsageError(
                expected="the settings of the earlier run in this folder, to resume it",
                found=_difference(earlier, wanted),
                do="use another output folder, or leave --resume out",
                where=path.parent,
            )
        #: What was finished earlier.
        self.finished: tuple[RecordT, ...] = tuple(records)
        lines = [json.dumps(wanted), *(record.model_dump_json() for record in records)]
        with replacing(self._path) as file:
            file.write("".join(f"{line}\n" for line in lines).encode())

    def add(self, record: RecordT) -> None:
        """Note a finished record."""
        try:
            with self._path.open("a", encoding="utf-8") as file:
                file.write(f"{record.model_dump_json()}\n")
        except OSError as error:
            raise WriteError(
                expected="an output folder that can be written",
                found=error.strerror or str(error),
                do="choose another --out, or check its permissions and the free disk space",
                where=self._path.parent,
            ) from error

    def remove(self) -> None:
        """The run is complete and its results are written."""
        self._path.unlink(missing_ok=True)


def _read(
    journal: Path, kind: type[RecordT], results: Callable[[Path], Sequence[RecordT] | None]
) -> tuple[Any, Sequence[RecordT]]:
    """Settings and finished records of an earlier run; None and no records where there was none."""
    folder = journal.parent
    try:
        if journal.exists():
            # A line cut short by a kill in the middle of writing holds no finished record.
            lines = journal.read_text(encoding="utf-8").split("\n")[:-1]
            if lines:
                return _settings(json.loads(lines[0])), [kind.model_validate_json(line) for line in lines[1:]]
        if (folder / "run.json").exists() and (records := results(folder)) is not None:
            record = json.loads((folder / "run.json").read_text(encoding="utf-8"))
            return _settings(record["settings"]), records
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise ReadError(
            expected="results of an earlier run to resume",
            found=f"damaged ones ({type(error).__name__})",
            do="use another output folder, or leave --resume out",
            where=folder,
        ) from error
    return None, []


def _settings(found: Any) -> dict[str, dict[str, Any]]:
    if not isinstance(found, dict) or not all(isinstance(part, dict) for part in found.values()):
        raise ValueError("settings are groups of names and values")
    return found


def _difference(earlier: dict[str, dict[str, Any]], wanted: dict[str, dict[str, Any]]) -> str:
    """The settings that differ, in words."""
    then, now = ({key: value for part in s for key, value in _single(part, s[part], " ")} for s in (earlier, wanted))
    return ", ".join(
        f"{key} {_short(then.get(key))} then, {_short(value)} now"
        for key, value in now.items()
        if then.get(key) != value
    )


def _short(value: Any) -> str:
    return textwrap.shorten(str(value), 60, placeholder=" ...")


def _single(name: str, value: Any, between: str = ".") -> Iterator[tuple[str, Any]]:
    """Single settings, those of a group by the names that lead to them: recipe fitting.batch."""
    if not isinstance(value, dict):
        yield name, value
        return
    for key, part in value.items():
        yield from _single(f"{name}{between}{key}", part)
