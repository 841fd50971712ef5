"""What several rooms' tests need."""

import os
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from microcalc.synthesis import write_study


@pytest.fixture(scope="session")
def shared():
    """The folder of real sample files, which are not part of the repository."""
    folder = Path(os.environ.get("MICROCALC_SHARED", Path(__file__).parents[2] / "shared"))
    if not (folder / "data").is_dir():
        pytest.skip("no real sample files: set MICROCALC_SHARED to the folder that holds data/")
    return folder / "data"


@pytest.fixture(scope="session")
def study(tmp_path_factory):
    """(folder, truth) of a small synthetic study: four DICOM views of a little breast with a cluster."""
    folder = tmp_path_factory.mktemp("study")
    return folder, write_study(folder, seed=3, shape=(900, 640), spacing_mm=0.1)


@pytest.fixture(scope="session")
def breast_png():
    """Writes a drawn breast into a 16-bit PNG: enough to be processed."""

    def write(path, columns=300):
        y, x = np.mgrid[:400, :columns]
        inside = (x / (columns - 60)) ** 2 + ((y - 200) / 160) ** 2 < 1
        grey = np.where(inside, 30000 + 2000 * np.random.default_rng(0).standard_normal(inside.shape), 0)
        Image.fromarray(grey.astype(np.uint16)).save(path)
        return path

    return write
