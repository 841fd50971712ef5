"""Ways to reconstruct by dilation under a mammogram: all exact, seconds and ratio to ours."""

import time
from collections.abc import Callable

import cv2
import numpy as np
from common import one_image
from numpy.typing import NDArray
from skimage.morphology import reconstruction

from microcalc.breast import Frame, find_breast
from microcalc.candidates.morphology import opening
from microcalc.candidates.reconstruction import reconstruct
from microcalc.imageio import read_mammogram

REPEATS = 3


def whole_image_loop(marker: NDArray, mask: NDArray) -> NDArray:
    """Dilate the whole image until it stands still, as the calcification report's public code does."""
    square = np.ones((3, 3), np.uint8)
    while True:
        grown = cv2.min(cv2.dilate(marker, square), mask)
        if np.array_equal(grown, marker):
            return grown
        marker = grown


def measure(call: Callable[[], NDArray]) -> tuple[float, NDArray]:
    seconds = []
    for _ in range(REPEATS):
        start = time.perf_counter()
        result = call()
        seconds.append(time.perf_counter() - start)
    return float(np.median(seconds)), result


def main() -> None:
    mammogram = read_mammogram(one_image(), spacing_mm=0.07)
    frame = Frame.around(find_breast(mammogram), mammogram.spacing_mm)
    breast = np.rint(frame.apply(mammogram.pixels) * 65535).astype(np.uint16)
    marker = opening(breast, 14)
    as_float = [(image / np.float32(65535)).astype(np.float32) for image in (marker, breast)]
    square = np.ones((3, 3))
    ways: dict[str, Callable[[], NDArray]] = {
        "tiles, 16 bits (ours)": lambda: reconstruct(marker, breast),
        "OpenCV on the whole, 16 bits": lambda: whole_image_loop(marker, breast),
        "OpenCV on the whole, float32": lambda: whole_image_loop(*as_float) * 65535,
        "scikit-image, 16 bits": lambda: reconstruction(marker, breast, footprint=square),
    }
    measured = {name: measure(way) for name, way in ways.items()}
    ours, expected = next(iter(measured.values()))
    print(f"breast of {breast.shape[0]} x {breast.shape[1]} pixels, median of {REPEATS}")
    print(f"{'way':30} {'seconds':>8} {'ratio':>6}  equal to ours")
    for name, (seconds, result) in measured.items():
        same = np.array_equal(np.rint(result), expected)
        print(f"{name:30} {seconds:8.2f} {seconds / ours:6.1f}  {'yes' if same else 'NO'}")


if __name__ == "__main__":
    main()
