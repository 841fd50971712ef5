"""Does Grad-CAM peak on the lesion? Of the patches that a package rightly calls positive, on a store of patches.

Counted are patches whose lesions cover at most 15 % (``--most-area``): on larger ones a peak hits by chance. Lesions
are the store's masks where it has any, else, as far as they lie in the patch, ``outline``: the outline of each cluster
(where the truth has none, the hull of its calcifications) and each calcification of no cluster; and ``specks``: the
calcifications alone. A map that is empty misses. Beside the share of peaks inside stand three controls: ``chance``, the
mean share of the patch that lesions cover; ``centre``, how often the middle of the patch would hit, which for patches
centred on their lesion is nearly always; and ``swapped``, how often the peak of another patch's map would.
"""

import argparse
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import cv2
import numpy as np
from numpy.typing import NDArray

from microcalc.datasets import open_data
from microcalc.evaluation.intervals import wilson
from microcalc.evaluation.regions import Region, lesion_region, nearest_pixel, region_of, shared_area
from microcalc.evaluation.segmentation import average
from microcalc.explain.gradcam import gradcam
from microcalc.explain.li import overlaps
from microcalc.explain.peak import peak
from microcalc.findings import Spacing
from microcalc.mammogram import TYPICAL_SPACING_MM
from microcalc.models import Package, load_package
from microcalc.models.network_package import network_card
from microcalc.models.networks import cam_layer
from microcalc.models.normalise import prepare
from microcalc.models.patch_classifier import load_patch_classifier
from microcalc.models.torch_network import load_torch, torch_device
from microcalc.patches.calcium import lesions
from microcalc.patches.patch import Patch
from microcalc.patches.store import WHITE, PatchStore
from microcalc.truth import ImageTruth, TrueCluster

#: Pixels that a network is fed at a time.
BLOCK_PX = 2**19
#: From the centre of a pixel to its corners.
CORNERS = np.array([(-0.5, -0.5), (0.5, -0.5), (0.5, 0.5), (-0.5, 0.5)])

Flags = NDArray[np.bool_]
Lesions = Callable[[ImageTruth, Spacing, NDArray[np.float64]], list[Region]]


def specks(truth: ImageTruth, spacing_mm: Spacing, box: NDArray[np.float64]) -> list[Region]:
    """Every calcification."""
    return [lesion_region(part, spacing_mm) for part in truth.calcifications]


def outlines(truth: ImageTruth, spacing_mm: Spacing, box: NDArray[np.float64]) -> list[Region]:
    """Of every cluster, and the calcifications of none."""
    known = lesions(truth, spacing_mm)
    single = [region for lesion in known[len(truth.clusters) :] for region in lesion.regions]
    clusters = zip(truth.clusters, known[: len(truth.clusters)], strict=True)
    return single + [
        region_of(cluster) if cluster.polygon else hull([r for r in lesion.regions if meets(r, box)])
        for cluster, lesion in clusters
        if any(meets(region, box) for region in lesion.regions)
    ]


def meets(region: Region, box: NDArray[np.float64]) -> bool:
    """Whether it reaches into a patch of (4,) outer edges."""
    return bool(shared_area(region.bounds[None], box[None])[0, 0] > 0)


def hull(regions: Sequence[Region]) -> Region:
    """The convex hull of their pixels."""
    corners = np.concatenate([region.rim() for region in regions])[:, None] + CORNERS
    around = cv2.convexHull(corners.reshape(-1, 2).astype(np.float32))[:, 0].tolist()
    (x0, y0), (x1, y1) = np.min(around, axis=0), np.max(around, axis=0)
    return region_of(TrueCluster(bbox=(x0, y0, x1, y1), polygon=tuple((x, y) for x, y in around)))


def painted(truth: ImageTruth, patch: Patch, size: int, known: Lesions) -> Flags:
    """(size, size) the pixels of a patch whose centres lie in a lesion."""
    centres = (np.arange(size) + 0.5) * patch.size_px / size - 0.5
    points = np.stack(np.meshgrid(patch.x0 + centres, patch.y0 + centres), axis=-1).reshape(-1, 2)
    box = np.array(patch.box)
    near = [one for one in known(truth, truth.spacing_mm or TYPICAL_SPACING_MM, box) if meets(one, box)]
    held = np.any([region.holds(points) for region in near], axis=0) if near else np.zeros(len(points), bool)
    return held.reshape(size, size)


@dataclass(frozen=True, eq=False)
class Looked:
    """A patch rightly called positive."""

    index: int
    #: (size, size) in the pixels of the stored patch.
    map: NDArray[np.float32]
    #: x, y on it; None: the map is empty.
    peak: tuple[float, float] | None


def look(package: Package, store: PatchStore, positives: NDArray[np.intp], method: str, layer: str) -> Iterator[Looked]:
    """Maps of the positives that score at or above the default operating point, for their likeliest class."""
    card, size = network_card(package), store.manifest.size_px
    point = next(it for it in package.card.operating_points if it.name == package.card.default_operating_point)
    classifier = load_patch_classifier(package, runtime="torch")
    module = load_torch(package).to(torch_device("auto"))
    asked = [one.name in card.recipe.patches.targets[0].classes for one in card.recipe.patches.classes]
    step = max(1, BLOCK_PX // card.patch.network_px**2)
    for start in range(0, len(positives), step):
        indices = positives[start : start + step]
        pixels = store.pixels(indices) / np.float32(WHITE)
        found = np.flatnonzero(classifier.scores(pixels) >= point.threshold)
        if not found.size:
            continue
        likeliest = np.where(asked, classifier.probabilities(pixels[found]), -1).argmax(axis=1)
        for index in np.unique(likeliest):
            rows = found[likeliest == index]
            batch = prepare(pixels[rows], card.patch, card.network.channels)
            maps = gradcam(module, layer, batch, int(index), method)
            for row, values in zip(rows, maps, strict=True):
                # A point of the network's input is this many pixels of the patch, from the same corner.
                highest, scale = peak(values), size / len(values)
                at = None if highest is None else ((highest[0] + 0.5) * scale - 0.5, (highest[1] + 0.5) * scale - 0.5)
                yield Looked(int(indices[row]), cv2.resize(values, (size, size), interpolation=cv2.INTER_LINEAR), at)


def hits(masks: Sequence[Flags], peaks: Sequence[tuple[float, float] | None]) -> float:
    """Share of the patches whose peak lies on a lesion."""
    pixels = [None if at is None else nearest_pixel(np.array(at)) for at in peaks]
    return float(np.mean([at is not None and mask[at[1], at[0]] for mask, at in zip(masks, pixels, strict=True)]))


def account(name: str, looked: Sequence[Looked], masks: Sequence[Flags], store: PatchStore, most_area: float) -> None:
    """Print one row."""
    small = [i for i, mask in enumerate(masks) if 0 < mask.mean() <= most_area]
    if not small:
        print(f"{name:8} no patch with a lesion on at most {most_area:.0%} of it")
        return
    shown, where = [looked[i] for i in small], [masks[i] for i in small]
    peaks, middle = [one.peak for one in shown], (store.manifest.size_px - 1) / 2
    inside = hits(where, peaks)
    low, high = wilson(round(inside * len(small)), len(small))
    order = np.random.default_rng(0).permutation(len(small))
    scores = overlaps([one.map for one in shown], where)
    overlap = " ".join(f"{average(scores, metric)[0]:.2f}" for metric in ("dice", "recall", "precision"))
    patients = {store.patches[one.index].patient or store.patches[one.index].image for one in shown}
    print(
        f"{name:8} {len(small):7d} {len(patients):8d} {inside:7.1%} ({low:.1%} to {high:.1%}) "
        f"{np.mean([mask.mean() for mask in where]):7.1%} {hits(where, [(middle, middle)] * len(small)):7.1%} "
        f"{hits(where, [peaks[i] for i in order]):8.1%} {sum(at is None for at in peaks):6d}   {overlap}"
    )


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("package", help="a model package of the kind patch-classifier")
    parser.add_argument("store", type=Path, help="patches of its protocol, from `microcalc data patches`")
    parser.add_argument("--data", help="SPEC of the images, for a store without their truth")
    parser.add_argument("--split", default="test", help="part of the store, or `all`")
    parser.add_argument("--method", choices=("gradcam", "gradcam++"), default="gradcam")
    parser.add_argument("--layer", help="of the network; default: that of its last feature maps")
    parser.add_argument("--most-area", type=float, default=0.15, help="of a patch that lesions cover, as a share")
    parser.add_argument("--most", type=int, default=500, help="positive patches looked at, drawn at random")
    arguments = parser.parse_args()
    package, store = load_package(arguments.package), PatchStore.open(arguments.store)
    truths = (
        {record.truth.path: record.truth for record in open_data(arguments.data)} if arguments.data else store.truths
    )
    patches = network_card(package).recipe.patches
    labels = {label for one in patches.classes if one.name in patches.targets[0].classes for label in one.labels}
    split = None if arguments.split == "all" else arguments.split
    positives = np.array(
        [i for i, it in enumerate(store.patches) if it.label in labels and split in (None, it.split)], np.intp
    )
    chosen = np.random.default_rng(0).permutation(positives)[: arguments.most]
    layer = arguments.layer or cam_layer(network_card(package).network)
    looked = list(look(package, store, np.sort(chosen), arguments.method, layer))
    print(
        f"{package.card.name}, {arguments.method} of {layer}, {store.manifest.protocol} ({arguments.split}): "
        f"{len(looked)} of {len(chosen)} positive patches rightly called, of {len(positives)} in all"
    )
    print("lesions  patches patients  inside (95 % Wilson)    chance  centre  swapped  empty   Dice recall precision")
    size, indices = store.manifest.size_px, [one.index for one in looked]
    masks = store.masks(indices)
    if masks is not None:
        account("masks", looked, list(masks.any(axis=1)), store, arguments.most_area)
        return
    if not truths:
        parser.error("the store has neither masks nor the truth of its images: name their data set with --data SPEC")
    places = [store.patches[index] for index in indices]
    for name, known in (("outline", outlines), ("specks", specks)):
        drawn = [painted(truths[place.image], place, size, known) for place in places]
        account(name, looked, drawn, store, arguments.most_area)


if __name__ == "__main__":
    main()
