"""The candidates of many images together: what classifiers are trained and measured on, never torn apart by patient."""

from __future__ import annotations

from collections.abc import Callable, Hashable, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import TypeVar

import numpy as np
from numpy.typing import NDArray

from microcalc.datasets import Record
from microcalc.errors import UsageError
from microcalc.features import FAMILIES
from microcalc.features.haar import haar_of_windows
from microcalc.training.samples import Features, Indices, Samples

Array = NDArray[np.float64]
Labels = NDArray[np.bool_]
Key = TypeVar("Key", bound=Hashable)


@dataclass(frozen=True, eq=False)
class Pool:
    """Images with their samples. A row is a candidate that counts, hit or false, in the order of the images."""

    records: tuple[Record, ...]
    samples: tuple[Samples, ...]
    #: Of features, in the order of the columns.
    families: tuple[str, ...]
    #: Images that could not be read, and are not among these.
    left_out: int = 0

    def __len__(self) -> int:
        return len(self.labels)

    @cached_property
    def labels(self) -> Labels:
        """(rows,) whether each is a hit."""
        return np.concatenate([one.labels[one.counted] for one in self.samples])

    @cached_property
    def image(self) -> Indices:
        """(rows,) the image of each, rising."""
        return np.repeat(np.arange(len(self.samples)), [int(one.counted.sum()) for one in self.samples])

    @cached_property
    def _candidate(self) -> Indices:
        """(rows,) which candidate of its image each is."""
        return np.concatenate([np.flatnonzero(one.counted) for one in self.samples])

    @cached_property
    def patient(self) -> Indices:
        """(rows,) a number for the patient of each; every image of a split has one."""
        names = [str(record.truth.patient) for record in self.records]
        return np.unique(names, return_inverse=True)[1][self.image]

    def first(self, images: int) -> Pool:
        """The first so many images."""
        return Pool(self.records[:images], self.samples[:images], self.families)

    def windows(self, rows: Indices) -> Features:
        """(n, 14, 14) windows of ``rows`` (n,), which rise."""
        return np.concatenate([self.samples[i].windows[chosen] for i, chosen in self._by_image(rows)])

    def features(self, rows: Indices, haar: Indices) -> Features:
        """(n, F) features of ``rows`` (n,), which rise; ``haar`` are the prototypes chosen."""
        parts = [matrix(self.samples[i], self.families, haar, chosen) for i, chosen in self._by_image(rows)]
        return np.concatenate(parts)

    def scores(self, haar: Indices, systems: Mapping[Key, Callable[[Features], Array]]) -> dict[Key, list[Array]]:
        """What each system makes of the features of all candidates: name -> (candidates,) scores of each image."""
        made: dict[Key, list[Array]] = {name: [] for name in systems}
        for one in self.samples:
            features = matrix(one, self.families, haar)
            for name, system in systems.items():
                made[name].append(system(features))
        return made

    def of_rows(self, scores: Sequence[Array]) -> Array:
        """(rows,) the scores that count, of those of all candidates of each image."""
        return np.concatenate([of[one.counted] for one, of in zip(self.samples, scores, strict=True)])

    def _by_image(self, rows: Indices) -> list[tuple[int, Indices]]:
        """Every image that holds some of the rows, and which of its candidates they are."""
        images, starts = np.unique(self.image[rows], return_index=True)
        return list(zip(images.tolist(), np.split(self._candidate[rows], starts[1:]), strict=True))


def matrix(one: Samples, families: Sequence[str], haar: Indices, chosen: Indices | slice = slice(None)) -> Features:
    """(n, F) features of the ``chosen`` (n,) candidates of an image, columns by family."""
    parts, start = [], 0
    for name in families:
        if name == "haar":
            parts.append(haar_of_windows(one.windows[chosen], haar))
        else:
            width = len(FAMILIES[name]().names)
            parts.append(one.plain[chosen, start : start + width])
            start += width
    return np.concatenate(parts, axis=1)


def columns(families: Sequence[str], haar: Indices) -> dict[str, slice]:
    """Which columns of :meth:`Pool.features` each family takes; ``all`` takes all of them."""
    widths = [len(haar) if name == "haar" else len(FAMILIES[name]().names) for name in families]
    ends = np.cumsum(widths).tolist()
    each = {name: slice(end - width, end) for name, width, end in zip(families, widths, ends, strict=True)}
    return each | {"all": slice(0, ends[-1])}


def downsample(labels: Labels, ratio: int, rng: np.random.Generator, most: int | None = None) -> Indices:
    """Rising indices of all positives among ``labels`` (n,) and of at most ``ratio`` times as many negatives, drawn.

    Of these, ``most`` are drawn, positives and negatives alike, where there are more.

    Raises:
        UsageError: there is no positive, or no negative.
    """
    positives, negatives = np.flatnonzero(labels), np.flatnonzero(~labels)
    if not (positives.size and negatives.size):
        raise UsageError(
            expected="true and false candidates, to train on",
            found=f"{positives.size} true and {negatives.size} false ones",
            do="give more images with lesions that the proposer finds",
        )
    drawn = rng.choice(negatives, size=min(negatives.size, ratio * positives.size), replace=False)
    chosen = np.concatenate([positives, drawn])
    if most is not None and chosen.size > most:
        chosen = rng.choice(chosen, size=most, replace=False)
    return np.sort(chosen)


def patient_folds(patients: Indices, labels: Labels, folds: int, seed: int) -> Indices:
    """Deal patients out into folds: those with a hit and those without in turn, each lot shuffled.

    Args:
        patients: (n,) number of the patient of each row.
        labels: (n,) whether each is a hit.
        folds: how many.
        seed: of the shuffling.

    Returns:
        (n,) fold of each row, from 0; one patient, one fold.

    Raises:
        UsageError: fewer patients with hits than folds: some fold would have nothing to find.
    """
    with_hits = np.unique(patients[labels])
    if with_hits.size < folds:
        raise UsageError(
            expected=f"at least {folds} patients with true candidates, for {folds} folds by patient",
            found=str(with_hits.size),
            do="give more patients, or fewer folds in the recipe",
        )
    rng = np.random.default_rng(seed)
    without = np.setdiff1d(patients, with_hits)
    order = np.concatenate([rng.permutation(with_hits), rng.permutation(without)])
    fold = np.empty(int(patients.max()) + 1, np.intp)
    fold[order] = np.arange(order.size) % folds
    return fold[patients]
