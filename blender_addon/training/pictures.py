"""Preview pictures of jobs, made small enough for an icon. Needs no Blender."""

from __future__ import annotations

import struct
import zlib
from pathlib import Path

import numpy as np

from dgtalker_engine.errors import DGTalkerError
from dgtalker_engine.files import read_file

SIDE = 256
"""Pixels of an icon that Blender shows sharp."""

_MOST = 8192
_LARGEST = 5 * _MOST**2
_SIGNATURE = b"\x89PNG\r\n\x1a\n"
_RGBA8 = (8, 6, 0, 0, 0)
_UP = 2


def read(path: Path) -> np.ndarray:
    """A picture that the engine has written (`rendering.formats.png`), uint8 (H, W, 4), top row first.

    Blender could read it only as an image of the open file, or through the cache of thumbnails that the whole desktop
    sees: neither is a place for faces of people.

    Raises:
        DGTalkerError: it is not there, or not one of the engine's.
    """
    try:
        data = read_file(path, _LARGEST, "The picture")
        if not data.startswith(_SIGNATURE):
            raise ValueError("no PNG file")
        chunks = _chunks(data)
        width, height, *format = struct.unpack(">IIBBBBB", chunks[b"IHDR"])
        if tuple(format) != _RGBA8 or not 0 < width <= _MOST or not 0 < height <= _MOST:
            raise ValueError("not of 8 bits RGBA")
        stream = zlib.decompressobj().decompress(chunks[b"IDAT"], height * (1 + 4 * width))
        lines = np.frombuffer(stream, np.uint8).reshape(height, 1 + 4 * width)
        if (lines[:, 0] != _UP).any():
            raise ValueError("lines are not differences")
    except (OSError, KeyError, ValueError, struct.error, zlib.error) as error:
        raise DGTalkerError(f"The picture {path} cannot be read: {error}.") from error
    return np.cumsum(lines[:, 1:], axis=0, dtype=np.uint8).reshape(height, width, 4)


def icon(picture: np.ndarray) -> np.ndarray:
    """A picture in the middle of a clear square, bottom row first, int32 (SIDE · SIDE,), RGBA in each.

    Args:
        picture: uint8 (H, W, 4), top row first.
    """
    height, width = picture.shape[:2]
    scale = SIDE / max(height, width)
    small = _resized(picture, max(1, round(height * scale)), max(1, round(width * scale)))
    square = np.zeros((SIDE, SIDE, 4), np.uint8)
    top, left = (SIDE - small.shape[0]) // 2, (SIDE - small.shape[1]) // 2
    square[top : top + small.shape[0], left : left + small.shape[1]] = small
    return np.ascontiguousarray(square[::-1]).view(np.int32).ravel()


def _resized(picture: np.ndarray, height: int, width: int) -> np.ndarray:
    """Averages where it gets smaller, nearest pixels where it grows."""
    for axis, size in enumerate((height, width)):
        old = picture.shape[axis]
        edges = np.linspace(0, old, size + 1)
        first = np.minimum(edges[:-1].astype(int), old - 1)
        if size >= old:
            picture = np.take(picture, first, axis)
            continue
        counts = np.diff([*first, old])
        sums = np.add.reduceat(picture.astype(np.float32), first, axis)
        shape = [1, 1, 1]
        shape[axis] = size
        picture = np.rint(sums / counts.reshape(shape)).astype(np.uint8)
    return picture


def _chunks(data: bytes) -> dict[bytes, bytes]:
    """A PNG file's chunks by kind; those of one kind are put together."""
    chunks: dict[bytes, bytes] = {}
    place = len(_SIGNATURE)
    while place < len(data):
        (length,) = struct.unpack_from(">I", data, place)
        kind = data[place + 4 : place + 8]
        chunks[kind] = chunks.get(kind, b"") + data[place + 8 : place + 8 + length]
        place += length + 12
    return chunks
