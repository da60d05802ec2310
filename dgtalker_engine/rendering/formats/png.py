"""PNG files (ISO/IEC 15948), fast: every line is stored as its difference to the one above, and ISA-L deflates.

Written here, 7 ms a frame of 1920 × 1080 where OpenCV takes 61 and Pillow 157; ISA-L's deflate takes a fraction of
zlib's time for files of the same size (`build.py bench writers`).
"""

from __future__ import annotations

import struct

import numpy as np
from isal import isal_zlib

from ...wire.provenance import KEYWORD

_SIGNATURE = b"\x89PNG\r\n\x1a\n"
_RGBA = 6
_UP = 2
_LEVEL = 1  # 2 is the same, 3 slower; 0 makes files a fifth larger in the same time


def encode(pixels: np.ndarray, xmp: str) -> bytes:
    """The file of a picture in sRGB with straight alpha.

    Args:
        pixels: uint8 or big-endian uint16 (H, W, 4), top row first.
        xmp: an XMP packet.
    """
    height, width, _ = pixels.shape
    header = struct.pack(">IIBBBBB", width, height, 8 * pixels.itemsize, _RGBA, 0, 0, 0)
    chunks = [
        _chunk(b"IHDR", header),
        _chunk(b"sRGB", b"\0"),
        _chunk(b"iTXt", KEYWORD.encode("latin-1") + b"\0\0\0\0\0" + xmp.encode()),
        _chunk(b"IDAT", isal_zlib.compress(_lines(pixels).data, _LEVEL)),
        _chunk(b"IEND", b""),
    ]
    return b"".join([_SIGNATURE, *chunks])


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
