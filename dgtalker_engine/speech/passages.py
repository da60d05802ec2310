"""Passages: what is known of some seconds of the sound before it is heard."""

from __future__ import annotations

from dataclasses import dataclass

from ..errors import DGTalkerError

_MOST = 1e7
"""Seconds of a recording, which none has."""


@dataclass(frozen=True)
class Passage:
    """What the user knows of some seconds of the sound.

    Attributes:
        start: seconds.
        end: seconds, later than `start`.
        transcript: the words spoken, or nothing.
        certain: somebody has compared them with the sound: they are spoken, and no others; none is silence.
    """

    start: float
    end: float
    transcript: str = ""
    certain: bool = False

    @property
    def known(self) -> bool:
        """Whether it says anything of what is spoken."""
        return self.certain or bool(self.transcript.strip())

    def __post_init__(self) -> None:
        if not all(abs(time) <= _MOST for time in (self.start, self.end)):
            raise DGTalkerError("A passage holds a time that is not a finite number, or no sensible one.")
        if self.end <= self.start:
            raise DGTalkerError(f"A passage ends at {self.end:g} s, before it starts at {self.start:g} s.")
