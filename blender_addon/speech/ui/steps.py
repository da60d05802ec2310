"""Work that Blender does itself, in steps: with progress and ESC in a window, like a request to the engine."""

from __future__ import annotations

from collections.abc import Generator
from dataclasses import dataclass
from typing import TypeVar

Result = TypeVar("Result")


@dataclass(frozen=True)
class Step:
    """A part of the work that has been done; it answers what `bridge.modal` asks a Pending.

    Attributes:
        progress: fraction and text.
    """

    progress: tuple[float, str]
    done = True

    def wait(self, timeout: float | None = None) -> bool:
        return True

    def cancel(self) -> None:
        """Nothing is under way between two steps."""


def shown(
    steps: Generator[float, None, Result], text: str, start: float = 0.0, end: float = 1.0
) -> Generator[Step, None, Result]:
    """Fractions of a part of the work as Steps of the whole."""
    while True:
        try:
            fraction = next(steps)
        except StopIteration as stop:
            return stop.value
        yield Step((start + (end - start) * fraction, text))
