"""OpenEXR files: one part of scan lines, RGBA as half floats and depth as floats, ZIP compression.

Written here and not by the OpenEXR package, which takes four times as long for files of the same size and writes only
to paths of its own (`build.py bench writers`). Format: https://openexr.com/en/latest/OpenEXRFileLayout.html
"""

from __future__ import annotations

import struct

import numpy as np
from isal import isal_zlib

from ...kernels.compilation import kernel
from ...wire.provenance import KEYWORD

_MAGIC_AND_VERSION = struct.pack("<II", 20000630, 2)
_HALF, _FLOAT = 1, 2
_CHANNELS = (("A", _HALF), ("B", _HALF), ("G", _HALF), ("R", _HALF), ("Z", _FLOAT))  # in the order of the alphabet
_PIXEL_BYTES = 4 * 2 + 4
_ZIP = 3
_ZIP_LINES = 16
_LEVEL = 1
_REC709 = (0.64, 0.33, 0.3, 0.6, 0.15, 0.06, 0.3127, 0.329)


def encode(rgba: np.ndarray, depth: np.ndarray, xmp: str) -> bytes:
    """The file of a picture: channels R, G, B, A, premultiplied scene-linear Rec.709, and Z, planar depth in metres.

    Args:
        rgba: float32 (H, W, 4), top row first. What a half float cannot hold becomes ±65504.
        depth: float32 (H, W).
        xmp: an XMP packet, kept in an attribute of the name that Blender gives it.
    """
    height, width = depth.shape
    header = _header(width, height, xmp)
    table = np.empty(-(-height // _ZIP_LINES), "<u8")
    offset = len(header) + table.nbytes
    chunks: list[bytes] = []
    for block, first in enumerate(range(0, height, _ZIP_LINES)):
        data = _block(rgba[first : first + _ZIP_LINES], depth[first : first + _ZIP_LINES])
        chunks += [struct.pack("<iI", first, len(data)), data]
        table[block] = offset
        offset += 8 + len(data)
    return b"".join([header, table.tobytes(), *chunks])


def _block(rgba: np.ndarray, depth: np.ndarray) -> bytes:
    """Some lines, compressed; as they are where that would not make them smaller."""
    lines, width = depth.shape
    rgba, depth = np.ascontiguousarray(rgba, np.float32), np.ascontiguousarray(depth, np.float32)
    units = np.empty((lines, _PIXEL_BYTES // 2 * width), "<u2")
    flat = rgba.reshape(lines, 4 * width)
    _arrange(flat, flat.view(np.uint32), depth.view("<u2"), units)
    differences = np.empty(units.nbytes, np.uint8)
    _differences(units.reshape(-1), differences)
    packed = isal_zlib.compress(differences.data, _LEVEL)
    return packed if len(packed) < units.nbytes else units.tobytes()


def _header(width: int, height: int, xmp: str) -> bytes:
    window = struct.pack("<4i", 0, 0, width - 1, height - 1)
    attributes = (
        ("channels", "chlist", b"".join(_channel(*channel) for channel in _CHANNELS) + b"\0"),
        ("chromaticities", "chromaticities", struct.pack("<8f", *_REC709)),
        ("compression", "compression", bytes([_ZIP])),
        ("dataWindow", "box2i", window),
        ("displayWindow", "box2i", window),
        ("lineOrder", "lineOrder", b"\0"),
        ("pixelAspectRatio", "float", struct.pack("<f", 1.0)),
        ("screenWindowCenter", "v2f", struct.pack("<2f", 0.0, 0.0)),
        ("screenWindowWidth", "float", struct.pack("<f", 1.0)),
        (KEYWORD, "string", xmp.encode()),
    )
    pieces = [f"{name}\0{kind}\0".encode() + struct.pack("<I", len(data)) + data for name, kind, data in attributes]
    return b"".join([_MAGIC_AND_VERSION, *pieces, b"\0"])


def _channel(name: str, kind: int) -> bytes:
    return name.encode() + b"\0" + struct.pack("<IBxxxII", kind, 0, 1, 1)


@kernel
def _arrange(values, bits, depth, units):
    """Lines of pixels → in every line all of A as halves, then B, G and R, and Z; in units of two bytes.

    A float becomes the nearest half, of two that are as near the even one; there is no NaN.
    """
    lines, width = len(values), values.shape[1] // 4
    shifted = np.empty(values.shape[1], np.float32)
    shifted_bits = shifted.view(np.uint32)
    halves = np.empty(values.shape[1], np.uint16)
    for line in range(lines):
        # A half is denormal below 2⁻¹⁴; a float from 0.5 to 1 has steps of their size.
        for i in range(values.shape[1]):
            shifted[i] = abs(values[line, i]) + np.float32(0.5)
        for i in range(values.shape[1]):
            sign = (bits[line, i] >> np.uint32(16)) & np.uint32(0x8000)
            magnitude = min(bits[line, i] & np.uint32(0x7FFFFFFF), np.uint32(0x477FE000))  # 65504
            even = (magnitude >> np.uint32(13)) & np.uint32(1)
            normal = (magnitude - np.uint32(0x37FFF001) + even) >> np.uint32(13)
            small = shifted_bits[i] - np.uint32(0x3F000000)
            halves[i] = sign | (small if magnitude < np.uint32(0x38800000) else normal)
        for channel in range(4):
            for column in range(width):
                units[line, channel * width + column] = halves[4 * column + 3 - channel]
        for i in range(2 * width):
            units[line, 4 * width + i] = depth[line, i]


@kernel
def _differences(units, out):
    """The low bytes of all units, then the high ones, each less the one before it plus 128."""
    half = len(units)
    for i in range(1, half):
        out[i] = np.uint8((units[i] & 255) - (units[i - 1] & 255) + 128)
        out[half + i] = np.uint8((units[i] >> 8) - (units[i - 1] >> 8) + 128)
    out[0] = units[0] & 255
    out[half] = np.uint8((units[0] >> 8) - (units[half - 1] & 255) + 128)
