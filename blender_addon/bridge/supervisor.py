"""Keeps one engine: starts it when it is needed, and again when it has crashed. No Blender."""

from __future__ import annotations

import threading
import time
from collections import deque
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

from dgtalker_engine.errors import Cancelled, DGTalkerError

from . import find
from .client import Client, EngineError, Reply
from .process import EngineGone, EngineProcess

MAX_REPEATS = 3
REPEAT_WINDOW = 60.0

_POLL = 0.02

OnProgress = Callable[[float, str], None]
ReadAvatar = Callable[[str], bytes | None]


@dataclass(frozen=True, kw_only=True)
class State:
    """What is known of the engine; nothing is started to find out.

    Attributes:
        status: what the engine is doing.
        pid: of the engine that runs.
        python: that it runs on, or would; empty when none is installed.
        log: its newest log file.
        error: why it ended or could not start, until one runs again.
    """

    status: Literal["stopped", "starting", "running"]
    pid: int | None
    python: str
    log: Path
    error: str


@dataclass
class _Start:
    """One attempt to start an engine; `failure` is None once it has succeeded."""

    done: bool = False
    failure: Exception | None = None


class Supervisor:
    """At most one engine. Every method may be called from any thread."""

    def __init__(self) -> None:
        self._python = ""
        self._speech_on_demand = False
        self._log = find.data_folder() / "log" / "engine.log"
        self._changed = threading.Condition()
        self._generation = 0
        self._start: _Start | None = None
        self._process: EngineProcess | None = None
        self._client: Client | None = None

    def configure(self, python: str, log: Path | None, speech_on_demand: bool) -> None:
        """Sets what the next engine runs on; an engine that runs on something else is stopped. Starts nothing."""
        log = log or find.data_folder() / "log" / "engine.log"
        with self._changed:
            same = (python, log) == (self._python, self._log)
            self._python, self._log, self._speech_on_demand = python, log, speech_on_demand
        if not same:
            self.stop()

    def python(self) -> Path:
        """What the next engine runs on. Raises DGTalkerError where there is none."""
        return find.engine_python(self._python)

    def state(self) -> State:
        with self._changed:
            pid, error = None, ""
            if self._start is not None and not self._start.done:
                status = "starting"
            elif self._client is not None and self._process is not None and self._client.alive:
                status, pid = "running", self._process.pid
            else:
                status = "stopped"
                error = self._client.reason if self._client else str(self._start.failure) if self._start else ""
            return State(
                status=status,
                pid=pid,
                python=self._python or find.remembered(),
                log=self._log,
                error=error,
            )

    def stop(self) -> None:
        """Ends the engine; requests under way raise DGTalkerError."""
        with self._changed:
            self._generation += 1
            client = self._client
            self._client = self._process = self._start = None
            self._changed.notify_all()
        if client is not None:
            client.close()

    def restart(self) -> None:
        """Ends the engine and begins to start another, without waiting for it."""
        self.stop()
        with self._changed:
            self._begin_start()

    def request(
        self,
        op: str,
        header: dict[str, Any] | None,
        body: Sequence[Any],
        on_progress: OnProgress | None,
        should_cancel: Callable[[], bool] | None,
        read_avatar: ReadAvatar,
    ) -> Reply:
        """One request, whatever happens to the engine meanwhile; blocks. Errors as in `engine.request`.

        Args:
            read_avatar: the .dgt file of a content hash, None where it is not known.
        """
        generation = self._generation
        crashes: deque[float] = deque()
        opened: set[tuple[int, str]] = set()
        while True:
            try:
                client = self._running(generation, should_cancel)
                return client.request(op, header, body, on_progress, should_cancel)
            except EngineGone as gone:
                crashes = self._count(crashes, op, gone)
            except EngineError as error:
                if error.code == "gpu_failed":  # a GPU that has failed stays so for that process
                    client.close()
                    crashes = self._count(crashes, op, error)
                    continue
                avatar = str(error.header.get("avatar"))
                if error.code != "unknown_avatar" or (id(client), avatar) in opened:
                    raise
                file = read_avatar(avatar)
                if file is None:
                    raise
                opened.add((id(client), avatar))
                try:
                    client.request("open_avatar", {}, [file], None, should_cancel)
                except EngineGone:
                    continue  # the next attempt finds out, and counts

    def _count(self, crashes: deque[float], op: str, why: Exception) -> deque[float]:
        """The crashes of late with another one now; DGTalkerError where they are too many."""
        now = time.monotonic()
        crashes = deque(crash for crash in (*crashes, now) if now - crash < REPEAT_WINDOW)
        if len(crashes) > MAX_REPEATS:
            raise DGTalkerError(
                f"The engine ended {len(crashes)} times during {op}. {why}",
                f"Its log shows why: {self._log}",
                code="crashed",
            ) from why
        return crashes

    def _running(self, generation: int, should_cancel: Callable[[], bool] | None) -> Client:
        mine: _Start | None = None
        with self._changed:
            while True:
                if self._generation != generation:
                    raise DGTalkerError("The engine was stopped.", "Try again.", code="stopped")
                if self._client is not None and self._client.alive:
                    return self._client
                if mine is not None and mine.done:
                    raise mine.failure or EngineGone(self._client.reason if self._client else "It ended.")
                if self._start is None or self._start.done:
                    self._begin_start()
                mine = self._start
                self._changed.wait(_POLL)
                if should_cancel is not None and should_cancel():
                    raise Cancelled

    def _begin_start(self) -> None:
        self._start = _Start()
        old, self._client, self._process = self._client, None, None
        arguments = (self._start, self._python, self._log, self._speech_on_demand, old)
        threading.Thread(target=self._run_start, args=arguments, name="dgtalker start", daemon=True).start()

    def _run_start(self, start: _Start, python: str, log: Path, speech_on_demand: bool, old: Client | None) -> None:
        client: Client | None = None
        process: EngineProcess | None = None
        start.failure = EngineGone("It could not be started.")
        try:
            if old is not None:
                old.close()
            process = EngineProcess(find.engine_python(python), log, speech_on_demand=speech_on_demand)
            client = Client(process.sock, process.end)
            start.failure = None
        except (EngineGone, DGTalkerError, OSError) as error:
            start.failure = error
        finally:
            with self._changed:
                start.done = True
                wanted = self._start is start
                if wanted:
                    self._client, self._process = client, process
                self._changed.notify_all()
        if client is not None and not wanted:
            client.close()
