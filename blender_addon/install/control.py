"""What an installation says and is told while it runs, from any thread. No Blender."""

from __future__ import annotations

import threading
import time
from dataclasses import dataclass

from dgtalker_engine.errors import Cancelled

_STEP = 0.1


@dataclass(frozen=True)
class Progress:
    """What is being done, and how far it is: bytes, or 0 of 0 where that is not known."""

    text: str = ""
    done: int = 0
    total: int = 0

    @property
    def fraction(self) -> float:
        return min(1.0, self.done / self.total) if self.total else 0.0

    @property
    def line(self) -> str:
        """For a progress bar: ``Downloading torch: 120 of 351 MB``."""
        if not self.total:
            return self.text
        return f"{self.text}: {self.done / 1e6:.0f} of {self.total / 1e6:.0f} MB"


class Control:
    """Progress, pause and cancel of one installation.

    Attributes:
        progress: as last said.
        can_pause: whether what is being done now heeds `pause`.
    """

    def __init__(self) -> None:
        self.progress = Progress()
        self.can_pause = False
        self._going = threading.Event()
        self._going.set()
        self._cancelled = threading.Event()

    @property
    def paused(self) -> bool:
        return not self._going.is_set()

    @property
    def cancelled(self) -> bool:
        return self._cancelled.is_set()

    def pause(self) -> None:
        self._going.clear()

    def resume(self) -> None:
        self._going.set()

    def cancel(self) -> None:
        self._cancelled.set()
        self._going.set()

    def say(self, text: str, done: int = 0, total: int = 0) -> None:
        self.progress = Progress(text, done, total)

    def check(self) -> None:
        """Waits while it is paused.

        Raises:
            Cancelled: it was.
        """
        while not self._cancelled.is_set() and not self._going.wait(_STEP):
            pass
        if self._cancelled.is_set():
            raise Cancelled

    def sleep(self, seconds: float) -> None:
        """Waits, unless it is cancelled: then `Cancelled` is raised at once."""
        ends = time.monotonic() + seconds
        while (left := ends - time.monotonic()) > 0:
            self.check()
            self._cancelled.wait(min(left, _STEP))
        self.check()
