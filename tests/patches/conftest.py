"""Grounds and data sets small enough to be worked by hand."""

from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest
from PIL import Image

from microcalc.breast import Frame
from microcalc.datasets import Facts, Record
from microcalc.patches.ground import Ground
from microcalc.patches.protocol import LeftOut
from microcalc.truth import ImageTruth, TrueCalcification, Truth


def points(*xy, **known):
    """Calcifications of one pixel each."""
    return tuple(TrueCalcification(x=x, y=y, **known) for x, y in xy)


def make_ground(size_px, shape=(120, 90), factors=(1.0, 1.0), breast=None, facts=None, **known):
    """A ground whose breast, unless given, is its left two thirds; pixels are 0.5 there and 0 elsewhere."""
    truth = ImageTruth(path="a.png", **known)
    frame = Frame(shape, (0, 0, shape[1], shape[0]), factors=factors)
    rows, columns = (int(n / f) for n, f in zip(shape, factors, strict=True))
    if breast is None:
        breast = np.zeros((rows, columns), bool)
        breast[:, : 2 * columns // 3] = True
    image = (breast * 0.5).astype(np.float32)
    return Ground(Record(Path("a.png"), truth, facts or Facts()), image, breast, (0.07, 0.07), False, frame, size_px)


def planned(protocol, ground, seed=0):
    """(patches by label as lists of (x, y, origin), what was left out by reason) of a protocol's plan."""
    sites, left_out = {}, {}
    for part in protocol.plan(ground, np.random.default_rng(seed)):
        if isinstance(part, LeftOut):
            left_out[part.reason] = left_out.get(part.reason, 0) + part.count
        else:
            sites.setdefault(part.label, []).extend((x, y, part.origin) for x, y in part.corners.tolist())
    return sites, {reason: number for reason, number in left_out.items() if number}


def draw_breast(path, shape=(400, 300), seed=0):
    """Write a 16-bit PNG of half an ellipse at the left edge, with noise."""
    rows, columns = shape
    y, x = np.mgrid[:rows, :columns]
    inside = (x / (0.8 * columns)) ** 2 + ((y - rows / 2) / (0.45 * rows)) ** 2 < 1
    noise = 30000 + 2000 * np.random.default_rng(seed).standard_normal(shape)
    Image.fromarray(np.where(inside, noise, 0).astype(np.uint16)).save(path)


@pytest.fixture(scope="session")
def toy():
    """The functions above."""
    return SimpleNamespace(points=points, ground=make_ground, planned=planned, draw_breast=draw_breast)


@pytest.fixture(scope="session")
def small_set(tmp_path_factory):
    """A truth folder: three patients, each on a side of the split, a calcified image and a normal one each."""
    folder = tmp_path_factory.mktemp("set")
    images = []
    for number, split in enumerate(("train", "validation", "test")):
        for side, normal in (("L", False), ("R", True)):
            name = f"p{number}_{side}_CC.png"  # a view without a pectoral muscle to look for
            draw_breast(folder / name, seed=10 * number + normal)
            marks = () if normal else points((60, 150), (100, 200), (110, 240), pathology="benign")
            images.append(
                ImageTruth(
                    path=name,
                    patient=f"p{number}",
                    split=split,
                    normal=normal,
                    spacing_mm=(0.07, 0.07),
                    calcifications=marks,
                )
            )
    (folder / "truth.json").write_text(Truth(root=".", images=tuple(images)).to_json())
    return folder
