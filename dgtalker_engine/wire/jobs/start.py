"""Starting a job's process so that nothing of it depends on whoever starts it."""

from __future__ import annotations

import os
import subprocess
import sys
import threading
import time
from pathlib import Path
from typing import IO

from ...errors import DGTalkerError
from ...files import no_link
from .folder import LOCK, LOG, Job, State, rival
from .lock import try_lock

_LOCK_SECONDS = 1.0


def start(job: Job, python: Path) -> bool:
    """Starts a job, or resumes it, unless it runs or has finished, and does not wait for it.

    It is in a session of its own, inherits nothing but its lock, and goes on when this process ends. Of several that
    start it at once, one does.

    Args:
        job: from `create` or `known`.
        python: of the engine's environment.

    Returns:
        Whether it was started.

    Raises:
        DGTalkerError: `python` cannot be started, the folder not be written to, or another job that is not over
            writes the same file: then this one stays as it was.
    """
    try:
        lock = _lock(job)
        if lock is None:
            return False
        try:
            if job.state in (State.RUNNING, State.FINISHED):
                return False
            _check_alone(job)
            job.clear()
            process = _spawn(job, python, lock)
            job.record_process(process.pid, str(python))
        finally:
            os.close(lock)
    except OSError as error:
        hint = "Look whether the folder is there and can be written to."
        raise DGTalkerError(f"The job {job.folder} cannot be started: {error}.", hint) from error
    # So that a process that has ended is gone although Blender goes on.
    threading.Thread(target=process.wait, name="dgtalker job", daemon=True).start()
    return True


def _check_alone(job: Job) -> None:
    if rival(job):
        name = Path(job.request.output).name
        raise DGTalkerError(f"Another training writes {name}.", "Let it finish, or remove one of them.", "taken")


def _lock(job: Job) -> int | None:
    """The job's lock, unless it runs; one who starts it now, or a process that is ending, has it for a moment yet."""
    ends = time.monotonic() + _LOCK_SECONDS
    while (lock := try_lock(job.folder / LOCK)) is None:
        if job.state is State.RUNNING or time.monotonic() > ends:
            return None
        time.sleep(0.01)
    return lock


def _spawn(job: Job, python: Path, lock: int) -> subprocess.Popen[bytes]:
    # -I: a PYTHONPATH or PYTHONHOME that leaks out of Blender's surroundings would break the engine.
    command = [str(python), "-I", "-m", "dgtalker_engine", "job", str(job.folder)]
    with open(job.folder / LOG, "ab", opener=no_link) as log:
        try:
            if sys.platform == "win32":
                return _spawn_on_windows(command, job.folder, log)
            command += ["--lock", str(lock)]
            return subprocess.Popen(
                command,
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                cwd=job.folder,
                start_new_session=True,
                pass_fds=(lock,),
            )
        except OSError as error:
            raise DGTalkerError(
                f"The engine's Python {python} cannot be started: {error.strerror}.",
                "Choose another in the extension's preferences, or install the engine again.",
                code="no_engine",
            ) from error


def _spawn_on_windows(command: list[str], folder: Path, log: IO[bytes]) -> subprocess.Popen[bytes]:
    """No console, and outside of a job object that ends what Blender started, where that is allowed.

    Locks are not inherited there: the process takes its own, and ends where another was quicker.
    """
    no_window, new_group, breakaway = 0x08000000, 0x00000200, 0x01000000

    def spawn(flags: int) -> subprocess.Popen[bytes]:
        nothing = subprocess.DEVNULL
        return subprocess.Popen(command, stdin=nothing, stdout=log, stderr=log, cwd=folder, creationflags=flags)

    try:
        return spawn(no_window | new_group | breakaway)
    except PermissionError:
        return spawn(no_window | new_group)
