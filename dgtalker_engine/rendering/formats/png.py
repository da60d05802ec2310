"""PNG files (ISO/IEC 15948), fast: every line is stored as its difference to the one above, and ISA-L deflates.

Written here, 7 ms a frame of 1920 × 1080 where OpenCV takes 61 and Pillow 157; ISA-L's deflate takes a fraction of
zlib's time for files of the same size (`build.py bench writers`).
"""

from __future__ import annotations

import struct
from pathlib import Path

import numpy as np
from isal import isal_zlib

from ...wire.provenance import DIGEST_KEYWORD, KEYWORD

_SIGNATURE = b"\x89PNG\r\n\x1a\n"
_COLOUR_TYPES = {3: 2, 4: 6}
"""By the number of channels: RGB and RGBA."""
_UP = 2
_LEVEL = 1  # 2 is the same, 3 slower; 0 makes files a fifth larger in the same time


_DIGEST = DIGEST_KEYWORD.encode("latin-1") + b"\0"
_MOST_TEXT = 1 << 16


def encode(pixels: np.ndarray, xmp: str, digest: str = "") -> bytes:
    """The file of a picture in sRGB, with straight alpha where there is one.

    Args:
        pixels: uint8 or big-endian uint16 (H, W, 3 or 4), top row first.
        xmp: an XMP packet.
        digest: of all that the picture depends on; empty for none.
    """
    height, width, channels = pixels.shape
    header = struct.pack(">IIBBBBB", width, height, 8 * pixels.itemsize, _COLOUR_TYPES[channels], 0, 0, 0)
    chunks = [
        _chunk(b"IHDR", header),
        _chunk(b"sRGB", b"\0"),
        _chunk(b"iTXt", KEYWORD.encode("latin-1") + b"\0\0\0\0\0" + xmp.encode()),
        *([_chunk(b"tEXt", _DIGEST + digest.encode("latin-1"))] if digest else []),
        _chunk(b"IDAT", isal_zlib.compress(_lines(pixels).data, _LEVEL)),
        _chunk(b"IEND", b""),
    ]
    return b"".join([_SIGNATURE, *chunks])


def digest_of(path: Path) -> str:
    """The digest that a whole file carries; empty where it carries none, or is cut off.

    Raises:
        OSError: it cannot be read.
    """
    digest = ""
    with path.open("rb") as file:
        size = file.seek(0, 2)
        place = file.seek(0)
        if file.read(len(_SIGNATURE)) != _SIGNATURE:
            return ""
        place += len(_SIGNATURE)
        while place + 12 <= size:
            length, kind = struct.unpack(">I4s", file.read(8))
            if kind == b"IEND":
                return digest if place + 12 == size else ""
            if kind == b"tEXt" and length <= _MOST_TEXT and (text := file.read(length)).startswith(_DIGEST):
                digest = text[len(_DIGEST) :].decode("latin-1")
            place = file.seek(place + 12 + length)
    return ""


def _lines(pixels: np.ndarray) -> np.ndarray:
    rows = np.ascontiguousarray(pixels).reshape(len(pixels), -1).view(np.uint8)
    lines = np.empty((len(rows), 1 + rows.shape[1]), np.uint8)
    lines[:, 0] = _UP
    lines[0, 1:] = rows[0]  # above it are zeros
    np.subtract(rows[1:], rows[:-1], out=lines[1:, 1:])
    return lines


def _chunk(kind: bytes, data: bytes) -> bytes:
    checksum = isal_zlib.crc32(data, isal_zlib.crc32(kind))
    return b"".join([struct.pack(">I", len(data)), kind, data, struct.pack(">I", checksum)])
