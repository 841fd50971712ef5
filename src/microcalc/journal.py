"""What a run has finished so far, kept on disk image by image, so that an interrupted run can go on."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from microcalc.errors import ReadError, UsageError, WriteError
from microcalc.findings import ImageFindings, Report
from microcalc.output import replacing


class Journal:
    """``findings.partial.jsonl`` in the output folder: the run's settings, then a finished image a line.

    Args:
        folder: the output folder; made where missing.
        settings: what the findings depend on besides the images, fit for JSON: groups of names and values.
        resume: take over what an earlier run has finished, from its journal or else from its results.

    Raises:
        UsageError: the earlier run was made with other settings.
        ReadError: the earlier run's results are damaged.
        WriteError: the folder cannot be written.
    """

    def __init__(self, folder: Path, settings: Mapping[str, Any], *, resume: bool) -> None:
        self._path = folder / "findings.partial.jsonl"
        earlier, images = _read(folder, self._path) if resume else (None, [])
        wanted = json.loads(json.dumps(settings))
        if earlier not in (None, wanted):
            raise UsageError(
                expected="the settings of the earlier run in this folder, to resume it",
                found=_difference(earlier, wanted),
                do="use another output folder, or leave --resume out",
                where=folder,
            )
        #: Findings of the images finished earlier, by path.
        self.done = {image.path: image for image in images}
        lines = [json.dumps(wanted), *(image.model_dump_json() for image in images)]
        with replacing(self._path) as file:
            file.write("".join(f"{line}\n" for line in lines).encode())

    def add(self, image: ImageFindings) -> None:
        """Note a finished image."""
        try:
            with self._path.open("a", encoding="utf-8") as file:
                file.write(f"{image.model_dump_json()}\n")
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


def _read(folder: Path, journal: Path) -> tuple[Any, list[ImageFindings]]:
    """Settings and finished images of an earlier run; None and no images where there was none."""
    try:
        if journal.exists():
            # A line cut short by a kill in the middle of writing holds no finished image.
            lines = journal.read_text(encoding="utf-8").split("\n")[:-1]
            if lines:
                return _settings(json.loads(lines[0])), [ImageFindings.model_validate_json(line) for line in lines[1:]]
        if (folder / "findings.json").exists() and (folder / "run.json").exists():
            record = json.loads((folder / "run.json").read_text(encoding="utf-8"))
            return _settings(record["settings"]), list(Report.from_json(folder / "findings.json").images)
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
    both = [{f"{part} {key}": value for part in s for key, value in s[part].items()} for s in (earlier, wanted)]
    return ", ".join(
        f"{key} {both[0].get(key)} then, {value} now" for key, value in both[1].items() if both[0].get(key) != value
    )
