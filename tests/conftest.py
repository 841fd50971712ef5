"""What several rooms' tests need."""

import os
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

import microcalc
from microcalc.comparison.scored import score_systems
from microcalc.comparison.systems import System, SystemImage
from microcalc.evaluation.detections import Detections
from microcalc.evaluation.matching import parse_rule
from microcalc.findings import Calcification, DetectorInfo
from microcalc.patches.store import MANIFEST, ROWS, Manifest, PatchStore, Shard, write_rows
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


@pytest.fixture(scope="session")
def write_patches():
    """Writes a store of a protocol in one shard: patches, their pixels and, where there are some, masks."""

    def write(folder, protocol, patches, pixels, masks=None, **known):
        folder.mkdir(parents=True, exist_ok=True)
        shard = Shard(name="shard-0000.npy", patches=len(patches))
        np.save(folder / shard.name, pixels)
        if masks is not None:
            np.save(folder / shard.masks, masks)
        write_rows(folder / ROWS, patches)
        values = {
            "microcalc": microcalc.__version__,
            "protocol": protocol.name,
            "paper": protocol.paper,
            "size_px": pixels.shape[-1],
            "spacing_mm": None,
            "labels": protocol.labels,
            "channels": () if masks is None else protocol.channels,
            "seed": 0,
            "split": None,
            "images": len({patch.image for patch in patches}),
            "counts": {},
            "shards": (shard,),
            "left_out": {},
            "balanced_out": 0,
            "spacing_assumed": 0,
            "dropped": 0,
            "failed": (),
            "notes": (),
        }
        (folder / MANIFEST).write_text(Manifest(**values | known).to_json())
        return PatchStore.open(folder)

    return write


@pytest.fixture(scope="session")
def make_scored():
    """Systems scored on the truth of some images; each names, for each image, its (x, y, score)."""

    def make_scored(truths, rule="disc14", threshold=0.5, **marks):
        detector = None
        if threshold is not None:
            detector = DetectorInfo(
                name="any", version="1", operating_point="own", threshold=threshold, score_floor=0.01, calibrated=False
            )
        found = [
            [_found(truth, of_image) for truth, of_image in zip(truths, of_images, strict=True)]
            for of_images in marks.values()
        ]
        systems = [
            System(name, Path(f"{name}.json"), "ab" * 32, detector, tuple(images), ())
            for name, images in zip(marks, found, strict=True)
        ]
        return score_systems(truths, systems, found, parse_rule(rule))

    return make_scored


def _found(truth, marks):
    listed = [Calcification(x=x, y=y, score=score) for x, y, score in marks]
    return SystemImage(
        truth.path, None, Detections.of_marks(listed, truth.spacing_mm), None, truth.spacing_mm, None, None
    )
