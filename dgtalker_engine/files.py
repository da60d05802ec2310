"""The one way in which files are read and written: no more than expected, and whole or not at all, through no link."""

from __future__ import annotations

import contextlib
import errno
import glob
import os
import secrets
import stat
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path

from .errors import DGTalkerError

_PAUSES = (0.01, 0.02, 0.05, 0.1, 0.2, 0.4)
"""Seconds; nobody reads one of these files for as long as all of them."""


def read_file(path: Path | str, largest: int, what: str, hint: str = "Check the path.") -> bytes:
    """The bytes of a file, of which no more are read than it may have.

    Args:
        path: of a plain file; what never ends, such as a device or a pipe, is refused.
        largest: bytes.
        what: it is, for the message: "The transcript".
        hint: what to do where it cannot be read.

    Raises:
        DGTalkerError: it is missing, cannot be read, or is larger.
    """
    with _explained(path, f"{what} {printable(path)} cannot be read", hint):
        if not stat.S_ISREG(os.stat(path).st_mode):
            raise DGTalkerError(f"{what} {printable(path)} is not a file.", hint)
        with open(path, "rb") as file:
            size = os.fstat(file.fileno()).st_size
            data = file.read(min(size, largest) + 1)
            if size == 0 and data:  # as files of /proc say, and of some network disks, whatever is in them
                data += file.read(largest)
    if len(data) > largest:
        raise DGTalkerError(
            f"{what} {printable(path)} is too large: it has more than {largest / 1e6:,.0f} MB.", "Choose another file."
        )
    return data


def is_file(path: Path | str) -> bool:
    """Whether a plain file is there: also of names that no file can have, of which `Path.is_file` raises."""
    try:
        return stat.S_ISREG(os.stat(path).st_mode)
    except (OSError, ValueError):
        return False


def make_folder(folder: Path) -> Path:
    """Makes the output folder if it is not there, and returns where it really is.

    Raises:
        DGTalkerError: it cannot be made or written to.
    """
    with _explained(folder, f"{printable(folder)} cannot be written"):
        folder.mkdir(parents=True, exist_ok=True)
        if not os.access(folder, os.W_OK | os.X_OK):
            raise PermissionError(errno.EACCES, os.strerror(errno.EACCES))
        return folder.resolve()


def write_file(folder: Path, name: str, data: bytes) -> Path:
    """Writes a file of a folder, whole or not at all.

    Args:
        folder: from `make_folder`.
        name: a plain file name.

    Raises:
        DGTalkerError: the name leads elsewhere, the target is a symbolic link, or the disk does not take it; whatever
            was there before still is.
    """
    if not name or Path(name).name != name or "\\" in name or ":" in name or "\0" in name:
        raise DGTalkerError(f"{name!r} is not the name of a file in {folder}.")
    with replacing(folder / name) as temporary:
        temporary.write_bytes(data)
    return folder / name


def put_empty(path: Path) -> bool:
    """Puts an empty file where nothing is, a link neither; False where something is.

    Raises:
        DGTalkerError: the disk does not take it.
    """
    with _explained(path, f"{printable(path)} cannot be written"):
        try:
            path.open("xb").close()
        except FileExistsError:
            return False
    return True


def remove_empty(path: Path) -> None:
    """Removes what `put_empty` has put somewhere, if nothing has taken its place."""
    with contextlib.suppress(OSError):
        if path.stat().st_size == 0:
            path.unlink()


def write_target(path: Path, data: bytes) -> Path:
    """`write_file` for a path that the user chose as a whole; its folder is made."""
    return write_file(make_folder(path.parent), path.name, data)


def write_whole(path: Path, *parts: bytes) -> None:
    """Writes a file so that, after a power cut at any moment too, it is the old one or the new one.

    Raises:
        DGTalkerError: as `write_file`.
    """
    with replacing(path) as temporary, temporary.open("r+b") as file:
        for part in parts:
            file.write(part)
        file.flush()
        os.fsync(file.fileno())
    _sync_folder(path.parent)


def check_target(path: Path) -> None:
    """Whether a file may be written in this place.

    Raises:
        DGTalkerError: a symbolic link, a folder or a device is there, or no file can have this name.
    """
    with _explained(path, f"{printable(path)} cannot be written"):
        try:
            mode = path.lstat().st_mode
        except FileNotFoundError:
            return
        if stat.S_ISLNK(mode):
            raise DGTalkerError(
                f"{printable(path)} is a symbolic link; nothing is written through one.",
                "Remove it, or choose another folder.",
            )
        if stat.S_ISDIR(mode):
            raise IsADirectoryError(errno.EISDIR, os.strerror(errno.EISDIR))
        if not stat.S_ISREG(mode):  # in the place of /dev/null it would be gone for every program
            raise DGTalkerError(f"{printable(path)} is no file, and stays as it is.", "Choose another name.")


@contextlib.contextmanager
def replacing(path: Path) -> Iterator[Path]:
    """An empty file beside `path` that takes its place where the block ends well, and is gone where it does not.

    A kill may leave it, for `remove_unfinished`.

    Raises:
        DGTalkerError: `path` is a symbolic link, a folder or a device, or the disk does not take the file.
    """
    with _explained(path, f"{printable(path)} cannot be written"):
        check_target(path)
        temporary = path.with_name(f"{_beginning(path)}{secrets.token_hex(6)}.tmp")
        try:
            # "x" makes the file anew and so follows no link that somebody puts there meanwhile.
            temporary.open("xb").close()
            yield temporary
            patiently(lambda: os.replace(temporary, path))
        except BaseException:
            with contextlib.suppress(OSError):
                temporary.unlink()
            raise


def no_link(path: str, flags: int) -> int:
    """For `open`'s `opener`, where a file is added to or locked: fails where a symbolic link is in its place."""
    return os.open(path, flags | getattr(os, "O_NOFOLLOW", 0), 0o666)


def remove_unfinished(path: Path) -> None:
    """Removes what killed processes left of a file; for a process that alone writes it."""
    for temporary in path.parent.glob(f"{glob.escape(_beginning(path))}*.tmp"):
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


def printable(path: Path | str) -> str:
    """A path as every encoding can show it, and no longer than a message may be."""
    text = "".join(c if c.isprintable() else ascii(c)[1:-1] for c in str(path))
    return text if len(text) <= 300 else f"{text[:140]} … {text[-140:]}"


def _beginning(path: Path) -> str:
    """What the names of a file's temporary files begin with: 50 letters of four bytes leave room for the rest."""
    return f".{path.name[:50]}."


def _sync_folder(folder: Path) -> None:
    if sys.platform == "win32":  # where folders cannot be opened, nor need it
        return
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


@contextlib.contextmanager
def _explained(path: Path | str, message: str, hint: str = "Choose another folder.") -> Iterator[None]:
    """Says of an error of the file system what it means; of paths that no file can have, too."""
    try:
        yield
    except OSError as error:
        reason = error.strerror or str(error)
        raise DGTalkerError(f"{message}: {reason}.", _HINTS.get(error.errno or 0, hint)) from error
    except ValueError as error:
        if not _impossible(path):
            raise
        raise DGTalkerError(f"{message}: no file can have this name.", "Choose another name.") from error


def _impossible(path: Path | str) -> bool:
    try:
        return b"\0" in os.fsencode(path)
    except UnicodeEncodeError:
        return True


_HINTS = {
    errno.ENOSPC: "The disk is full: make room, or choose another folder.",
    errno.EDQUOT: "Your share of the disk is full: make room, or choose another folder.",
    # Windows says so, too, of a film that a player has open.
    errno.EACCES: "You have no right to it, or another program has it open: choose another place, or close that one.",
    errno.EPERM: "You have no right to it: choose another place.",
    errno.EROFS: "That disk can only be read: choose another folder.",
    errno.ENOTDIR: "A part of the path is a file, not a folder.",
    errno.EEXIST: "A file of that name is in the way.",
    errno.EISDIR: "A folder of that name is in the way.",
    errno.ENAMETOOLONG: "The name is too long.",
}
