"""Work that Blender does itself, in steps: with progress and ESC in a window, like a request to the engine."""

from __future__ import annotations

import concurrent.futures
import threading
from collections.abc import Callable, Generator
from concurrent.futures import Future
from dataclasses import dataclass
from typing import Generic, TypeVar

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


class Aside(Generic[Result]):
    """Work in a thread of its own, while the window goes on; it must touch nothing of Blender.

    Args:
        work: what is done.
        text: says what.
    """

    def __init__(self, work: Callable[[], Result], text: str) -> None:
        self.progress = (0.0, text)
        self._answer: Future[Result] = Future()
        threading.Thread(target=self._run, args=(work,), name="dgtalker work", daemon=True).start()

    @property
    def done(self) -> bool:
        return self._answer.done()

    def wait(self, timeout: float | None = None) -> bool:
        concurrent.futures.wait([self._answer], timeout)
        return self.done

    def result(self) -> Result:
        """Waits, and returns what the work did or raises what it raised."""
        return self._answer.result()

    def cancel(self) -> None:
        """Nobody waits any longer; the thread ends with its work."""

    def _run(self, work: Callable[[], Result]) -> None:
        try:
            self._answer.set_result(work())
        except Exception as error:  # noqa: BLE001 (it goes to whoever waits for the result)
            self._answer.set_exception(error)


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
