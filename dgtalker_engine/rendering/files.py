"""Writing pictures and other results: whole or not at all, inside the chosen folder, through no symbolic link."""

from __future__ import annotations

import contextlib
import errno
import os
import secrets
from pathlib import Path

from ..errors import DGTalkerError


def make_folder(folder: Path) -> Path:
    """Makes the output folder if it is not there, and returns where it really is.

    Raises:
        DGTalkerError: it cannot be made or written to.
    """
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise _failure(folder, error) from error
    if not os.access(folder, os.W_OK | os.X_OK):
        raise _failure(folder, PermissionError(errno.EACCES, os.strerror(errno.EACCES)))
    return folder.resolve()


def write_file(folder: Path, name: str, data: bytes) -> Path:
    """Writes `data` to a temporary file beside its target and moves it there.

    Args:
        folder: from `make_folder`.
        name: a plain file name.

    Raises:
        DGTalkerError: the name leads elsewhere, the target is a symbolic link, or the disk does not take it; whatever
            was there before still is.
    """
    target = folder / name
    if not name or Path(name).name != name or "\\" in name or ":" in name or "\0" in name:
        raise DGTalkerError(f"{name!r} is not the name of a file in {folder}.")
    if target.is_symlink():
        raise DGTalkerError(
            f"{target} is a symbolic link; nothing is written through one.", "Remove it, or choose another folder."
        )
    temporary = folder / f".{name[:180]}.{secrets.token_hex(6)}.tmp"
    try:
        # "x" makes the file anew and so follows no link that somebody puts there meanwhile.
        with temporary.open("xb") as file:
            file.write(data)
        os.replace(temporary, target)
    except BaseException as error:
        with contextlib.suppress(OSError):
            temporary.unlink()
        if isinstance(error, OSError):
            raise _failure(target, error) from error
        raise
    return target


def write_target(path: Path, data: bytes) -> Path:
    """`write_file` for a path that the user chose as a whole; its folder is made."""
    return write_file(make_folder(path.parent), path.name, data)


def _failure(path: Path, error: OSError) -> DGTalkerError:
    hints = {
        errno.ENOSPC: "The disk is full: make room, or choose another folder.",
        errno.EDQUOT: "Your share of the disk is full: make room, or choose another folder.",
        errno.EACCES: "You may not write there: choose another folder.",
        errno.EPERM: "You may not write there: choose another folder.",
        errno.EROFS: "That disk can only be read: choose another folder.",
        errno.ENOTDIR: "A part of the path is a file, not a folder.",
        errno.EEXIST: "A file of that name is in the way.",
        errno.EISDIR: "A folder of that name is in the way.",
        errno.ENAMETOOLONG: "The name is too long.",
    }
    reason = error.strerror or str(error)
    return DGTalkerError(f"{path} cannot be written: {reason}.", hints.get(error.errno or 0, "Choose another folder."))
