"""Writing pictures and other results: whole or not at all, inside the chosen folder, through no symbolic link."""

from __future__ import annotations

import contextlib
import errno
import io
import os
import secrets
from collections.abc import Sequence
from pathlib import Path

import numpy as np

from ..errors import DGTalkerError
from ..wire.provenance import KEYWORD, xmp


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


def png(rgba: np.ndarray, avatars: Sequence[str]) -> bytes:
    """A PNG of 8-bit sRGB with straight alpha, marked as synthetic.

    Args:
        rgba: float32 (H, W, 4), premultiplied scene-linear Rec.709, top row first.
        avatars: content hashes of who is seen.
    """
    from PIL import Image, PngImagePlugin

    marks = PngImagePlugin.PngInfo()
    marks.add_itxt(KEYWORD, xmp(avatars))
    file = io.BytesIO()
    Image.fromarray(_to_8_bit(rgba), "RGBA").save(file, "PNG", pnginfo=marks, compress_level=1)
    return file.getvalue()


def _to_8_bit(rgba: np.ndarray) -> np.ndarray:
    alpha = np.clip(rgba[..., 3:], 0.0, 1.0)
    linear = np.divide(rgba[..., :3], alpha, out=np.zeros_like(rgba[..., :3]), where=alpha > 0)
    linear = np.clip(linear, 0.0, 1.0)
    srgb = np.where(linear <= 0.0031308, linear * 12.92, 1.055 * np.power(linear, 1 / 2.4) - 0.055)
    return np.rint(np.concatenate([srgb, alpha], axis=-1) * 255).astype(np.uint8)


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
