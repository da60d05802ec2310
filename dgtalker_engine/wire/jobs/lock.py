"""The lock that one process of a job holds: the system's own, which is gone with the process however it ends."""

from __future__ import annotations

import errno
import os
import sys
from pathlib import Path

from ...errors import DGTalkerError
from ...files import no_link

_ELSEWHERE = "Keep DGTalker's data on a disk of this machine; some network disks have no locks."


def try_lock(path: Path) -> int | None:
    """A descriptor that holds the lock until it and those inherited from it are closed; None where another has it.

    Raises:
        OSError: the file cannot be opened.
        DGTalkerError: there are no locks where it lies.
    """
    descriptor = no_link(str(path), os.O_RDWR | os.O_CREAT)
    try:
        _lock(descriptor)
    except OSError as error:
        os.close(descriptor)
        if _is_taken(error):
            return None
        raise DGTalkerError(f"{path} cannot be locked: {error.strerror or error}.", _ELSEWHERE) from error
    return descriptor


def keep_from_children(descriptor: int) -> None:
    """Closes a lock in every process that forks off this one: it ends with this process, not with its children.

    For a descriptor that stays open until the process ends.
    """
    if sys.platform != "win32":  # where nothing forks
        os.register_at_fork(after_in_child=lambda: os.close(descriptor))


def _is_taken(error: OSError) -> bool:
    if sys.platform == "win32":
        return error.errno in (errno.EACCES, errno.EDEADLK)
    return isinstance(error, BlockingIOError)


def _lock(descriptor: int) -> None:
    if sys.platform == "win32":
        import msvcrt

        msvcrt.locking(descriptor, msvcrt.LK_NBLCK, 1)
    else:
        import fcntl

        # Not lockf: this one goes to the process that inherits the descriptor, so there is no moment without it.
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
