"""Live lips: the engine's side of the process that listens to a microphone."""

from __future__ import annotations

import contextlib
import os
import subprocess
import sys
import threading
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

from ..errors import DGTalkerError
from ..wire.json_lines import receive, send
from .child import Child, serve
from .session import Answer, Progress

LONGEST_WAIT = 0.2
"""Seconds that `read` waits for something new."""

_ONE_THREAD = {"OMP_NUM_THREADS": "1", "OPENBLAS_NUM_THREADS": "1"}
"""Its products are small: threads of a busy machine that wait for each other take ten times as long as one."""

_LAST_WAIT = 5.0
"""Seconds that a process which was told to stop has for it."""


@dataclass
class _Heard:
    """A process that listens, and what it has said so far."""

    process: subprocess.Popen[bytes]
    about: dict[str, Any] = field(default_factory=dict)
    rows: int = 0
    data: bytearray = field(default_factory=bytearray)
    seconds: float = 0.0
    peak: float = 0.0
    ended: list[str] | None = None


class Live:
    """One microphone that is listened to at a time; its methods may be called from several threads."""

    def __init__(self) -> None:
        self._changed = threading.Condition()
        self._heard: _Heard | None = None

    def start(self, request: dict[str, Any], progress: Progress) -> Answer:
        """Begins to listen, and waits until it does.

        Args:
            request: `microphone`, empty for the usual one; `path` of the sound file that is written; `file`: what is
                listened to in a microphone's place, if anything.
            progress: is asked meanwhile.

        Raises:
            DGTalkerError: somebody listens already, or it could not begin; nothing was written.
            Cancelled: `progress` raised it.
        """
        with self._changed:
            if self._heard is not None:
                raise DGTalkerError("A microphone is being listened to already.", "Press Stop first.", "refused")
            flags = subprocess.CREATE_NO_WINDOW if sys.platform == "win32" else 0
            command = [sys.executable, "-I", "-m", "dgtalker_engine.server.microphone"]
            process = subprocess.Popen(
                command,
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                creationflags=flags,
                env={**os.environ, **_ONE_THREAD},
            )
            heard = self._heard = _Heard(process)
        threading.Thread(target=self._follow, args=(heard,), name="microphone", daemon=True).start()
        try:
            asked = {name: str(request.get(name, "")) for name in ("microphone", "path", "file")}
            with contextlib.suppress(OSError):  # why it has ended is what it said
                self._say(heard, asked)
            while not self._wait(lambda: bool(heard.about) or heard.ended is not None):
                progress(0.0, "Opening the microphone")
            if not heard.about:
                raise DGTalkerError(*(heard.ended or ["The microphone could not be opened.", ""]))
        except BaseException:
            self._end(heard)
            raise
        return heard.about, []

    def read(self, request: dict[str, Any]) -> Answer:
        """The rows of weights from number `after` on, or an answer without any after `LONGEST_WAIT`.

        Raises:
            DGTalkerError: nobody listens.
        """
        after = max(int(request.get("after", 0)), 0)
        heard = self._now()
        self._wait(lambda: heard.rows > after or heard.ended is not None)
        return self._answer(heard, after)

    def stop(self, request: dict[str, Any]) -> Answer:
        """Ends it: all that was not read yet, once the sound file is written.

        Raises:
            DGTalkerError: nobody listens.
        """
        heard = self._now()
        try:
            with contextlib.suppress(OSError, ValueError):  # it has ended, and was closed, where `start` was cancelled
                self._say(heard, {"stop": True})
            self._wait(lambda: heard.ended is not None, _LAST_WAIT)
            return self._answer(heard, max(int(request.get("after", 0)), 0))
        finally:
            self._end(heard)

    def _now(self) -> _Heard:
        heard = self._heard
        if heard is None:
            raise DGTalkerError("No microphone is being listened to.", "Press Live again.", "not_live")
        return heard

    def _answer(self, heard: _Heard, after: int) -> Answer:
        with self._changed:
            width = 4 * len(heard.about.get("names", ()))
            header = {"rows": max(heard.rows - after, 0), "seconds": heard.seconds, "peak": heard.peak}
            heard.peak = 0.0
            return {**header, "ended": heard.ended}, [bytes(heard.data[after * width :])]

    def _wait(self, known: Callable[[], bool], longest: float = LONGEST_WAIT) -> bool:
        with self._changed:
            return self._changed.wait_for(known, longest)

    @staticmethod
    def _say(heard: _Heard, message: dict[str, Any]) -> None:
        assert heard.process.stdin is not None
        send(heard.process.stdin, message)

    def _follow(self, heard: _Heard) -> None:
        """Takes what the process says, until it ends."""
        process = heard.process
        assert process.stdout is not None
        ended: list[str] | None = None
        with contextlib.suppress(EOFError, OSError, ValueError):
            while ended is None:
                told = receive(process.stdout)
                data = process.stdout.read(told.get("bytes", 0))
                with self._changed:
                    if "listening" in told:
                        heard.about = told
                    elif "ended" in told:
                        ended = told["ended"]
                    else:
                        heard.rows += told["rows"]
                        heard.data += data
                        heard.seconds, heard.peak = told["seconds"], max(heard.peak, told["peak"])
                    self._changed.notify_all()
        with self._changed:
            heard.ended = (
                ended
                if ended is not None
                else [
                    "What listens to the microphone ended unexpectedly.",
                    "What was recorded is kept; the engine's log has the details.",
                ]
            )
            self._changed.notify_all()

    def _end(self, heard: _Heard) -> None:
        """Ends a process, whoever else does so; another one may begin then."""
        process = heard.process
        process.kill()
        process.wait()
        for stream in (process.stdin, process.stdout):
            assert stream is not None
            with contextlib.suppress(OSError):
                stream.close()
        with self._changed:
            if self._heard is heard:
                self._heard = None


def microphones(progress: Progress) -> Answer:
    """The inputs that there are now: `microphones`, a list of names. Asked in a process of its own: drivers may hang.

    Raises:
        DGTalkerError: the system's sound cannot be asked.
        Cancelled: `progress` raised it.
    """
    with contextlib.closing(Child.of(__name__)) as child:
        return child.ask({}, bytearray(), progress, begin="Looking for microphones", crashed=_crashed)


def _crashed(code: int) -> DGTalkerError:
    return DGTalkerError(
        f"What looks for microphones ended unexpectedly (exit code {code}).", "The engine's log has the details."
    )


def _microphones(request: dict[str, Any], data: bytearray, progress: Progress) -> tuple[dict[str, Any], bytes]:
    from ..speech.live import sources

    return {"microphones": sources.microphones()}, b""


if __name__ == "__main__":
    serve(_microphones)
