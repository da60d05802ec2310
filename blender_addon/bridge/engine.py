"""The one way to talk to the engine. No Blender is imported here; everything may be called from any thread.

request(op, header=None, body=(), *, on_progress=None, should_cancel=None) -> Reply
    Starts the engine when needed, asks, and waits; restarts it and repeats after a crash, at most 3 times in 60 s.
    `body` is one buffer (bytes, a NumPy array) or a list of them. `on_progress(fraction, text)` and
    `should_cancel() -> bool` are called in the calling thread, the latter about every 20 ms.
    Raises DGTalkerError with the user's text; Cancelled when `should_cancel` returned True. Codes: "cancelled",
    "busy", "unknown_avatar", "error" (the engine's), "no_engine", "crashed", "stopped".
submit(op, header=None, body=()) -> Pending
    The same without waiting, for modal operators: `pending.done`, `pending.progress` (fraction, text),
    `pending.cancel()`, `pending.wait(timeout=None)`, `pending.result() -> Reply` (waits; raises as `request` does).
    Ask `done` regularly: avatars are read in the thread that asks.
register_avatar(hash, read)
    `read() -> bytes` gives the .dgt file of a content hash. When an engine does not know an avatar of that hash
    (it is a new one, after a crash), it is opened there and the request repeated. Called in the thread that calls
    `request`, or asks a Pending.
configure(python="", log=None), restart(), stop(), state() -> State
    `configure` starts nothing. `restart` does not wait. `state().status` is "stopped", "starting" or "running".
python() -> Path
    What the engine runs on, for processes of its environment that outlive it; starts nothing.

Reply(header: dict, body: bytearray): see docs/architecture.md for what each operation answers.
"""

from __future__ import annotations

import atexit
from collections.abc import Callable
from pathlib import Path
from typing import Any

from .client import Reply
from .pending import Pending
from .supervisor import OnProgress, State, Supervisor

__all__ = [
    "Pending",
    "Reply",
    "State",
    "configure",
    "python",
    "register_avatar",
    "request",
    "restart",
    "state",
    "stop",
    "submit",
]

_supervisor = Supervisor()
_avatars: dict[str, Callable[[], bytes]] = {}

atexit.register(_supervisor.stop)


def request(
    op: str,
    header: dict[str, Any] | None = None,
    body: Any = (),
    *,
    on_progress: OnProgress | None = None,
    should_cancel: Callable[[], bool] | None = None,
) -> Reply:
    """Asks the engine and waits; see the module's docstring."""
    return _supervisor.request(op, header, _buffers(body), on_progress, should_cancel, _read_avatar)


def submit(op: str, header: dict[str, Any] | None = None, body: Any = ()) -> Pending:
    """Asks the engine without waiting; see the module's docstring."""
    buffers = _buffers(body)
    return Pending(
        lambda on_progress, should_cancel, read_avatar: _supervisor.request(
            op, header, buffers, on_progress, should_cancel, read_avatar
        ),
        _read_avatar,
    )


def register_avatar(hash: str, read: Callable[[], bytes]) -> None:
    """Says where the .dgt file of a content hash can be had; a later registration replaces an earlier one."""
    _avatars[hash] = read


def configure(python: str = "", log: Path | None = None, *, speech_on_demand: bool = False) -> None:
    """Sets what the engine runs on (empty: what was installed), where it logs, and whether it loads what speech needs
    (0.5 GB, and seconds of a processor) only when it is asked for; starts nothing."""
    _supervisor.configure(python, log, speech_on_demand)


def python() -> Path:
    """What the engine runs on. Raises DGTalkerError where there is none."""
    return _supervisor.python()


def restart() -> None:
    """Ends the engine and begins to start another, without waiting for it; requests under way fail."""
    _supervisor.restart()


def stop() -> None:
    """Ends the engine; requests under way fail. The next request starts another."""
    _supervisor.stop()


def state() -> State:
    """What is known of the engine; starts nothing."""
    return _supervisor.state()


def _buffers(body: Any) -> list[Any]:
    return list(body) if isinstance(body, list | tuple) else [body]


def _read_avatar(hash: str) -> bytes | None:
    read = _avatars.get(hash)
    return None if read is None else read()
