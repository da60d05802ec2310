"""The lock that one process of a job holds: the system's own, which is gone with the process however it ends."""

from __future__ import annotations

import os
import sys
from pathlib import Path


def try_lock(path: Path) -> int | None:
    """A descriptor that holds the lock until it and those inherited from it are closed; None where another has it."""
    descriptor = os.open(path, os.O_RDWR | os.O_CREAT, 0o666)
    try:
        _lock(descriptor)
    except OSError:
        os.close(descriptor)
        return None
    return descriptor


def _lock(descriptor: int) -> None:
    if sys.platform == "win32":
        import msvcrt

        msvcrt.locking(descriptor, msvcrt.LK_NBLCK, 1)
    else:
        import fcntl

        # Not lockf: this one goes to the process that inherits the descriptor, so there is no moment without it.
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
