"""The range of values shown where a file does not state one."""

from __future__ import annotations

_DEPTHS = (8, 10, 12, 14, 16)


def shown_range(low: float, high: float, *, integers: bool) -> tuple[float, float]:
    """Values shown black and white, for an image whose values run from ``low`` to ``high``.

    Unsigned integers up to 16 bits: from 0 to the full scale of the smallest usual depth (8, 10, 12, 14, 16 bits) that
    holds the highest. Detectors deliver 10 to 14 bits, files hold 16: over the file's range their images would come out
    almost black. A depth rather than the highest value, so that the views of one exam keep their relative brightness.

    Anything else: from the lowest to the highest.
    """
    if integers and low >= 0 and high <= 0xFFFF:
        return 0.0, float(next(scale for scale in ((1 << depth) - 1 for depth in _DEPTHS) if high <= scale))
    return low, high
