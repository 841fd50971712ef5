"""Where every lesion and every detection of a system went."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from microcalc.comparison.estimates import estimate, share
from microcalc.comparison.records import Account, Histogram, ImageAccount, Reliability
from microcalc.comparison.scored import ScoredImage, ScoredSystem
from microcalc.evaluation.calibration import expected_calibration_error, reliability
from microcalc.evaluation.matching import ImageMatch

#: Bins of the histogram of scores.
_BINS = 50


def listed(images: Sequence[ScoredImage]) -> Account:
    """Of all detections."""
    return _account([image.match for image in images], [image.scores.normal for image in images], None)


def shown(images: Sequence[ScoredImage], threshold: float | None) -> Account | None:
    """Of those at or above the detector's threshold, where it has one."""
    matches = [image.shown for image in images if image.shown is not None]
    return _account(matches, [image.scores.normal for image in images], threshold) if matches else None


def image_accounts(system: ScoredSystem) -> tuple[ImageAccount, ...]:
    """Of each image by itself."""
    return tuple(
        ImageAccount(
            path=image.truth.path,
            normal=image.truth.normal,
            account=listed([image]),
            shown=shown([image], system.threshold),
        )
        for image in system.images
    )


def histogram(system: ScoredSystem) -> Histogram:
    """Scores by what the detection is."""
    edges = np.linspace(0.0, 1.0, _BINS + 1)
    scores = _scores_by_place(system)
    return Histogram(
        edges=tuple(edges.tolist()),
        counts={place: tuple(np.histogram(values, edges)[0].tolist()) for place, values in scores.items()},
    )


def calibration(system: ScoredSystem) -> Reliability | None:
    """Whether scores are the share of detections on a lesion, of all that are not ignored; None without any."""
    scores = _scores_by_place(system)
    true = np.concatenate([scores["hit"], scores["duplicate"]])
    false = np.concatenate([scores["false positive"], scores["elsewhere"]])
    values = np.concatenate([true, false])
    if not values.size:
        return None
    labels = np.repeat([True, False], [true.size, false.size])
    bins = reliability(labels, values)
    error = expected_calibration_error(labels, values)
    return Reliability(
        scores=tuple(bins.scores.tolist()),
        shares=tuple(share(int(hits), int(n)) for hits, n in zip(bins.positives, bins.counts, strict=True)),
        expected_calibration_error=estimate(
            error, (np.nan, np.nan), values.size, "no interval: it has none in closed form"
        ),
    )


def _account(matches: Sequence[ImageMatch], normal: Sequence[bool], threshold: float | None) -> Account:
    """Count the matches of some images, of which ``normal`` are known to be free of calcifications."""
    targets = sum(int(match.target.sum()) for match in matches)
    hits = sum(match.hits for match in matches)
    hitting, duplicates, ignored = (
        sum(int(getattr(match, place).sum()) for match in matches) for place in ("hit", "duplicate", "ignored")
    )
    on_normal, elsewhere = (
        sum(int(match.false_positive.sum()) for match, is_normal in zip(matches, normal, strict=True) if is_normal is n)
        for n in (True, False)
    )
    return Account(
        threshold=threshold,
        lesions=targets,
        ignored_lesions=sum(match.target.size for match in matches) - targets,
        hits=hits,
        misses=targets - hits,
        detections=hitting + duplicates + on_normal + elsewhere + ignored,
        hitting=hitting,
        duplicates=duplicates,
        false_positives=on_normal,
        false_positives_elsewhere=elsewhere,
        ignored=ignored,
    )


def _scores_by_place(system: ScoredSystem) -> dict[str, NDArray[np.float64]]:
    """(detections,) scores of those in each place of the account."""

    def gather(place: str, normal: bool | None = None) -> NDArray[np.float64]:
        parts = [
            image.detections.scores[getattr(image.match, place)]
            for image in system.images
            if normal is None or image.scores.normal is normal
        ]
        return np.concatenate([np.empty(0), *parts])

    return {
        "hit": gather("hit"),
        "duplicate": gather("duplicate"),
        "false positive": gather("false_positive", normal=True),
        "elsewhere": gather("false_positive", normal=False),
        "ignored": gather("ignored"),
    }
