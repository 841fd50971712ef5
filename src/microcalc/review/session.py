"""A review under way: its patches in order, what has been decided, and by how much it has moved on."""

from __future__ import annotations

import threading
from typing import Any

import numpy as np
from numpy.typing import NDArray

from microcalc.errors import MicrocalcError
from microcalc.patches.store import PatchStore
from microcalc.review.ledger import Choice, Ledger
from microcalc.review.pictures import Pictures


class StaleError(MicrocalcError):
    """A decision on something other than what the page showed: another page has been faster."""


class Session:
    """What the server serves; safe to be asked by several threads.

    A patch is known by its place in the order of review, from 0.

    Args:
        title: what is reviewed.
        store: the patches.
        order: (N,) indices into the store, the first to be looked at first.
        suspicions: (N,) of the store's patches; NaN where unknown.
        threshold: from which score on marks are drawn.
        ledger: where decisions go, and have gone; those on patches that are not in the store are no matter.
        pictures: of the store's patches.
    """

    def __init__(
        self,
        title: str,
        store: PatchStore,
        order: NDArray[np.intp],
        suspicions: NDArray[np.float64],
        threshold: float,
        ledger: Ledger,
        pictures: Pictures,
    ) -> None:
        self._title = title
        self._order = order.tolist()
        self._patches = [store.patches[index] for index in self._order]
        self._scores = [None if np.isnan(value) else float(value) for value in suspicions[order]]
        self._threshold = threshold
        self._ledger = ledger
        self._pictures = pictures
        self._lock = threading.Lock()
        self._decisions: list[Choice] = [ledger.decided.get(patch.key, "undecided") for patch in self._patches]
        self._revision = 0

    def __len__(self) -> int:
        return len(self._patches)

    @property
    def decisions(self) -> tuple[Choice, ...]:
        """Of every patch, in order."""
        with self._lock:
            return tuple(self._decisions)

    def progress(self) -> dict[str, Any]:
        """How often something was decided; a page whose number is another one has to ask for :meth:`overview`."""
        return {"revision": self._revision}

    def overview(self) -> dict[str, Any]:
        """Title, and by columns label, score and decision of every patch."""
        with self._lock:
            return {
                "title": self._title,
                "labels": [patch.label for patch in self._patches],
                "scores": self._scores,
                "decisions": list(self._decisions),
                "revision": self._revision,
            }

    def patch(self, number: int) -> dict[str, Any]:
        """Everything that the page shows of one patch; ``trouble`` says why there is no picture.

        Raises:
            IndexError: no such patch.
        """
        patch, score = self._patches[number], self._scores[number]
        shown = {"image": patch.image, "label": patch.label, "origin": patch.origin, "score": score}
        # Where no mark of the patch reaches the threshold, the best of them is what the score stands for.
        least = min(self._threshold, score or self._threshold)
        try:
            return shown | self._pictures.surroundings(self._order[number], least)
        except MicrocalcError as error:
            return shown | {"trouble": error.reason}

    def thumbnail(self, number: int) -> bytes:
        """PNG.

        Raises:
            IndexError: no such patch.
        """
        return self._pictures.thumbnail(self._order[number])

    def decide(self, number: int, decision: Choice, seen: Choice) -> dict[str, Any]:
        """Write a decision to the disk, and then only take it over.

        Args:
            number: of the patch.
            decision: "undecided" takes an earlier one back.
            seen: what the page showed as the patch's decision.

        Returns:
            :meth:`progress`.

        Raises:
            IndexError: no such patch.
            StaleError: the patch's decision is another one than that seen.
            WriteError: it could not be written.
        """
        with self._lock:
            if self._decisions[number] != seen:
                raise StaleError(
                    expected=f"a patch with the decision {seen!r}",
                    found=f"{self._decisions[number]!r}, from another page",
                    do="look at the patch again",
                )
            self._ledger.add(self._patches[number], decision)
            self._decisions[number] = decision
            self._revision += 1
            return self.progress()
