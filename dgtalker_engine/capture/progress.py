"""How the long work of capture says how far it is."""

from __future__ import annotations

from collections.abc import Callable

Progress = Callable[[float, str], None]
"""Is told a fraction of 0 to 1 and what is being done; raises `Cancelled` to stop it."""


def part(progress: Progress, start: float, end: float) -> Progress:
    """The progress of a stage that goes from one fraction of the whole work to another."""
    return lambda fraction, text: progress(start + (end - start) * fraction, text)
