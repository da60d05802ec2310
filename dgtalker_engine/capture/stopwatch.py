"""What stages of a capture take."""

from __future__ import annotations

import time
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from typing import TypeVar

T = TypeVar("T")


class Stopwatch:
    """Adds up seconds by the name of a stage, in `seconds`."""

    def __init__(self) -> None:
        self.seconds: dict[str, float] = {}

    @contextmanager
    def running(self, stage: str) -> Iterator[None]:
        began = time.perf_counter()
        try:
            yield
        finally:
            self.seconds[stage] = self.seconds.get(stage, 0.0) + time.perf_counter() - began

    def each(self, stage: str, items: Iterable[T]) -> Iterator[T]:
        """The items; what it takes to make them counts."""
        iterator = iter(items)
        while True:
            with self.running(stage):
                item = next(iterator, None)
            if item is None:
                return
            yield item
