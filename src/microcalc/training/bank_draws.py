"""Training windows drawn from a bank of phantoms."""

from __future__ import annotations

import numpy as np

from microcalc.synthesis.bank import Bank
from microcalc.training.draws import Drawn


class BankDraws:
    """A :class:`~microcalc.training.draws.Source` of windows in which phantoms are exposed anew each time.

    Args:
        bank: of patients to train on.
        spacing_mm: least and greatest pixel pitch, drawn anew for each call.
    """

    def __init__(self, bank: Bank, spacing_mm: tuple[float, float]) -> None:
        self._bank = bank
        self._spacing_mm = spacing_mm

    def draw(self, rng: np.random.Generator, n: int, *, size_px: int, positive_share: float) -> Drawn:
        """See :class:`~microcalc.training.draws.Source`."""
        pitch = float(rng.uniform(*self._spacing_mm))
        drawn = self._bank.draw(rng, n, size_px=size_px, spacing_mm=pitch, positive_share=positive_share)
        return Drawn(drawn.patches, drawn.breast, np.sign(drawn.mask), drawn.spacing_mm)
