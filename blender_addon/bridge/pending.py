"""A request that another thread waits for. No Blender."""

from __future__ import annotations

import queue
import threading
import time
from collections.abc import Callable
from concurrent.futures import Future

from dgtalker_engine.errors import Cancelled

from .client import Reply
from .supervisor import OnProgress, ReadAvatar

Send = Callable[[OnProgress, Callable[[], bool], ReadAvatar], Reply]

_STEP = 0.1


class Pending:
    """A request under way.

    Args:
        send: does it, in a thread of its own: ``(on_progress, should_cancel, read_avatar) -> Reply``.
        read_avatar: called in the thread that asks this Pending: what it reads may belong to Blender's main thread.

    Attributes:
        progress: fraction and text, as last heard.
    """

    def __init__(self, send: Send, read_avatar: ReadAvatar) -> None:
        self.progress: tuple[float, str] = (0.0, "")
        self._read_avatar = read_avatar
        self._wanted: queue.SimpleQueue[tuple[str, Future[bytes | None]]] = queue.SimpleQueue()
        self._cancelled = threading.Event()
        self._changed = threading.Event()
        self._reply: Future[Reply] = Future()
        threading.Thread(target=self._run, args=(send,), name="dgtalker request", daemon=True).start()

    @property
    def done(self) -> bool:
        """Whether `result` returns at once. Ask regularly: an avatar that the engine needs is read here."""
        while not self._wanted.empty():
            avatar, file = self._wanted.get()
            try:
                file.set_result(self._read_avatar(avatar))
            except Exception as error:  # noqa: BLE001 (it goes to whoever waits for the result)
                file.set_exception(error)
        return self._reply.done()

    def wait(self, timeout: float | None = None) -> bool:
        """Waits until it is done, at most `timeout` seconds; False when it is not."""
        deadline = None if timeout is None else time.monotonic() + timeout
        while not self.done:
            left = _STEP if deadline is None else min(_STEP, deadline - time.monotonic())
            if left <= 0:
                return False
            self._changed.wait(left)
            self._changed.clear()
        return True

    def result(self) -> Reply:
        """Waits, and returns the reply or raises what went wrong, as `engine.request` does."""
        self.wait()
        return self._reply.result()

    def cancel(self) -> None:
        """Gives up: `result` soon raises Cancelled, unless the answer has come already."""
        self._cancelled.set()

    def _run(self, send: Send) -> None:
        try:
            self._reply.set_result(send(self._note, self._cancelled.is_set, self._ask_for))
        except Exception as error:  # noqa: BLE001 (it goes to whoever waits for the result)
            self._reply.set_exception(error)
        self._changed.set()

    def _note(self, fraction: float, text: str) -> None:
        self.progress = (fraction, text)

    def _ask_for(self, avatar: str) -> bytes | None:
        file: Future[bytes | None] = Future()
        self._wanted.put((avatar, file))
        self._changed.set()
        while not self._cancelled.is_set():
            try:
                return file.result(_STEP)
            except TimeoutError:
                if file.done():
                    raise
        raise Cancelled
