"""How a finished mammogram shows attenuation: its gain and noise, measured from the image itself.

What a finished image does to attenuation is unknown, but its noise tells: where quantum noise of known size comes out
so many grey levels large, an ln unit is so many grey levels long. That gain, measured at every grey level and
integrated, leads from grey to ln attenuation and back.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray
from scipy import fft, ndimage

from microcalc.errors import UsageError

Array = NDArray[np.float32]

#: Side of the tiles in which noise is measured, pixels, and how far they stay from the skin, mm: near it the beam is
#: less attenuated and noise smaller, which would pass for less gain.
_TILE_PX, _DEEP_MM = 32, 8.0
#: Grey levels at which the gain is measured, and the fewest tiles for it.
_LEVELS, _LEAST_TILES = 12, 24
#: Gain in spans of breast grey (1st to 99th percentile) per ln unit. Measured: 1.4; noise that was smoothed away or
#: drowned in texture may not lead beyond these.
_GAIN_LIMITS = (0.5, 4.0)
#: Below this frequency a spectrum is anatomy: noise there is taken to be as strong as at it. Per mm and per pixel.
_ANATOMY_PER_MM, _ANATOMY_PER_PX = 3.0, 0.4
#: Half side of the kernel that colours noise, pixels.
_COLOUR_PX = 7


@dataclass(frozen=True, eq=False)
class GreyScale:
    """How one image shows ln attenuation and its noise."""

    #: Grey levels in 0..1, increasing, and the ln attenuation that each shows, from an arbitrary zero.
    levels: NDArray[np.float64]
    attenuations: NDArray[np.float64]
    #: Noise in ln units, per tile of ``_TILE_PX``.
    noise: Array
    #: (n, n) of unit energy: makes white noise the image's own.
    colour: Array

    @classmethod
    def measure(cls, pixels: Array, breast: NDArray[np.bool_], spacing_mm: float, quantum_noise: float) -> GreyScale:
        """Measure an image.

        Args:
            pixels: (rows, columns) in 0..1.
            breast: (rows, columns), where the breast is.
            spacing_mm: of the (square) pixels.
            quantum_noise: taken to be there, ln units in a pixel of 0.07 mm.
        """
        tissue = _Tiles.cut(pixels, breast, spacing_mm)
        colour = tissue.colour(spacing_mm)
        # What the second difference lets through of noise of this colour.
        tissue_noise = tissue.roughness / np.linalg.norm(_second_difference(np.pad(colour, 2)))
        levels = np.linspace(0, float(pixels.max()), 1024)
        gain = _gain(tissue, tissue_noise, levels, quantum_noise * 0.07 / spacing_mm)
        attenuations = np.concatenate(([0.0], np.cumsum(np.diff(levels) * 2 / (gain[1:] + gain[:-1]))))
        noise = tissue_noise / np.interp(tissue.grey, levels, gain)
        noise[~tissue.deep] = np.median(noise[tissue.deep])
        return cls(levels, attenuations, ndimage.median_filter(noise, 5).astype(np.float32), colour)

    def attenuation(self, grey: Array) -> Array:
        """ln attenuation that grey levels show."""
        shown: Array = np.interp(grey, self.levels, self.attenuations).astype(np.float32)
        return shown

    def grey(self, attenuation: Array) -> Array:
        """Grey levels that show the ln attenuation, up to the image's brightest."""
        levels: Array = np.interp(attenuation, self.attenuations, self.levels).astype(np.float32)
        return levels

    def noise_at(self, rows: NDArray[np.intp], columns: NDArray[np.intp]) -> Array:
        """Noise in ln units at pixels."""
        at = (np.stack((rows, columns)) + 0.5) / _TILE_PX - 0.5
        noise: Array = ndimage.map_coordinates(self.noise, at, order=1, mode="nearest").astype(np.float32, copy=False)
        return noise


def _gain(tissue: _Tiles, noise: Array, levels: NDArray[np.float64], quantum_noise: float) -> NDArray[np.float64]:
    """Grey per ln unit at each level; it falls to nothing at the brightest, where the tone curve ends."""
    grey, noise = tissue.grey[tissue.deep], noise[tissue.deep]
    parts = np.array_split(np.argsort(grey), _LEVELS)
    known = [float(np.median(grey[part])) for part in parts]
    gain = np.array([np.median(noise[part]) for part in parts]) / quantum_noise
    low, high = (limit * tissue.span for limit in _GAIN_LIMITS)
    typical = float(np.median(gain))
    gain = gain * (np.clip(typical, low, high) / typical) if typical else np.full(_LEVELS, low)
    curve = np.interp(levels, [0.0, *known, levels[-1]], [0.0, *gain, 0.0])
    # Never quite nothing, so that every level has its attenuation.
    floored: NDArray[np.float64] = np.maximum(curve, 0.02 * gain.max())
    return floored


@dataclass(frozen=True, eq=False)
class _Tiles:
    """An image in square tiles, (tile rows, tile columns) each."""

    pixels: Array
    #: Mean grey.
    grey: Array
    #: Robust standard deviation of the second difference along both axes.
    roughness: Array
    #: Wholly in the breast and far from its skin.
    deep: NDArray[np.bool_]
    #: From the 1st to the 99th percentile of deep tiles' grey.
    span: float

    @classmethod
    def cut(cls, pixels: Array, breast: NDArray[np.bool_], spacing_mm: float) -> _Tiles:
        rough = _second_difference(pixels)
        grey, rough = _tiles(pixels), _tiles(np.abs(rough, out=rough))
        inside: NDArray[np.bool_] = np.asarray(_tiles(_deep(breast, spacing_mm)).all(axis=(2, 3)))
        if np.count_nonzero(inside) < _LEAST_TILES:
            raise UsageError(
                expected=f"a breast of at least {_LEAST_TILES} tiles of {_TILE_PX} x {_TILE_PX} pixels",
                found=f"{np.count_nonzero(inside)}",
                do="leave the image out",
            )
        low, high = np.percentile(grey[inside], (1, 99))
        mean = grey.mean(axis=(2, 3))
        return cls(pixels, mean, 1.4826 * np.median(rough, axis=(2, 3)), inside, float(high - low))

    def colour(self, spacing_mm: float) -> Array:
        """Kernel of unit energy that gives white noise the spectrum of the quietest tiles."""
        ratio = np.where(self.deep, self.roughness / np.maximum(self.grey, 1e-6), np.inf)
        quiet = np.unravel_index(np.argsort(ratio, axis=None)[: np.count_nonzero(self.deep) // 4], ratio.shape)
        tiles = _tiles(self.pixels)[quiet]
        window = np.hanning(_TILE_PX).astype(np.float32)
        tiles = (tiles - tiles.mean(axis=(1, 2), keepdims=True)) / np.maximum(self.grey[quiet], 1e-6)[:, None, None]
        power = (np.abs(fft.fft2(tiles * window * window[:, None])) ** 2).mean(axis=0)
        frequency = np.hypot(*np.meshgrid(*[fft.fftfreq(_TILE_PX)] * 2))
        anatomy = min(_ANATOMY_PER_MM * spacing_mm, _ANATOMY_PER_PX)
        ring = (frequency > anatomy) & (frequency < 1.2 * anatomy)
        power[frequency <= anatomy] = power[ring].mean()
        kernel = fft.fftshift(fft.ifft2(np.sqrt(power)).real)
        middle = slice(_TILE_PX // 2 - _COLOUR_PX, _TILE_PX // 2 + _COLOUR_PX + 1)
        kernel = kernel[middle, middle]
        unit: Array = (kernel / np.linalg.norm(kernel)).astype(np.float32)
        return unit


def _second_difference(image: Array) -> Array:
    """Second difference along both axes: deaf to slopes and straight edges of tissue."""
    steps = np.array([1, -2, 1], np.float32)
    return cv2.sepFilter2D(image, -1, steps, steps).astype(np.float32, copy=False)


def _tiles(image: NDArray[Any]) -> NDArray[Any]:
    """(rows, columns) as a view (tile rows, tile columns, side, side)."""
    rows, columns = (size // _TILE_PX for size in image.shape)
    image = image[: rows * _TILE_PX, : columns * _TILE_PX]
    return image.reshape(rows, _TILE_PX, columns, _TILE_PX).swapaxes(1, 2)


def _deep(breast: NDArray[np.bool_], spacing_mm: float) -> NDArray[np.bool_]:
    """Pixels farther than ``_DEEP_MM`` from the skin; edges of the image are no skin."""
    distance = cv2.distanceTransform(breast.astype(np.uint8), cv2.DIST_L2, cv2.DIST_MASK_3)
    deep: NDArray[np.bool_] = distance * spacing_mm > _DEEP_MM
    return deep
