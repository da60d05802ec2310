"""A microphone that the engine listens to, read in a thread: whoever draws takes what is the latest. No Blender."""

from __future__ import annotations

import contextlib
import threading
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np

from dgtalker_engine.errors import Cancelled, DGTalkerError

from .client import Reply

Ask = Callable[..., Reply]
"""`engine.request`"""

_turn = threading.Lock()
"""Whose is the microphone; who comes while another lets it go waits for it."""

_LOOK = 0.05
"""Seconds between two looks whether somebody who waits was stopped."""


class LiveFeed:
    """Begins at once, and goes on until `stop`, or until the engine has nothing more to say.

    Attributes:
        names: of the weights; none before it listens.
        interval: seconds from one row to the next.
        seconds: of sound that was heard.
        peak: the loudest sample since it was last set, full scale 1.
        error: why it has ended, where nobody asked it to.
    """

    def __init__(self, ask: Ask, microphone: str, path: Path, file: str = "") -> None:
        """Listens.

        Args:
            ask: the engine.
            microphone: its name; empty for the system's usual one.
            path: of the sound file that is written, which is not there yet.
            file: a sound file that is heard in the microphone's place.
        """
        self.names: tuple[str, ...] = ()
        self.interval = 0.0
        self.seconds = 0.0
        self.peak = 0.0
        self.error: DGTalkerError | None = None
        self._ask = ask
        self._rows: list[np.ndarray] = []
        self._stopping = threading.Event()
        asked = {"microphone": microphone, "path": str(path), "file": file}
        self._thread = threading.Thread(target=self._run, args=(asked,), name="dgtalker live", daemon=True)
        self._thread.start()

    @property
    def listening(self) -> bool:
        return bool(self.names) and not self.done

    @property
    def done(self) -> bool:
        """Whether nothing more will come."""
        return not self._thread.is_alive()

    @property
    def latest(self) -> np.ndarray | None:
        """The newest weights, float32 (names,)."""
        return self._rows[-1] if self._rows else None

    @property
    def rows(self) -> np.ndarray:
        """All weights, float32 (n, names)."""
        return np.stack(self._rows) if self._rows else np.zeros((0, len(self.names)), np.float32)

    def stop(self) -> None:
        """Asks it to end; `done` says when it has."""
        self._stopping.set()

    def wait(self, timeout: float | None = None) -> None:
        self._thread.join(timeout)

    def _run(self, asked: dict[str, str]) -> None:
        while not _turn.acquire(timeout=_LOOK):
            if self._stopping.is_set():
                return
        try:
            self._listen(asked)
        finally:
            _turn.release()

    def _listen(self, asked: dict[str, str]) -> None:
        try:
            about = self._ask("live_start", asked, should_cancel=self._stopping.is_set).header
            self.interval, self.names = float(about["interval"]), tuple(about["names"])
            ended = None
            while ended is None and not self._stopping.is_set():
                ended = self._take(self._ask("live_read", {"after": len(self._rows)}))
            last = self._take(self._ask("live_stop", {"after": len(self._rows)}))
            self.error = DGTalkerError(*(ended or last)) if ended or last else None
        except DGTalkerError as error:
            gone = error.code == "not_live"  # another engine answers
            self.error = DGTalkerError("The engine ended while it listened.", "Press Live again.") if gone else error
            if not gone and (self.names or isinstance(error, Cancelled)):  # it may listen: no microphone stays open
                with contextlib.suppress(DGTalkerError):
                    self._ask("live_stop")

    def _take(self, reply: Reply) -> Any:
        """Keeps what was answered; how the engine's side has ended, if it has."""
        told = reply.header
        self._rows += list(np.frombuffer(reply.body, "<f4").reshape(-1, len(self.names)))
        self.seconds, self.peak = float(told["seconds"]), max(self.peak, float(told["peak"]))
        return told["ended"]
