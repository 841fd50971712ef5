"""Specimens: pictures of either origin in one form, so that whatever looks at them cannot know which is which."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

import cv2
import numpy as np
from numpy.typing import NDArray
from scipy import ndimage

from likeness.crude import crude_picture
from microcalc.breast import find_breast, mend_polarity
from microcalc.imageio import read_mammogram
from microcalc.mammogram import Mammogram, Side
from microcalc.synthesis.acquisition import acquire
from microcalc.synthesis.confusers import draw_confusers
from microcalc.synthesis.device import DEFAULT_DEVICE, Device, draw_device
from microcalc.synthesis.phantom import Density, Phantom, Tissue
from microcalc.truth import ImageTruth, Truth

Array = NDArray[np.float32]
Kind = Literal["real", "phantom", "crude"]

#: Pitch of the real images (their files are silent), and of the phantoms set beside them, mm.
SPACING_MM = 0.07
#: Grey levels are counted on this scale, that of the real images' 12 bits.
MAX_GREY = 4095
#: The skin line is where the grey, smoothed over 3 px, first passes this level over air.
_SKIN_GREY = 20
#: A skin line this far from the outline that ``find_breast`` gives is not believed, mm.
_OUTLINE_MM = 3.0
#: Clear distance from any known calcium or doubtful spot, mm.
_CLEAR_MM = 0.7

#: Grey is compared deeper than this, mm; there, percentiles of exam 1 and its noise over grey.
LEVEL_DEPTH_MM = 10.0
_LEVELS, _NOISE_SHARE = {5: 320, 25: 572, 50: 955, 75: 1545, 95: 2430}, 0.12
#: How many units are drawn to come near these.
_UNITS = 40

#: First seed of the phantoms, and of the crude ones. Each patient gives an L CC and an R CC view.
FIRST_SEED = 7000
_DENSITIES: tuple[Density, ...] = ("B", "C")


@dataclass(frozen=True, eq=False)
class Specimen:
    """A CC view with the chest wall at column 0, cropped to the rows and columns of the breast."""

    name: str
    kind: Kind
    #: Whose breast it is: pictures of one woman never stand on both sides of a fold.
    woman: str
    side: Side
    #: (rows, columns) float32, 0..``MAX_GREY``.
    grey: Array
    #: (rows, columns) float32: distance to the skin line in mm, 0 outside the breast.
    depth: Array
    #: (n, 4) x0, y0, x1, y1 of calcium that is known or suspected, with a margin.
    calcium: NDArray[np.float64]

    @classmethod
    def of(cls, mammogram: Mammogram, truth: ImageTruth | None, *, kind: Kind, woman: str, name: str) -> Specimen:
        """Hang and crop a mammogram; what its truth lists counts as calcium."""
        breast = find_breast(mammogram)
        grey = mammogram.pixels * np.float32(MAX_GREY)
        skin = _skin_mask(grey, breast.mask)
        boxes = _calcium_boxes(truth)
        if breast.chest_wall == "right":
            grey, skin = np.ascontiguousarray(grey[:, ::-1]), np.ascontiguousarray(skin[:, ::-1])
            last = grey.shape[1] - 1
            boxes = np.column_stack((last - boxes[:, 2], boxes[:, 1], last - boxes[:, 0], boxes[:, 3]))
        (rows, columns) = ndimage.find_objects(skin.astype(np.uint8))[0]
        crop = (slice(max(rows.start - 20, 0), rows.stop + 20), slice(0, columns.stop + 20))
        # A pixel of air around the crop on all sides but the chest wall: the picture's edge is no skin.
        walled = np.pad(skin[crop].astype(np.uint8), ((0, 0), (0, 1)))
        depth = cv2.distanceTransform(walled, cv2.DIST_L2, cv2.DIST_MASK_PRECISE)[:, :-1] * np.float32(SPACING_MM)
        boxes -= np.array((0, crop[0].start, 0, crop[0].start))
        return cls(name, kind, woman, breast.side, np.ascontiguousarray(grey[crop]), depth, boxes)


def _skin_mask(grey: Array, outline: NDArray[np.bool_]) -> NDArray[np.bool_]:
    """The breast to the pixel: brighter than air, in one piece, near the outline found on the overview."""
    reach = round(_OUTLINE_MM / SPACING_MM)
    near = cv2.distanceTransform((~outline).astype(np.uint8), cv2.DIST_L2, 3) < reach
    air = float(np.median(grey[~near])) if not near.all() else 0.0
    bright = (cv2.GaussianBlur(grey, (0, 0), 1.5) > air + _SKIN_GREY) & near
    labels, _ = ndimage.label(bright)
    largest = 1 + np.argmax(np.bincount(labels.ravel())[1:])
    return np.asarray(ndimage.binary_fill_holes(labels == largest))


def _calcium_boxes(truth: ImageTruth | None) -> NDArray[np.float64]:
    if truth is None:
        return np.empty((0, 4))
    points = [(c.x, c.y, c.x, c.y) for c in truth.calcifications]
    boxes = np.array(points + [i.bbox for i in truth.ignore] + [c.bbox for c in truth.clusters], float).reshape(-1, 4)
    return boxes + np.array((-1, -1, 1, 1)) * _CLEAR_MM / SPACING_MM


@dataclass(frozen=True)
class Source:
    """Where a specimen comes from: a file, or a patient to be drawn."""

    kind: Kind
    woman: str
    side: Side
    path: Path | None = None
    seed: int = 0
    density: Density = "B"

    def open(self) -> Specimen:
        """Read or draw it."""
        if self.path is not None:
            return _read(self.path, self.kind, self.woman)
        draw = crude_picture if self.kind == "crude" else phantom_picture
        pixels = draw(self.seed, self.side, self.density)
        name = f"{self.woman} {self.side} {self.density}"
        mammogram = Mammogram(pixels, (SPACING_MM, SPACING_MM), "dataset", self.side, "CC")
        return Specimen.of(mammogram, None, kind=self.kind, woman=self.woman, name=name)


def _read(path: Path, kind: Kind, woman: str) -> Specimen:
    mammogram = mend_polarity(read_mammogram(path))
    listed = path.with_name("truth.json")
    images = Truth.from_json(listed).images if listed.is_file() else ()
    truth = next((image for image in images if image.path == path.name), None)
    return Specimen.of(mammogram, truth, kind=kind, woman=woman, name=path.stem)


def phantom_picture(seed: int, side: Side, density: Density) -> Array:
    """A finished CC view without calcium, upright grey in 0..1, in the stored orientation."""
    phantom = Phantom("CC", side, seed, density)
    tissue = phantom.render()
    device = nearest_device(tissue, phantom.rng("device"))
    noise = device.unit_noise(phantom.shape, phantom.rng("noise", side, "CC"))
    stamps = draw_confusers(phantom, tissue, device, phantom.rng("confusers", side, "CC"))
    return upright(acquire(phantom, tissue, device, noise, (), stamps), device)


def upright(pixels: NDArray[np.uint16], device: Device) -> Array:
    """Stored pixels as grey in 0..1, bright = radio-opaque."""
    return device.store(pixels).astype(np.float32) / np.float32(device.full)


def nearest_device(tissue: Tissue, rng: np.random.Generator) -> Device:
    """Of ``_UNITS`` units of the default kind, the one whose grey and noise on this tissue come nearest exam 1's.

    Units are drawn with far more variety than the one that made the real pictures; how like these the phantoms are can
    only be asked of a unit like theirs.
    """
    coarse = Tissue(*(image[::8, ::8].copy() for image in (tissue.attenuation, tissue.thickness, tissue.skin_distance)))
    deep = coarse.skin_distance > LEVEL_DEPTH_MM
    reference = float(np.median(coarse.attenuation[deep]))
    noise = rng.standard_normal(deep.shape, dtype=np.float32)

    def distance(device: Device) -> float:
        exposed = (device.expose(coarse.attenuation, part, reference) for part in (0 * noise, noise))
        clean, noisy = (device.present(part, coarse)[deep].astype(float) / device.full for part in exposed)
        levels = np.percentile(noisy, list(_LEVELS)) * MAX_GREY / list(_LEVELS.values())
        share = np.median(np.abs(noisy - clean) / np.maximum(clean, 0.01)) / 0.6745 / _NOISE_SHARE
        return float(np.abs(np.log(np.maximum(np.append(levels, share), 1e-3))).sum())

    return min((draw_device(rng, name=DEFAULT_DEVICE) for _ in range(_UNITS)), key=distance)


def drawn_sources(kind: Kind, count: int) -> list[Source]:
    """``count`` pictures of drawn women, left and right in turn, densities B and C in turn."""
    return [
        Source(kind, f"{kind}-{i // 2}", "LR"[i % 2], None, FIRST_SEED + i // 2, _DENSITIES[i // 2 % 2])  # type: ignore[arg-type]
        for i in range(count)
    ]


def exam_sources(folder: Path, exam: int) -> list[Source]:
    """The two CC views of one exam of the real images' folder."""
    return [Source("real", f"exam {exam}", side, folder / f"{exam}_{side}_CC.png") for side in ("L", "R")]  # type: ignore[arg-type]


def folder_sources(paths: Sequence[Path]) -> list[Source]:
    """Pictures already made, named like the real ones (``<woman>_<side>_CC``)."""
    return [Source("phantom", path.stem.split("_")[0], "R" if "_R" in path.stem else "L", path) for path in paths]
