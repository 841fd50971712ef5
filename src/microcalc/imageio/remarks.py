"""What a reader has to say besides the pixels, collected on the way."""

from __future__ import annotations

from dataclasses import dataclass, field


@dataclass
class Remarks:
    """``notes``: what was chosen, for the record; ``warnings``: what is doubtful, for the user."""

    notes: list[str] = field(default_factory=list)
    warnings: list[str] = field(default_factory=list)

    def note(self, text: str) -> None:
        """Record a choice."""
        self.notes.append(text)

    def warn(self, text: str) -> None:
        """Record a doubt."""
        self.warnings.append(text)
