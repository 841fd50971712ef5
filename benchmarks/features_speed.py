"""Features of 1,500 candidates at once, against the public way: one candidate after the other, library by library.

The public way takes SciPy's statistics, OpenCV's filters over the whole image, PyWavelets with scikit-image's
co-occurrence matrices, and scikit-image's Haar-like features (of the kinds it has: adjacent, upright). It is timed on a
sample of the candidates and scaled up. The floor is one pass over the windows at the measured copy bandwidth, or the
operations of the matrix products at the measured rate of a large one.

The Haar-like features are also computed the paper's way, by integral images of the whole image, without a loop either.
"""

import time
from collections.abc import Callable, Sequence

import cv2
import numpy as np
import pywt
from common import one_image
from numpy.typing import NDArray
from scipy import sparse, stats
from skimage.feature import graycomatrix, graycoprops, haar_like_feature, haar_like_feature_coord

from microcalc.breast import find_breast
from microcalc.features.first_order import first_order
from microcalc.features.gabor import REACH, gabor, kernels
from microcalc.features.haar import haar
from microcalc.features.haar_prototypes import Prototype, prototypes
from microcalc.features.wavelet import wavelet
from microcalc.features.windows import SIDE, windows
from microcalc.imageio import read_mammogram

CANDIDATES, SAMPLE, REPEATS = 1500, 30, 7
CHOSEN = 500
GOAL_SECONDS = 0.5
PIXELS = SIDE * SIDE


def seconds(job: Callable[[], object], repeats: int = REPEATS) -> float:
    """Of the fastest of some runs."""
    spent = []
    for _ in range(repeats):
        start = time.perf_counter()
        job()
        spent.append(time.perf_counter() - start)
    return min(spent)


def one_by_one(job: Callable[[NDArray], object], sample: NDArray) -> float:
    """For all candidates, from a sample of them."""
    return CANDIDATES / len(sample) * sum(seconds(lambda item=item: job(item), 3) for item in sample)


def operations_per_second() -> float:
    side = 3000
    square = np.random.default_rng(0).random((side, side), dtype=np.float32)
    return 2 * side**3 / seconds(lambda: square @ square)


def bytes_per_second() -> float:
    source = np.ones(2**25, dtype=np.float32)
    target = np.empty_like(source)
    return 2 * source.nbytes / seconds(lambda: np.copyto(target, source))


def entropy_and_uniformity(values):
    _, counts = np.unique(values, return_counts=True)
    share = counts / counts.sum()
    return -(share * np.log2(share)).sum(), (share**2).sum()


def public_first_order(window):
    low, quarter, median, three_quarters, high = np.quantile(window, [0.1, 0.25, 0.5, 0.75, 0.9])
    middle = window[(window >= low) & (window <= high)]
    return [
        *(window.min(), window.max(), low, high, window.mean(), median, window.std(), (window**2).sum()),
        *entropy_and_uniformity(window),
        *(stats.skew(window, axis=None), stats.kurtosis(window, axis=None), three_quarters - quarter),
        *(np.ptp(window), np.abs(window - window.mean()).mean(), np.abs(middle - middle.mean()).mean()),
        np.sqrt((window**2).mean()),
    ]


def public_gabor(responses):
    """From one candidate's windows (6, 14, 14) in the six filtered images."""
    return [
        ((r**2).sum(), r.mean(), r.std(), stats.skew(r, axis=None), stats.kurtosis(r, axis=None)) for r in responses
    ]


def public_wavelet(window):
    first = pywt.dwt2(window, "haar")
    second = pywt.dwt2(first[0], "haar")
    features = []
    for band in (first[0], *first[1], second[0], *second[1]):
        moments = [band.mean(), stats.skew(band, axis=None), band.std(), stats.kurtosis(band, axis=None)]
        features += [*moments, *entropy_and_uniformity(band), 1 - 1 / (1 + band.std())]
    for band in first[1]:
        levels = (255 * (band - band.min()) / np.ptp(band)).astype(np.uint8)
        pairs = graycomatrix(levels, [2], [0, np.pi / 4, np.pi / 2], levels=256, normed=True)
        features += [graycoprops(pairs, name) for name in ("correlation", "homogeneity", "contrast", "dissimilarity")]
    return features


def public_haar(share: float):
    """A function of one window: the given share of all features that scikit-image has."""
    coordinates, types = haar_like_feature_coord(SIDE, SIDE)
    taken = np.random.default_rng(1).permutation(len(types))[: round(share * len(types))]

    def of(window):
        table = window.cumsum(0, dtype=np.float64).cumsum(1)
        return haar_like_feature(table, 0, 0, SIDE, SIDE, types[taken], coordinates[taken])

    return of, len(taken)


def reads(shown: Sequence[Prototype]) -> sparse.csr_matrix:
    """(K, 450): how often a prototype counts each place of a window's 15 x 15 upright and 15 x 15 rotated table."""
    rectangles = np.array([rectangle for prototype in shown for rectangle in prototype.rectangles])
    owner = np.repeat(np.arange(len(shown)), [len(prototype.rectangles) for prototype in shown])
    x, y, w, h, rotated, weight = rectangles.T
    side = SIDE + 1
    corners = np.where(
        rotated,
        [y * side + x + 1, (y + w) * side + x + w + 1, (y + h) * side + x - h + 1, (y + w + h) * side + x + w - h + 1],
        [y * side + x, y * side + x + w, (y + h) * side + x, (y + h) * side + x + w],
    )
    counted = np.outer([1, -1, -1, 1], weight)
    places = (counted.ravel(), (np.tile(owner, 4), (corners + rotated * side**2).ravel()))
    matrix = sparse.csr_matrix(places, shape=(len(shown), 2 * side**2), dtype=np.float64)
    matrix.eliminate_zeros()
    return matrix


def by_integral_images(image: NDArray[np.float32], centres: NDArray[np.float64], matrix: sparse.csr_matrix):
    upright, _, rotated = cv2.integral3(image, sdepth=cv2.CV_64F)
    tables = [windows(table, centres, SIDE + 1).reshape(len(centres), -1) for table in (upright, rotated)]
    return np.ascontiguousarray((matrix @ np.concatenate(tables, axis=1).T).T, dtype=np.float32)


def scene() -> tuple[NDArray[np.float32], NDArray[np.float64]]:
    """A mammogram, and candidates anywhere in its breast."""
    mammogram = read_mammogram(one_image())
    rows, columns = np.nonzero(find_breast(mammogram).mask)
    picked = np.random.default_rng(0).choice(len(rows), CANDIDATES, replace=False)
    return mammogram.pixels, np.stack([columns, rows], axis=1)[picked].astype(np.float64)


def public_seconds(image: NDArray[np.float32], centres: NDArray[np.float64]) -> dict[str, float]:
    """Each family the public way, for all candidates."""
    sample = centres[:SAMPLE]
    few = windows(image, sample).astype(np.float64)

    def filtered():
        return [cv2.filter2D(image, cv2.CV_32F, kernel) for kernel in kernels()]

    responses = np.stack([windows(response, sample) for response in filtered()], axis=1)
    some_haar, some = public_haar(CHOSEN / len(prototypes()))
    all_haar, every = public_haar(1.0)
    print(f"scikit-image has {some} of the {CHOSEN} Haar-like features and {every} of all {len(prototypes())}")
    return {
        "first order": one_by_one(public_first_order, few),
        "Gabor": seconds(filtered, 3) + one_by_one(public_gabor, responses),
        "wavelet": one_by_one(public_wavelet, few),
        f"Haar, {CHOSEN}": one_by_one(some_haar, few),
        "Haar, all": one_by_one(all_haar, few),
    }


def main() -> None:
    image, centres = scene()
    chosen = np.random.default_rng(2).permutation(len(prototypes()))[:CHOSEN]
    families = {
        "first order": lambda: first_order(image, centres),
        "Gabor": lambda: gabor(image, centres),
        "wavelet": lambda: wavelet(image, centres),
        f"Haar, {CHOSEN}": lambda: haar(image, centres, chosen),
        "Haar, all": lambda: haar(image, centres),
    }
    used = list(families)[:-1]
    first_time = seconds(lambda: [families[name]() for name in used], 1)
    public = public_seconds(image, centres)
    rate, pass_over = operations_per_second(), CANDIDATES * PIXELS * 4 / bytes_per_second()
    floor = {
        "first order": pass_over,
        "Gabor": 2 * CANDIDATES * (SIDE + 2 * REACH) ** 2 * len(kernels()) * PIXELS / rate,
        "wavelet": pass_over,
        f"Haar, {CHOSEN}": 2 * CANDIDATES * PIXELS * CHOSEN / rate,
        "Haar, all": 2 * CANDIDATES * PIXELS * len(prototypes()) / rate,
    }
    print(f"{CANDIDATES} candidates; a large matrix product runs at {rate / 1e9:.0f} GFLOP/s")
    print(f"{'':12} {'seconds':>8} {'floor':>8} {'public':>8} {'ratio':>7}")
    ours = {name: seconds(job) for name, job in families.items()}
    for name in families:
        print(f"{name:12} {ours[name]:8.4f} {floor[name]:8.4f} {public[name]:8.2f} {public[name] / ours[name]:7.0f}")
    together, all_public = sum(ours[name] for name in used), sum(public[name] for name in used)
    print(f"{'together':12} {together:8.4f} {sum(floor[name] for name in used):8.4f} {all_public:8.2f}", end=" ")
    print(f"{all_public / together:7.0f}   goal {GOAL_SECONDS} s; first time in a process {first_time:.2f} s")
    for name, shown in ((used[-1], [prototypes()[index] for index in chosen]), ("Haar, all", prototypes())):
        matrix = reads(shown)
        spent = seconds(lambda matrix=matrix: by_integral_images(image, centres, matrix))
        difference = np.abs(by_integral_images(image, centres, matrix) - families[name]()).max()
        print(f"{name:12} by integral images {spent:.4f} s, {spent / ours[name]:.1f} times as long;", end=" ")
        print(f"largest difference {difference:.1e}")


if __name__ == "__main__":
    main()
