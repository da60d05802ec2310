"""Removing a job's folder, checkpoints and all, unless its process still runs."""

from __future__ import annotations

import os
import shutil
import sys
from pathlib import Path

from ...errors import DGTalkerError
from ...files import patiently
from .folder import LOCK, Job, State
from .lock import try_lock

_GONE = ".removed "


def remove(job: Job) -> bool:
    """Removes a job that does not run; what it has written elsewhere stays.

    Returns:
        Whether it is gone: False where it runs, or is being started.

    Raises:
        DGTalkerError: its folder cannot be removed.
    """
    try:
        lock = try_lock(job.folder / LOCK)
        if lock is None:
            return False
        # Whoever lists jobs sees all of it or nothing, though deleting its files takes a while.
        gone = job.folder.with_name(_GONE + job.folder.name)
        try:
            if job.state is State.RUNNING:
                return False
            if sys.platform != "win32":
                job.folder.rename(gone)
        finally:
            os.close(lock)
        if sys.platform == "win32":  # which moves no folder with an open file, and so none of a process that runs
            patiently(lambda: job.folder.rename(gone))
    except FileNotFoundError:
        return True
    except OSError as error:
        hint = "Look whether a program has one of its files open."
        raise DGTalkerError(f"The job {job.folder} cannot be removed: {error.strerror}.", hint) from error
    shutil.rmtree(gone, ignore_errors=True)
    return True


def finish_removals(parent: Path) -> None:
    """Deletes what is left below a folder of jobs that were removed by a process that ended meanwhile."""
    for folder in parent.glob(f"{_GONE}*"):
        shutil.rmtree(folder, ignore_errors=True)
