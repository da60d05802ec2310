"""One file onto the disk, whole and with the right hash; a broken line goes on where it broke. No Blender."""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from pathlib import Path

from dgtalker_engine.errors import DGTalkerError
from dgtalker_engine.files import patiently

from .control import Control
from .packages import File
from .sources import BrokenLine, Sources

PAUSES = (1.0, 2.0, 4.0, 8.0, 15.0)
"""Seconds before each new try while nothing comes; when something came, they begin anew."""

_BLOCK = 2**20


def fetch(
    file: File,
    folder: Path,
    sources: Sources,
    control: Control,
    on_bytes: Callable[[int], None],
    pauses: tuple[float, ...] = PAUSES,
) -> Path:
    """A file in a folder, downloaded unless it is there already.

    What has come of it lies beside it as ``NAME.part`` and is used by the next call.

    Args:
        on_bytes: told how many bytes of it are there; may go down, where a file has to begin anew.

    Raises:
        DGTalkerError: it cannot be had, or is another than the catalogue's.
        Cancelled: by `control`.
        OSError: it cannot be written.
    """
    path, part = folder / file.name, folder / f"{file.name}.part"
    if path.is_file():
        if digest(path, control) == file.sha256:
            on_bytes(path.stat().st_size)
            return path
        path.unlink()
    resumed = part.is_file() and part.stat().st_size > 0
    _transfer(file, part, sources, control, on_bytes, pauses)
    if digest(part, control) != file.sha256 and resumed:
        part.unlink()  # what was there before may have been another file's
        _transfer(file, part, sources, control, on_bytes, pauses)
    if digest(part, control) != file.sha256:
        part.unlink()
        raise DGTalkerError(
            f"{file.name} is not the file that this version of DGTalker was made with: its hash is another.",
            "It was not used. Try again; where that does not help, the index or the folder has another file.",
            code="wrong_hash",
        )
    patiently(lambda: part.replace(path))
    return path


def digest(path: Path, control: Control) -> str:
    """The SHA-256 of a file, in hexadecimal."""
    sha = hashlib.sha256()
    with path.open("rb") as stream:
        while block := stream.read(_BLOCK):
            control.check()
            sha.update(block)
    return sha.hexdigest()


def _transfer(
    file: File,
    part: Path,
    sources: Sources,
    control: Control,
    on_bytes: Callable[[int], None],
    pauses: tuple[float, ...],
) -> None:
    """Until the file is whole, with as many connections as it takes."""
    left = list(pauses)
    while True:
        before = part.stat().st_size if part.is_file() else 0
        try:
            if _go_on(file, part, before, sources, control, on_bytes):
                return
            reason = "the connection broke"
        except BrokenLine as error:
            reason = str(error)
        now = part.stat().st_size if part.is_file() else 0
        if now > before:
            left = list(pauses)
        if not left:
            raise DGTalkerError(
                f"{file.name} cannot be downloaded: {reason}.",
                "Check the connection, a proxy (HTTPS_PROXY), and the index in the extension's preferences; then "
                "install again: it goes on there.",
                code="no_connection",
            )
        control.sleep(left.pop(0))


def _go_on(
    file: File, part: Path, start: int, sources: Sources, control: Control, on_bytes: Callable[[int], None]
) -> bool:
    """One connection; whether the file is whole."""
    if file.size and start >= file.size:
        if start == file.size:
            return True
        part.unlink()
        start = 0
    with sources.open(file, start) as opened:
        total = file.size or opened.total
        with part.open("r+b" if opened.start and part.is_file() else "wb") as out:
            out.seek(opened.start)
            out.truncate()
            done = opened.start
            on_bytes(done)
            while True:
                control.check()
                block = opened.read()
                out.write(block)
                done += len(block)
                on_bytes(done)
                if not block or (file.size and done > file.size):
                    break
    return done >= total
