"""Long work in steps, between which Blender's window goes on; without bpy."""

from __future__ import annotations

import concurrent.futures
import threading
import time
from collections.abc import Callable, Generator
from concurrent.futures import Future
from typing import Generic, TypeVar

Result = TypeVar("Result")

PART = 0.012
"""Seconds after which a step of many small parts ends: on a busy machine the last part may take three times as long."""


_WAIT = 0.005
"""Seconds that a step waits for what is done aside."""


class Pace:
    """How long the present step has taken."""

    def __init__(self) -> None:
        self._since = time.perf_counter()

    @property
    def is_long(self) -> bool:
        return time.perf_counter() - self._since > PART


def finished(steps: Generator[object, None, Result]) -> Result:
    """What a generator returns at its end."""
    while True:
        try:
            next(steps)
        except StopIteration as end:
            return end.value


def awaited(aside: Aside[Result]) -> Generator[None, None, Result]:
    """What is done aside, once that has ended."""
    while not aside.wait(_WAIT):
        yield
    return aside.result()


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
