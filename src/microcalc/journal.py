"""What a run has finished so far, kept on disk image by image, so that an interrupted run can go on."""

from __future__ import annotations

from pathlib import Path

from microcalc.errors import UsageError, WriteError
from microcalc.findings import DetectorInfo, ImageFindings, Report


class Journal:
    """``findings.partial.jsonl`` in the output folder: the detector in its first line, then one finished image a line.

    Args:
        folder: the output folder; made where missing.
        detector: what this run detects with.
        resume: read what an earlier run has finished, from its journal or else from its ``findings.json``.

    Raises:
        UsageError: the earlier run was made with another detector or operating point.
        WriteError: the folder cannot be written.
    """

    def __init__(self, folder: Path, detector: DetectorInfo, *, resume: bool) -> None:
        self._path = folder / "findings.partial.jsonl"
        earlier = _read(folder, self._path) if resume else None
        if earlier is not None and earlier[0] != detector:
            raise UsageError(
                expected=f"an earlier run of {detector.name} at {detector.operating_point} to resume",
                found=f"one of {earlier[0].name} {earlier[0].version} at {earlier[0].operating_point}",
                do="use another output folder, or leave --resume out",
                where=folder,
            )
        #: Findings of the images finished earlier, by path.
        self.done: dict[str, ImageFindings] = earlier[1] if earlier is not None else {}
        try:
            folder.mkdir(parents=True, exist_ok=True)
            self._path.write_text(
                "".join(f"{record.model_dump_json()}\n" for record in (detector, *self.done.values())), encoding="utf-8"
            )
        except OSError as error:
            raise self._write_error(error) from error

    def add(self, image: ImageFindings) -> None:
        """Note a finished image."""
        try:
            with self._path.open("a", encoding="utf-8") as file:
                file.write(f"{image.model_dump_json()}\n")
        except OSError as error:
            raise self._write_error(error) from error

    def remove(self) -> None:
        """The run is complete and its findings are written."""
        self._path.unlink(missing_ok=True)

    def _write_error(self, error: OSError) -> WriteError:
        return WriteError(
            expected="an output folder that can be written",
            found=error.strerror or str(error),
            do="choose another --out, or check its permissions and the free disk space",
            where=self._path.parent,
        )


def _read(folder: Path, journal: Path) -> tuple[DetectorInfo, dict[str, ImageFindings]] | None:
    if journal.exists():
        # A line cut short by a kill in the middle of writing holds no finished image.
        lines = journal.read_text(encoding="utf-8").split("\n")[:-1]
        if lines:
            images = [ImageFindings.model_validate_json(line) for line in lines[1:]]
            return DetectorInfo.model_validate_json(lines[0]), {image.path: image for image in images}
    if (folder / "findings.json").exists():
        report = Report.from_json(folder / "findings.json")
        return report.detector, {image.path: image for image in report.images}
    return None
