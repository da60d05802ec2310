"""A whole installation, step by step, and a thread that does such work while Blender goes on. No Blender."""

from __future__ import annotations

import contextlib
import errno
import os
import threading
from collections.abc import Callable, Iterator
from pathlib import Path

from dgtalker_engine.errors import Cancelled, DGTalkerError
from dgtalker_engine.files import make_folder
from dgtalker_engine.wire.jobs.lock import try_lock

from ..bridge import find
from . import environment, machine
from .control import Control
from .download import PAUSES, fetch
from .plan import Plan, size
from .sources import Sources

LOCK = "install.lock"
_POLL = 0.2


def install(
    plan: Plan,
    sources: Sources,
    control: Control,
    *,
    free: Callable[[Path], int] = machine.free_space,
    pauses: tuple[float, ...] = PAUSES,
) -> Path:
    """Downloads, builds, tests, and remembers the engine; returns its Python. Killed or failed at any moment, it leaves
    what was there before in use, and the next call goes on from what was downloaded.

    Args:
        free: bytes that can be written in a folder.
        pauses: seconds between tries to connect.

    Raises:
        DGTalkerError: what failed, and what to do.
        Cancelled: by `control`.
    """
    with _explained(plan.home), locked(plan.home, control) as lock:
        if plan.anew:
            environment.check_unused(plan.environment)
        environment.remove_unfinished(plan.home)
        download(plan, sources, control, free, pauses)
        environment.build(plan, control, lock)
        environment.warm(plan, control, lock)
        find.remember(plan.executable)
        environment.add_extras(plan, control, lock)
    return plan.executable


def download(
    plan: Plan,
    sources: Sources,
    control: Control,
    free: Callable[[Path], int] = machine.free_space,
    pauses: tuple[float, ...] = PAUSES,
) -> None:
    """Every file that is needed, in `plan.downloads`."""
    needed = plan.needed
    if needed:
        _check_space(plan, free)
    plan.downloads.mkdir(exist_ok=True)
    total, before = sum(map(size, needed)), 0
    control.can_pause = True
    for file in needed:
        what = f"Downloading {file.project or 'Python'}"
        start = before

        def count(done: int, what: str = what, start: int = start) -> None:
            control.say(what, start + done, total)

        fetch(file, plan.downloads, sources, control, count, pauses)
        before += size(file)
    control.can_pause = False


@contextlib.contextmanager
def locked(home: Path, control: Control) -> Iterator[int]:
    """The lock that one installation on this computer holds; waits for another, and says so."""
    make_folder(home)
    while (lock := try_lock(home / LOCK)) is None:
        control.say("Another Blender is installing the engine; waiting for it")
        control.sleep(_POLL)
    try:
        yield lock
    finally:
        os.close(lock)


class Task:
    """Work in a thread of its own.

    Attributes:
        control: its progress, pause and cancel.
        error: what went wrong, once it is done.
    """

    def __init__(self, work: Callable[[Control], object]) -> None:
        self.control = Control()
        self.error: DGTalkerError | None = None
        self._work = work
        self._thread = threading.Thread(target=self._run, name="dgtalker install", daemon=True)
        self._thread.start()

    @property
    def done(self) -> bool:
        return not self._thread.is_alive()

    def wait(self, seconds: float | None = None) -> None:
        self._thread.join(seconds)

    def _run(self) -> None:
        try:
            self._work(self.control)
        except DGTalkerError as error:
            self.error = error
        except Exception as error:  # a fault of ours: whoever looks at this must not wait for ever
            self.error = DGTalkerError(f"The installation failed: {error!r}.", "Copy the bug report, and send it.")
            raise


def _check_space(plan: Plan, free: Callable[[Path], int]) -> None:
    has, needs = free(plan.home), plan.disk_bytes
    if has < needs:
        raise DGTalkerError(
            f"There is not enough room in {plan.home}: {needs / 1e9:.1f} GB are needed, {has / 1e9:.1f} GB are free.",
            "Make room, then install again.",
            code="disk_full",
        )


@contextlib.contextmanager
def _explained(home: Path) -> Iterator[None]:
    """Errors of the file system as sentences."""
    try:
        yield
    except Cancelled:
        raise
    except OSError as error:
        full = error.errno in (errno.ENOSPC, errno.EDQUOT)
        raise DGTalkerError(
            f"The engine cannot be installed in {home}: {error.strerror or error}"
            f"{f' ({error.filename})' if error.filename else ''}.",
            "Make room, then install again: it goes on there." if full else "Check the rights of that folder.",
            code="disk_full" if full else "error",
        ) from error
