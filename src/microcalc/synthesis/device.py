"""Device: one mammography unit as drawn for one study, from ln attenuation to grey."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from functools import lru_cache, partial
from typing import Literal

import cv2
import numpy as np
from numpy.typing import NDArray
from scipy import special

from microcalc.errors import UsageError
from microcalc.synthesis.look import Look
from microcalc.synthesis.phantom import Tissue

Array = NDArray[np.float32]

#: Pixel pitch that noise levels are stated for, mm.
_NOISE_PITCH_MM = 0.07
#: Noise is linear in ln units; behind metal no more than this above the reference counts.
_MOST_ATTENUATION = 2.5


@dataclass(frozen=True)
class Device:
    """Detector and processing of one mammography unit; every image of a study shares them.

    Windows of a view may be imaged on their own: with ``reach_px`` pixels of margin, their inside equals the whole's.
    """

    #: Kind of unit: "direct-70", "csi-100", "cr-50", "film-50" ...
    name: str
    #: What pictures are meant for: for a reader's eye, or (linear in exposure) for later processing.
    intent: Literal["presentation", "processing"]
    #: DICOM Detector Type.
    detector: Literal["DIRECT", "SCINTILLATOR", "STORAGE", "FILM"]
    spacing_mm: float
    #: Bits stored, 8..16.
    bits: int
    #: Stored as MONOCHROME1: pixels are full scale less the upright grey.
    inverted: bool
    #: (rows, columns) of the detector field.
    shape: tuple[int, int]
    #: Blur beyond the pixel aperture: sigmas in mm of a narrow and a wide Gaussian, and the share of the wide one.
    blur_mm: tuple[float, float]
    glare: float
    #: Noise at the automatic exposure's reference attenuation in a pixel of 0.07 mm, ln units: quanta, electronics
    #: (constant in exposure), structure or grain (constant in ln units).
    quantum: float
    electronic: float
    structure: float
    #: Share of the noise that is blurred, and by what sigma, mm.
    correlated: float
    noise_blur_mm: float
    look: Look
    #: Stored value of the unattenuated beam, as a multiple of full scale (more than 1: air saturates); "processing".
    gain: float = 2.0

    @property
    def film(self) -> bool:
        """Whether pictures are digitised films."""
        return self.detector == "FILM"

    @property
    def full(self) -> int:
        """The largest grey value."""
        return (1 << self.bits) - 1

    @property
    def reach_px(self) -> int:
        """Margin in pixels that a window needs for its inside to equal the whole image's."""
        blur = max(len(self._kernel(sigma)) // 2 for sigma in self.blur_mm)
        return blur + (self.look.reach_px(self.spacing_mm) if self.intent == "presentation" else 0)

    def mtf(self, frequency: float) -> float:
        """Presampled modulation transfer, pixel aperture included, at ``frequency`` line pairs per mm of a row."""
        lag = 1 - np.cos(2 * np.pi * frequency * self.spacing_mm)
        narrow, wide = (np.exp(-((sigma / self.spacing_mm) ** 2) * lag) for sigma in self.blur_mm)
        return float(np.sinc(frequency * self.spacing_mm) * ((1 - self.glare) * narrow + self.glare * wide))

    def blur(self, attenuation: Array) -> Array:
        """Blur ln attenuation as the detector does (for small contrasts the same as blurring exposure)."""
        narrow, wide = (self._smooth(attenuation, sigma) for sigma in self.blur_mm)
        return cv2.addWeighted(narrow, 1 - self.glare, wide, self.glare, 0, dst=narrow).astype(np.float32, copy=False)

    def unit_noise(self, shape: tuple[int, int], rng: np.random.Generator) -> Array:
        """Gaussian noise of unit variance, correlated as this detector's is: white, and a blurred share."""
        white = rng.standard_normal(shape, dtype=np.float32)
        kernel, share = self._kernel(self.noise_blur_mm), self.correlated
        centre, energy = float(kernel.max()) ** 2, float((kernel**2).sum()) ** 2
        norm = ((1 - share) ** 2 + 2 * share * (1 - share) * centre + share**2 * energy) ** -0.5
        blurred = self._smooth(white, self.noise_blur_mm)
        return cv2.addWeighted(white, norm * (1 - share), blurred, norm * share, 0, dst=white).astype(
            np.float32, copy=False
        )

    def expose(self, blurred: Array, noise: Array, reference: float) -> Array:
        """Add noise to blurred ln attenuation: fewer photons behind more tissue, more noise.

        ``noise`` has unit variance; ``reference`` is the ln attenuation that the automatic exposure is set for.
        """
        pitch = _NOISE_PITCH_MM / self.spacing_mm
        fewer = blurred - np.float32(reference)
        np.minimum(fewer, _MOST_ATTENUATION, out=fewer)
        np.exp(fewer, out=fewer)
        # Horner's form of structure^2 + quantum^2 fewer + electronic^2 fewer^2.
        variance = fewer * np.float32((self.electronic * pitch) ** 2)
        variance += np.float32((self.quantum * pitch) ** 2)
        variance *= fewer
        variance += np.float32((self.structure * pitch) ** 2)
        exposed: Array = np.sqrt(variance, out=variance)
        exposed *= noise
        exposed += blurred
        return exposed

    def present(self, exposed: Array, tissue: Tissue) -> NDArray[np.uint16]:
        """Upright grey (bright = radio-opaque) of exposed ln attenuation.

        Of ``tissue`` only thickness and skin distance of the same window are looked at. For processing, full scale
        less grey is linear in exposure.
        """
        if self.intent == "presentation":
            return self.look.present(exposed, tissue, self.spacing_mm, self.full)
        exposure = np.exp(-exposed)
        exposure *= np.float32(self.gain * self.full)
        grey: NDArray[np.uint16] = np.rint(self.full - np.minimum(exposure, self.full)).astype(np.uint16)
        return grey

    def store(self, grey: NDArray[np.uint16]) -> NDArray[np.uint16]:
        """Stored pixels of upright grey."""
        return np.uint16(self.full) - grey if self.inverted else grey

    def _smooth(self, image: Array, sigma_mm: float) -> Array:
        kernel = self._kernel(sigma_mm)
        return cv2.sepFilter2D(image, -1, kernel, kernel).astype(np.float32, copy=False)

    def _kernel(self, sigma_mm: float) -> Array:
        return _gaussian((sigma_mm / self.spacing_mm) ** 2)


@lru_cache(16)  # the few of one unit, asked for again and again
def _gaussian(variance: float) -> Array:
    """The discrete Gaussian: unlike a sampled one it has the right variance far below a pixel, too."""
    radius = 1 + int(np.ceil(3.5 * variance**0.5))
    kernel = special.ive(np.abs(np.arange(-radius, radius + 1)), variance)
    normalised: Array = (kernel / kernel.sum()).astype(np.float32)
    return normalised


#: A value, or least, most likely and largest value of a triangular distribution.
_Range = float | tuple[float, float, float]


@dataclass(frozen=True)
class _Kind:
    """What units of one kind have in common, and the ranges within which they differ."""

    detector: Literal["DIRECT", "SCINTILLATOR", "STORAGE", "FILM"]
    spacing_mm: float
    shape: tuple[int, int]
    bits: tuple[int, ...]
    blur_mm: tuple[float, float]
    glare: float
    correlated: float
    noise_blur_mm: float
    look: dict[str, _Range]
    quantum: _Range = (0.02, 0.029, 0.046)
    electronic: _Range = (0.001, 0.004, 0.01)
    structure: _Range = (0.002, 0.012, 0.02)
    intent: Literal["presentation", "processing"] = "presentation"


#: Focal spot, motion and age of the unit widen the blur of its kind by this factor.
_WIDER = (0.9, 1.0, 1.35)
#: One unit in this share of all stores MONOCHROME1.
_INVERTED = 0.25

# Looks. The likeliest of the first fits two mammograms of one vendor; the ranges reach far beyond them.
_FLAT: dict[str, _Range] = {
    "contrast": (3.2, 5.2, 7.0),
    "middle": (0.5, 0.655, 0.85),
    "skew": (0.6, 1.0, 1.6),
    "straight": (0.0, 0.02, 0.6),
    "black": (0.0, 0.001, 0.01),
    "white": (0.8, 0.88, 1.0),
    "steps": (1500, 2600, 12000),
    "rolloff": (-0.9, -0.6, 1.0),
    "rolloff_mm": (8, 12, 30),
    "fade_mm": (0.8, 1.55, 3.0),
    "unsharp": (0.0, 0.1, 1.0),
    "unsharp_mm": (0.2, 0.5, 1.2),
}
_CRISP: dict[str, _Range] = _FLAT | {
    "unsharp": (0.2, 0.7, 1.5),
    "rolloff": (0.0, 0.5, 1.6),
    "steps": 0.0,
}
_DARK_RIM: dict[str, _Range] = _FLAT | {
    "rolloff": (0.6, 1.4, 2.4),
    "rolloff_mm": (12, 22, 30),
    "contrast": (2.4, 3.2, 4.5),
    "steps": 0.0,
}
_FILM: dict[str, _Range] = {
    "contrast": (2.4, 3.2, 4.4),
    "middle": (0.5, 0.7, 0.9),
    "skew": (0.5, 0.8, 1.4),
    "straight": (0.0, 0.2, 0.5),
    "black": (0.01, 0.04, 0.12),
    "white": (0.75, 0.9, 1.0),
    "rolloff": (1.8, 2.5, 3.2),
    "rolloff_mm": (18, 25, 32),
    "fade_mm": 0.0,
}

# Blur fits published transfer at 2, 5, 7 line pairs per mm: direct 0.9, 0.7, 0.5 (selenium; silicon is taken as equal);
# caesium iodide 0.73, 0.28; powder plates 0.55, 0.15, 0.05; needle plates 0.7, 0.3, 0.15; film 0.8, 0.45, 0.3.
_DIRECT_70 = _Kind("DIRECT", 0.07, (3328, 2560), (12,), (0.021, 0.3), 0.034, 0.42, 0.074, _FLAT)
_DIRECT_85 = _Kind("DIRECT", 0.085, (2816, 2016), (12, 14), (0.005, 0.102), 0.10, 0.45, 0.09, _CRISP)
_CSI_100 = _Kind("SCINTILLATOR", 0.1, (2294, 1914), (12, 14), (0.062, 0.062), 0.0, 0.85, 0.062, _CRISP)
_CSI_85 = _Kind("SCINTILLATOR", 0.085, (2812, 2108), (10, 12), (0.063, 0.063), 0.0, 0.85, 0.06, _FLAT)
# Counted photons know no electronic noise.
_COUNTING_50 = _Kind(
    "DIRECT", 0.05, (4800, 3600), (12,), (0.026, 0.3), 0.03, 0.1, 0.05, _CRISP, electronic=0.0, structure=0.003
)
# Plates and film add their grain.
_CR_50 = _Kind(
    "STORAGE", 0.05, (4740, 3540), (10, 12), (0.062, 0.3), 0.253, 0.8, 0.05, _DARK_RIM, structure=(0.01, 0.015, 0.02)
)
_CR_NEEDLE_50 = replace(_CR_50, bits=(12, 15), blur_mm=(0.049, 0.3), glare=0.146)
_FILM_50 = _Kind(
    "FILM", 0.05, (4700, 3500), (12, 16), (0.036, 0.117), 0.17, 0.6, 0.04, _FILM, structure=(0.015, 0.025, 0.04)
)
_KINDS = {
    "direct-70": _DIRECT_70,
    "direct-85": _DIRECT_85,
    "csi-100": _CSI_100,
    "csi-85": _CSI_85,
    "counting-50": _COUNTING_50,
    "cr-50": _CR_50,
    "cr-needle-50": _CR_NEEDLE_50,
    "film-50": _FILM_50,
    "film-50-8": replace(_FILM_50, bits=(8,)),
    "direct-70-raw": replace(_DIRECT_70, bits=(14,), intent="processing"),
    "csi-100-raw": replace(_CSI_100, bits=(14, 16), intent="processing"),
}
#: How often a study is drawn from each kind.
_ODDS = {
    "direct-70": 0.3, "direct-85": 0.12, "csi-100": 0.16, "csi-85": 0.1, "counting-50": 0.08, "cr-50": 0.06,
    "cr-needle-50": 0.05, "film-50": 0.05, "film-50-8": 0.04, "direct-70-raw": 0.02, "csi-100-raw": 0.02,
}  # fmt: skip
#: The unit of the demo.
DEFAULT_DEVICE = "direct-70"


def _draw(name: str, rng: np.random.Generator) -> Device:
    """One unit of a kind. The order of draws is part of what a seed means."""
    kind, wider = _KINDS[name], rng.triangular(*_WIDER)
    narrow, wide = kind.blur_mm
    return Device(
        name=name,
        intent=kind.intent,
        detector=kind.detector,
        spacing_mm=kind.spacing_mm,
        bits=int(rng.choice(kind.bits)),
        inverted=bool(rng.random() < _INVERTED),
        shape=kind.shape,
        blur_mm=(narrow * wider, wide * wider),
        glare=kind.glare,
        quantum=_within(kind.quantum, rng),
        electronic=_within(kind.electronic, rng),
        structure=_within(kind.structure, rng),
        correlated=kind.correlated * rng.triangular(0.8, 1.0, 1.1),
        noise_blur_mm=kind.noise_blur_mm * rng.triangular(0.8, 1.0, 1.2),
        look=Look(**{field: _within(given, rng) for field, given in kind.look.items()}),
        gain=rng.triangular(1.0, 2.0, 4.0),
    )


def _within(given: _Range, rng: np.random.Generator) -> float:
    return float(rng.triangular(*given)) if isinstance(given, tuple) else given


#: By name of kind: draws one unit, its numbers within the kind's ranges.
DEVICES: dict[str, Callable[[np.random.Generator], Device]] = {name: partial(_draw, name) for name in _KINDS}


def draw_device(
    rng: np.random.Generator,
    *,
    name: str | None = None,
    spacing_mm: float | None = None,
    shape: tuple[int, int] | None = None,
    noise: float = 1.0,
) -> Device:
    """One unit, of the named kind or of any by stated odds, with another pitch or field where given.

    Another pitch alone keeps the field's size in mm. ``noise`` is a factor on all of the unit's noise.

    Raises:
        UsageError: no kind of this name.
    """
    if name is None:
        name = str(rng.choice(list(_ODDS), p=list(_ODDS.values())))
    if name not in DEVICES:
        raise UsageError(expected=f"a device: {', '.join(DEVICES)}", found=repr(name), do="choose one of these")
    device = DEVICES[name](rng)
    device = replace(
        device,
        quantum=noise * device.quantum,
        electronic=noise * device.electronic,
        structure=noise * device.structure,
    )
    if spacing_mm is not None:
        rows, columns = (round(pixels * device.spacing_mm / spacing_mm) for pixels in device.shape)
        device = replace(device, spacing_mm=spacing_mm, shape=(rows, columns))
    return device if shape is None else replace(device, shape=shape)
