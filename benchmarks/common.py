"""What the measuring scripts share: an image to measure on."""

import os
import tempfile
from pathlib import Path

from microcalc.synthesis import write_study

SHARED = Path(os.environ.get("MICROCALC_SHARED", Path(__file__).parents[2] / "shared"))
#: Four real mammograms with specks marked by eye: for development, not a test set.
DEVELOPMENT = SHARED / "data" / "ffdm"


def one_image() -> Path:
    """A 3328 x 2560 mammogram: a real one where at hand, else a synthetic one."""
    if DEVELOPMENT.is_dir():
        path = DEVELOPMENT / "2_L_CC.png"
    else:
        folder = Path(tempfile.mkdtemp())
        write_study(folder, seed=1)
        path = folder / "synthetic-0001_L_CC.dcm"
    print(f"image: {'real' if DEVELOPMENT.is_dir() else 'synthetic'} {path.name}")
    return path
