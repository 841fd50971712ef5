"""Little data sets of drawn breasts, sound and with planted faults."""

import numpy as np
import pytest
from PIL import Image
from scipy.ndimage import gaussian_filter

from microcalc.truth import ImageTruth, Truth

SHAPE = (400, 300)


def breast(seed, *, side="L"):
    """(400, 300) uint16: half an ellipse of cloudy tissue on black, its chest wall at the left of a left breast."""
    y, x = np.mgrid[: SHAPE[0], : SHAPE[1]]
    inside = (x / 240) ** 2 + ((y - 200) / 160) ** 2 < 1
    clouds = gaussian_filter(np.random.default_rng(seed).standard_normal(SHAPE), 12)
    grey = np.where(inside, 30000 + 8000 * clouds / clouds.std(), 0).clip(0, 65535).astype(np.uint16)
    return grey if side == "L" else grey[:, ::-1]


@pytest.fixture
def draw():
    """:func:`breast`."""
    return breast


@pytest.fixture
def data_set(tmp_path):
    """Writes images and their truth into a folder; gives the SPEC."""

    def write(pictures, truths, root="data"):
        folder = tmp_path / root
        folder.mkdir()
        for name, pixels in pictures.items():
            if isinstance(pixels, bytes):
                (folder / name).write_bytes(pixels)
            else:
                Image.fromarray(np.ascontiguousarray(pixels)).save(folder / name)
        (folder / "truth.json").write_text(Truth(root=".", images=tuple(truths)).to_json())
        return f"truth:{folder}"

    return write


@pytest.fixture
def clean():
    """Pictures and truths of four breasts of two patients, one with a cluster, with nothing wrong."""
    marks = [{"x": 60 + 6 * n, "y": 200.0, "diameter_mm": 0.3} for n in range(5)]
    truths = [
        ImageTruth(
            path=f"p{patient}_{side}.png",
            patient=f"p{patient}",
            side=side,
            view="CC",
            density="B",
            vendor="Hologic",
            rows=400,
            columns=300,
            spacing_mm=(0.1, 0.1),
            split="train" if patient == 1 else "test",
            normal=(patient, side) != (1, "L"),
            calcifications=marks if (patient, side) == (1, "L") else (),
            clusters=[{"bbox": (55, 195, 90, 205), "members": range(5)}] if (patient, side) == (1, "L") else (),
        )
        for patient in (1, 2)
        for side in "LR"
    ]
    pictures = {truth.path: breast(number, side=truth.side) for number, truth in enumerate(truths)}
    return pictures, truths
