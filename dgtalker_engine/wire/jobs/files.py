"""Files of a job: whole or not at all, whenever its process is killed."""

from __future__ import annotations

import contextlib
import os
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

from ...errors import DGTalkerError

_PAUSES = (0.01, 0.02, 0.05, 0.1, 0.2, 0.4)
"""Seconds; nobody reads one of these files for as long as all of them."""


def write_whole(path: Path, *parts: bytes) -> None:
    """Writes a file so that, after a kill or a power cut at any moment, it is the old one or the new one.

    A kill may leave a temporary file beside it, for `remove_unfinished`.

    Raises:
        DGTalkerError: the disk does not take it; what was there before still is.
    """
    temporary = path.with_name(f".{path.name}.{os.getpid()}.tmp")
    try:
        with temporary.open("wb") as file:
            for part in parts:
                file.write(part)
            file.flush()
            os.fsync(file.fileno())
        patiently(lambda: os.replace(temporary, path))
        _sync_folder(path.parent)
    except OSError as error:
        with contextlib.suppress(OSError):
            temporary.unlink()
        hint = "Make room on the disk, or look whether the folder may be written to."
        raise DGTalkerError(f"{path} cannot be written: {error.strerror or error}.", hint) from error


def check_writable(folder: Path) -> None:
    """Whether files can be made in a folder. Raises DGTalkerError where they cannot."""
    try:
        with tempfile.TemporaryFile(dir=folder):
            pass
    except OSError as error:
        raise DGTalkerError(
            f"Nothing can be written to {folder}: {error.strerror}.", "Choose a folder that you may write to."
        ) from error


def remove_unfinished(path: Path) -> None:
    """Removes what killed processes left of a file; for a process that alone writes it."""
    for temporary in path.parent.glob(f".{path.name}.*.tmp"):
        temporary.unlink(missing_ok=True)


def patiently(work: Callable[[], object]) -> None:
    """Replaces or removes a file although somebody looks into it, which Windows refuses for that moment.

    Raises:
        OSError: it is refused still.
    """
    for pause in _PAUSES:
        try:
            work()
            return
        except PermissionError:
            time.sleep(pause)
    work()


def _sync_folder(folder: Path) -> None:
    if sys.platform == "win32":  # where folders cannot be opened, nor need it
        return
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
