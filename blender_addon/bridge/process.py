"""One engine process: start it, shake hands, end it. No Blender."""

from __future__ import annotations

import contextlib
import selectors
import socket
import subprocess
import sys
import time
from pathlib import Path

from dgtalker_engine.errors import DGTalkerError
from dgtalker_engine.wire import HandshakeError, new_token, shake_hands

from .log import EngineLog

START_TIMEOUT = 60.0
"""Seconds until the engine's first byte: a cold disk and a virus scanner are slow. The handshake itself has 5 s."""

NO_ENGINE = "No module named dgtalker_engine"
"""What Python says last where it has none."""

_END_TIMEOUT = 1.0
_POLL = 0.05


class EngineGone(Exception):
    """The engine has ended, or does not answer; another one can be asked the same."""


class EngineProcess:
    """An engine that has proved to be ours.

    Args:
        python: of the engine's environment.
        log: where its output goes.
        speech_on_demand: what speech needs is loaded when it is asked for, not beforehand.
        tcp: connect over 127.0.0.1 instead of a pair of sockets, as Windows has to.

    Attributes:
        sock: its connection.

    Raises:
        EngineGone: it ended, or failed the handshake.
        DGTalkerError: `python` cannot be started at all.
    """

    sock: socket.socket

    def __init__(
        self, python: Path, log: Path, *, speech_on_demand: bool = False, tcp: bool = sys.platform == "win32"
    ) -> None:
        self._python = python
        token = new_token()
        options = ["--speech-on-demand"] if speech_on_demand else []
        if tcp:
            with socket.create_server(("127.0.0.1", 0), backlog=1) as listener:
                self._spawn(python, log, token, ["--port", str(listener.getsockname()[1]), *options])
                with self._ended_on_failure():
                    self.sock = self._accept(listener, token)
            return
        mine, theirs = socket.socketpair()
        with self._ended_on_failure(mine):
            with theirs:
                self._spawn(python, log, token, ["--fd", str(theirs.fileno()), *options], theirs.fileno())
            self._await_first_byte(mine)
            shake_hands(mine, token, "owner")
        self.sock = mine

    @property
    def pid(self) -> int:
        return self._process.pid

    def end(self) -> str:
        """Ends the process if closing its connection has not, and returns how it ended. Can be called twice."""
        try:
            code = self._process.wait(_END_TIMEOUT)
        except subprocess.TimeoutExpired:
            self._process.kill()
            code = self._process.wait()
        if code < 0:
            return f"signal {-code}"
        line = self._log.last_line() if code else ""
        return f"exit code {code}: {line}" if line else f"exit code {code}"

    def _spawn(self, python: Path, log: Path, token: bytes, where: list[str], *descriptors: int) -> None:
        # -I: a PYTHONPATH or PYTHONHOME that leaks out of Blender's surroundings would break the engine.
        command = [str(python), "-I", "-m", "dgtalker_engine", "serve", *where]
        flags = subprocess.CREATE_NO_WINDOW if sys.platform == "win32" else 0
        pipe = subprocess.PIPE
        try:
            self._process = subprocess.Popen(
                command, stdin=pipe, stdout=pipe, stderr=subprocess.STDOUT, pass_fds=descriptors, creationflags=flags
            )
        except OSError as error:
            raise DGTalkerError(
                f"The engine's Python {python} cannot be started: {error.strerror}.",
                "Choose another in the extension's preferences, or install the engine again.",
                code="no_engine",
            ) from error
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        self._log = EngineLog(self._process.stdout, log)
        if sys.platform == "win32":
            from .windows import end_with_this_process

            end_with_this_process(self._process)
        with contextlib.suppress(OSError):  # it has ended already, which shows when its first byte does not come
            self._process.stdin.write(token + b"\n")
            self._process.stdin.close()

    @contextlib.contextmanager
    def _ended_on_failure(self, sock: socket.socket | None = None):
        try:
            yield
        except BaseException as error:
            if sock is not None:
                sock.close()
            how = self.end() if hasattr(self, "_process") else ""
            if NO_ENGINE in how:
                raise DGTalkerError(
                    f"The Python {self._python} has no DGTalker engine.",
                    "Choose another in the extension's preferences, or install the engine there "
                    "(in the repository: `python build.py package`).",
                    code="no_engine",
                ) from error
            if isinstance(error, HandshakeError | _NotStarted | OSError):
                raise EngineGone(f"{error} ({how})") from error
            raise

    def _await_first_byte(self, sock: socket.socket) -> None:
        deadline = time.monotonic() + START_TIMEOUT
        with selectors.DefaultSelector() as selector:
            selector.register(sock, selectors.EVENT_READ)
            while not selector.select(_POLL):
                self._check_starting(deadline)

    def _accept(self, listener: socket.socket, token: bytes) -> socket.socket:
        """Whoever connects first need not be our engine: that is the one that holds the token."""
        deadline = time.monotonic() + START_TIMEOUT
        listener.settimeout(_POLL)
        while True:
            try:
                sock, _address = listener.accept()
            except TimeoutError:
                self._check_starting(deadline)
                continue
            try:
                shake_hands(sock, token, "owner")
                return sock
            except HandshakeError:
                sock.close()

    def _check_starting(self, deadline: float) -> None:
        if self._process.poll() is not None:
            raise _NotStarted("It ended while it started")
        if time.monotonic() > deadline:
            raise _NotStarted(f"It did not start within {START_TIMEOUT:g} s")


class _NotStarted(Exception):
    pass
