"""Decoders that must not run in this process: GDCM aborts it on damaged headers, and both it and libtiff write their
complaints straight to stderr."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

#: An image at the size limit takes GDCM about ten seconds.
_SECONDS = 60


def run_apart(program: str, stream: bytes, *arguments: int) -> subprocess.CompletedProcess[bytes]:
    """Run a program of this folder on a compressed stream; its stdout is what it decoded.

    Raises:
        subprocess.SubprocessError: it failed, crashed or hung.
    """
    # -P: nothing in the working directory is to be imported by mistake.
    command = [sys.executable, "-P", str(Path(__file__).with_name(program)), *map(str, arguments)]
    return subprocess.run(command, input=stream, capture_output=True, timeout=_SECONDS, check=True)
