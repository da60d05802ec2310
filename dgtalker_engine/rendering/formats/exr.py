"""OpenEXR files: one part of scan lines, colours as half or single floats, depth as floats, ZIP compression.

Written here and not by the OpenEXR package, which takes four times as long for files of the same size and writes only
to paths of its own (`build.py bench writers`). Format: https://openexr.com/en/latest/OpenEXRFileLayout.html
"""

from __future__ import annotations

import struct
from pathlib import Path
from typing import BinaryIO

import numpy as np
from isal import isal_zlib

from ...kernels.compilation import kernel
from ...wire import FileFormat
from ...wire.provenance import KEYWORD

_MAGIC = struct.pack("<I", 20000630)
_VERSION, _LONG_NAMES = 2, 0x400
_SHORT_NAME, _LONGEST_NAME = 31, 255
_HALF, _FLOAT = 1, 2
_ZIP = 3
_ZIP_LINES = 16
_LEVEL = 1
_REC709 = (0.64, 0.33, 0.3, 0.6, 0.15, 0.06, 0.3127, 0.329)
_DIGEST = "DGTalkerFrame"
_MULTILAYER = ("BlenderMultiChannel", "string", b"Blender V2.55.1 and newer")
"""By which Blender knows files whose channels are named by layer and pass."""


def encode(rgba: np.ndarray, depth: np.ndarray, xmp: str, settings: FileFormat, digest: str = "") -> bytes:
    """The file of a picture: channels R, G, B, A, premultiplied scene-linear Rec.709, and Z, planar depth in metres.

    Args:
        rgba: float32 (H, W, 4), top row first. What a half float cannot hold becomes ±65504.
        depth: float32 (H, W).
        xmp: an XMP packet, kept in an attribute of the name that Blender gives it.
        settings: which channels there are, of how many bits, and their layer.
        digest: of all that the picture depends on; empty for none.
    """
    height, width = depth.shape
    header = _header(width, height, xmp, settings, digest)
    table = np.empty(-(-height // _ZIP_LINES), "<u8")
    offset = len(header) + table.nbytes
    chunks: list[bytes] = []
    for block, first in enumerate(range(0, height, _ZIP_LINES)):
        data = _block(rgba[first : first + _ZIP_LINES], depth[first : first + _ZIP_LINES], settings)
        chunks += [struct.pack("<iI", first, len(data)), data]
        table[block] = offset
        offset += 8 + len(data)
    return b"".join([header, table.tobytes(), *chunks])


def digest_of(path: Path) -> str:
    """The digest that a whole file of `encode` carries; empty where it carries none, is cut off, or is another's.

    Raises:
        OSError: it cannot be read.
    """
    with path.open("rb") as file:
        size = file.seek(0, 2)
        file.seek(0)
        try:
            magic, version = struct.unpack("<4sI", file.read(8))
            if magic != _MAGIC or version & ~_LONG_NAMES != _VERSION:
                return ""
            attributes = _attributes(file, size)
            _, top, _, bottom = struct.unpack("<4i", attributes["dataWindow"])
            count = -(-(bottom - top + 1) // _ZIP_LINES)
            _seek(file, file.tell() + 8 * (count - 1), size)
            (last,) = struct.unpack("<Q", file.read(8))
            _seek(file, last, size)
            _, length = struct.unpack("<iI", file.read(8))
        except (struct.error, KeyError, ValueError):
            return ""
    return attributes.get(_DIGEST, b"").decode("latin-1") if last + 8 + length == size else ""


def _seek(file: BinaryIO, place: int, size: int) -> None:
    if not 0 <= place < size:
        raise ValueError("a place outside the file")
    file.seek(place)


def _attributes(file: BinaryIO, size: int) -> dict[str, bytes]:
    """Of the header of a file of `size` bytes, whose first eight were read."""
    found: dict[str, bytes] = {}
    while name := _text(file):
        _text(file)
        (length,) = struct.unpack("<I", file.read(4))
        if length > size:  # Python makes room for as much as is asked for before it reads
            raise ValueError("an attribute larger than the file")
        found[name] = file.read(length)
    return found


def _text(file: BinaryIO) -> str:
    text = b""
    while (letter := file.read(1)) != b"\0":
        if not letter or len(text) > _LONGEST_NAME:
            raise ValueError("a name in the header does not end")
        text += letter
    return text.decode("latin-1")


def _block(rgba: np.ndarray, depth: np.ndarray, settings: FileFormat) -> bytes:
    """Some lines, compressed; as they are where that would not make them smaller."""
    lines, width = depth.shape
    rgba, depth = np.ascontiguousarray(rgba, np.float32), np.ascontiguousarray(depth, np.float32)
    colours = 4 if settings.alpha else 3
    depths = 2 * width if settings.depth else 0
    units = np.empty((lines, colours * width * settings.bits // 16 + depths), "<u2")
    if settings.bits == 16:
        flat = rgba.reshape(lines, 4 * width)
        _halves(flat, flat.view(np.uint32), colours, units)
    else:
        floats = np.ascontiguousarray(rgba[..., colours - 1 :: -1].swapaxes(1, 2))
        units[:, : 2 * colours * width] = floats.view("<u2").reshape(lines, -1)
    if depths:
        units[:, -depths:] = depth.view("<u2")
    differences = np.empty(units.nbytes, np.uint8)
    _differences(units.reshape(-1), differences)
    packed = isal_zlib.compress(differences.data, _LEVEL)
    return packed if len(packed) < units.nbytes else units.tobytes()


def _header(width: int, height: int, xmp: str, settings: FileFormat, digest: str) -> bytes:
    window = struct.pack("<4i", 0, 0, width - 1, height - 1)
    channels = _channels(settings)
    attributes = (
        *([_MULTILAYER] if settings.layer else []),
        *([(_DIGEST, "string", digest.encode("latin-1"))] if digest else []),
        ("channels", "chlist", b"".join(_channel(*channel) for channel in channels) + b"\0"),
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
    long = any(len(name.encode()) > _SHORT_NAME for name, _ in channels)
    version = struct.pack("<I", _VERSION | (_LONG_NAMES if long else 0))
    return b"".join([_MAGIC, version, *pieces, b"\0"])


def _channels(settings: FileFormat) -> list[tuple[str, int]]:
    """Names and kinds, in the order of the alphabet."""
    kind = _HALF if settings.bits == 16 else _FLOAT
    colours, depth = (f"{settings.layer}.Combined.", f"{settings.layer}.Depth.") if settings.layer else ("", "")
    names = "ABGR" if settings.alpha else "BGR"
    return [(colours + name, kind) for name in names] + ([(f"{depth}Z", _FLOAT)] if settings.depth else [])


def _channel(name: str, kind: int) -> bytes:
    return name.encode() + b"\0" + struct.pack("<IBxxxII", kind, 0, 1, 1)


@kernel
def _halves(values, bits, colours, units):
    """Lines of pixels → in every line, of each of the first `colours` channels from the last one on, all halves.

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
        for channel in range(colours):
            for column in range(width):
                units[line, channel * width + column] = halves[4 * column + colours - 1 - channel]


@kernel
def _differences(units, out):
    """The low bytes of all units, then the high ones, each less the one before it plus 128."""
    half = len(units)
    for i in range(1, half):
        out[i] = np.uint8((units[i] & 255) - (units[i - 1] & 255) + 128)
        out[half + i] = np.uint8((units[i] >> 8) - (units[i - 1] >> 8) + 128)
    out[0] = units[0] & 255
    out[half] = np.uint8((units[0] >> 8) - (units[half - 1] & 255) + 128)
