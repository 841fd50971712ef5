"""Samples of one image: its candidates, what each of them is, and what the classifiers learn from.

Cortina Uribe et al., sections 2.1.5 and 2.2.2. A candidate is a hit when the disc of 14 px around it covers a pixel of
a target lesion (the rule ``disc14``); of several on one lesion all but the one that the proposer ranks highest are
duplicates, which nothing is trained on, no more than on candidates in regions to ignore.

Kept are the features of a fixed length and the windows. Haar-like features are linear in a window's 196 pixels: they
are made from it when they are asked for, and 28,643 numbers a candidate never lie on disk.
"""

from __future__ import annotations

import zipfile
import zlib
from collections.abc import Sequence
from dataclasses import dataclass, fields
from functools import cached_property
from pathlib import Path
from typing import Self

import numpy as np
from numpy.typing import NDArray

from microcalc.candidates import Propose
from microcalc.datasets import Record
from microcalc.detectors.detector import SCORE_DECIMALS
from microcalc.detectors.view import working_view
from microcalc.errors import ReadError
from microcalc.evaluation.detections import Detections
from microcalc.evaluation.matching import match, parse_rule
from microcalc.evaluation.scores import ImageScores, score_image
from microcalc.features import FAMILIES
from microcalc.features.windows import windows
from microcalc.output import replacing

Array = NDArray[np.float64]
Features = NDArray[np.float32]
Indices = NDArray[np.intp]

#: What a candidate is.
HIT, FALSE, DUPLICATE, IGNORED = range(4)
RULE = parse_rule("disc14")


@dataclass(frozen=True, eq=False)
class Samples:
    """N candidates of one image, best first by the proposer."""

    #: (N, 2) x, y in pixels of the original image.
    xy: Array
    #: (N,) the proposer's score, 0..1.
    proposed: Array
    #: (N,) HIT, FALSE, DUPLICATE or IGNORED.
    kinds: NDArray[np.int8]
    #: (N, 14, 14) pixels of the working image.
    windows: Features
    #: (N, F) of the families but ``haar``, in the recipe's order.
    plain: Features
    #: (row, column) pixel pitch, mm.
    spacing_mm: Array
    #: Lesions asked for, and those that any candidate hits.
    targets: int
    found: int

    @cached_property
    def labels(self) -> NDArray[np.bool_]:
        """(N,) whether each is a hit."""
        return np.equal(self.kinds, HIT)

    @cached_property
    def counted(self) -> NDArray[np.bool_]:
        """(N,) hits and false ones: what is trained and measured on."""
        return np.isin(self.kinds, (HIT, FALSE))

    def save(self, path: Path) -> None:
        """Write them as ``.npz``.

        Raises:
            WriteError: the file cannot be written.
        """
        with replacing(path) as file:
            np.savez(file, **{field.name: getattr(self, field.name) for field in fields(self)})

    @classmethod
    def load(cls, path: Path) -> Self:
        """Read what :meth:`save` wrote.

        Raises:
            ReadError: the file is missing or damaged.
        """
        try:
            with np.load(path) as stored:
                arrays = {field.name: stored[field.name] for field in fields(cls)}
        except (OSError, ValueError, KeyError, EOFError, zipfile.BadZipFile, zlib.error) as error:
            raise ReadError(
                expected="samples of an image, from an earlier run",
                found=f"none that can be read ({type(error).__name__})",
                do="leave --resume out",
                where=path,
            ) from error
        return cls(**{name: value if value.ndim else value.item() for name, value in arrays.items()})

    def scored(self, record: Record, scores: Array) -> ImageScores:
        """The account of the image with its candidates (N,) scored 0..1, rounded as a detector lists them."""
        detections = _detections(self.xy, np.round(scores, SCORE_DECIMALS))
        account = match(detections, record.truth, RULE, (self.spacing_mm[0], self.spacing_mm[1]))
        return score_image(detections, account, record.truth, RULE)


def sample(
    record: Record,
    propose: Propose,
    working_spacing_mm: float,
    families: Sequence[str],
) -> Samples:
    """Propose candidates on one image, as a detector does, and look at what each of them is.

    Args:
        record: image and truth.
        propose: of :mod:`microcalc.candidates`.
        working_spacing_mm: finer images are shrunk to it.
        families: of features; ``haar`` is left out here.

    Raises:
        MicrocalcError: the image cannot be read, or holds no breast.
    """
    view = working_view(record.read(), working_spacing_mm)
    found = propose(view.image, view.mask, view.working_spacing_mm)
    xy = view.frame.to_original(found.centres)
    account = match(_detections(xy, found.scores), record.truth, RULE, view.spacing_mm)
    plain = [FAMILIES[name]().compute(view.image, found.centres) for name in families if name != "haar"]
    return Samples(
        xy=xy,
        proposed=found.scores,
        kinds=np.select(
            [account.hit, account.false_positive, account.duplicate], [HIT, FALSE, DUPLICATE], IGNORED
        ).astype(np.int8),
        windows=windows(view.image, found.centres),
        plain=np.concatenate([np.empty((len(xy), 0), np.float32), *plain], axis=1),
        spacing_mm=np.array(view.spacing_mm),
        targets=int(account.target.sum()),
        found=account.hits,
    )


def _detections(xy: Array, scores: Array) -> Detections:
    nothing = np.full(len(xy), np.nan)
    return Detections(xy, scores, np.tile(nothing[:, None], 4), nothing)
