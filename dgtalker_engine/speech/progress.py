"""Progress of a job that is made of stages."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

ProgressCall = Callable[[float, str], None]
"""Fraction 0–1 and what is being done; raises `errors.Cancelled` when the user cancelled."""


@dataclass(frozen=True)
class Stage:
    """A stage's view of the whole job's progress: its own 0–1 mapped into `start`–`end`."""

    call: ProgressCall | None
    text: str = ""
    start: float = 0.0
    end: float = 1.0

    def report(self, fraction: float) -> None:
        """Raises Cancelled when the user cancelled."""
        if self.call is not None:
            self.call(self.start + (self.end - self.start) * min(max(fraction, 0.0), 1.0), self.text)

    def stage(self, start: float, end: float, text: str = "") -> Stage:
        """The stage of this one from `start` to `end`."""
        span = self.end - self.start
        return Stage(self.call, text or self.text, self.start + span * start, self.start + span * end)


NO_PROGRESS = Stage(None)
"""For work that nobody watches."""
