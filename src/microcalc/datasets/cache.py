"""Where data that can be made again are kept."""

from __future__ import annotations

import os
from pathlib import Path


def cache_folder() -> Path:
    """``MICROCALC_CACHE``, or ``~/.cache/microcalc``."""
    return Path(os.environ.get("MICROCALC_CACHE") or Path.home() / ".cache" / "microcalc")
