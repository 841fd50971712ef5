"""Where every lesion and every detection of a system went."""

from __future__ import annotations

from collections.abc import Sequence

from microcalc.comparison.records import Account, ImageAccount
from microcalc.comparison.scored import ScoredImage, ScoredSystem
from microcalc.evaluation.matching import ImageMatch


def listed(images: Sequence[ScoredImage]) -> Account:
    """Of all detections."""
    return _account([image.match for image in images], [image.judged for image in images], None)


def shown(images: Sequence[ScoredImage], threshold: float | None) -> Account | None:
    """Of those at or above the detector's threshold, where it has one."""
    matches = [image.shown for image in images if image.shown is not None]
    return _account(matches, [image.judged for image in images], threshold) if matches else None


def image_accounts(system: ScoredSystem) -> tuple[ImageAccount, ...]:
    """Of each image by itself."""
    return tuple(
        ImageAccount(
            path=image.truth.path,
            normal=image.truth.normal,
            listed=listed([image]),
            shown=shown([image], system.threshold),
        )
        for image in system.images
    )


def _account(matches: Sequence[ImageMatch], judged: Sequence[bool], threshold: float | None) -> Account:
    """Count the matches of some images, of which those ``judged`` have false positives that count."""
    targets = sum(int(match.target.sum()) for match in matches)
    found = sum(match.hits for match in matches)
    hit, duplicates, ignored = (
        sum(int(getattr(match, place).sum()) for match in matches) for place in ("hit", "duplicate", "ignored")
    )
    false = [int(match.false_positive.sum()) for match in matches]
    counting = sum(number for number, counts in zip(false, judged, strict=True) if counts)
    return Account(
        threshold=threshold,
        lesions=targets,
        ignored_lesions=sum(match.target.size for match in matches) - targets,
        lesions_found=found,
        lesions_missed=targets - found,
        detections=hit + duplicates + sum(false) + ignored,
        detections_hit=hit,
        duplicates=duplicates,
        false_positives=counting,
        false_positives_elsewhere=sum(false) - counting,
        ignored=ignored,
    )
