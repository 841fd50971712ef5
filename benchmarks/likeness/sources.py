"""Sources: where specimens come from, real or drawn."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from likeness.crude import crude_picture
from likeness.matching import Target, nearest_device
from likeness.specimen import SPACING_MM, Kind, Specimen
from microcalc.breast import mend_polarity
from microcalc.imageio import read_mammogram
from microcalc.mammogram import Mammogram, Side
from microcalc.synthesis.acquisition import acquire
from microcalc.synthesis.confusers import draw_confusers
from microcalc.synthesis.device import Device
from microcalc.synthesis.phantom import Density, Phantom
from microcalc.truth import Truth

Array = NDArray[np.float32]

#: First seed of the phantoms, and of the crude ones. Each patient gives an L CC and an R CC view.
FIRST_SEED = 7000
_DENSITIES: tuple[Density, ...] = ("B", "C")


@dataclass(frozen=True)
class Source:
    """A file, or a patient to be drawn as a unit like ``target`` shows her."""

    kind: Kind
    woman: str
    side: Side
    path: Path | None = None
    seed: int = 0
    density: Density = "B"
    target: Target | None = None

    def open(self) -> Specimen:
        """Read or draw it."""
        if self.path is not None:
            return _read(self.path, self.kind, self.woman)
        assert self.target is not None  # what is drawn is drawn to match
        draw = crude_picture if self.kind == "crude" else phantom_picture
        pixels = draw(self.seed, self.side, self.density, self.target)
        name = f"{self.woman} {self.side} {self.density}"
        mammogram = Mammogram(pixels, (SPACING_MM, SPACING_MM), "dataset", self.side, "CC")
        return Specimen.of(mammogram, None, kind=self.kind, woman=self.woman, name=name)


def _read(path: Path, kind: Kind, woman: str) -> Specimen:
    mammogram = mend_polarity(read_mammogram(path))
    listed = path.with_name("truth.json")
    images = Truth.from_json(listed).images if listed.is_file() else ()
    truth = next((image for image in images if image.path == path.name), None)
    return Specimen.of(mammogram, truth, kind=kind, woman=woman, name=path.stem)


def phantom_picture(seed: int, side: Side, density: Density, target: Target) -> Array:
    """A finished CC view without calcium, upright grey in 0..1, in the stored orientation."""
    phantom = Phantom("CC", side, seed, density)
    tissue = phantom.render()
    device = nearest_device(tissue, target, phantom.rng("device"))
    noise = device.unit_noise(phantom.shape, phantom.rng("noise", side, "CC"))
    stamps = draw_confusers(phantom, tissue, device, phantom.rng("confusers", side, "CC"))
    return upright(acquire(phantom, tissue, device, noise, (), stamps), device)


def upright(pixels: NDArray[np.uint16], device: Device) -> Array:
    """Stored pixels as grey in 0..1, bright = radio-opaque."""
    return device.store(pixels).astype(np.float32) / np.float32(device.full)


def drawn_sources(kind: Kind, count: int, target: Target) -> list[Source]:
    """``count`` pictures of drawn women, left and right in turn, densities B and C in turn."""
    return [
        Source(kind, f"{kind}-{i // 2}", "LR"[i % 2], None, FIRST_SEED + i // 2, _DENSITIES[i // 2 % 2], target)  # type: ignore[arg-type]
        for i in range(count)
    ]


def exam_sources(folder: Path, exam: int) -> list[Source]:
    """The two CC views of one exam of the real images' folder."""
    return [Source("real", f"exam {exam}", side, folder / f"{exam}_{side}_CC.png") for side in ("L", "R")]  # type: ignore[arg-type]


def folder_sources(paths: Sequence[Path]) -> list[Source]:
    """Pictures already made, named like the real ones (``<woman>_<side>_CC``)."""
    return [Source("phantom", path.stem.split("_")[0], "R" if "_R" in path.stem else "L", path) for path in paths]
