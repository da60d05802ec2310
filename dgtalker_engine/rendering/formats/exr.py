"""OpenEXR files: one part of scan lines, channels as half or single floats, ZIP compression.

Written here and not by the OpenEXR package, which takes four times as long for files of the same size and writes only
to paths of its own (`build.py bench writers`). Format: https://openexr.com/en/latest/OpenEXRFileLayout.html
"""

from __future__ import annotations

import struct
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from types import MappingProxyType
from typing import BinaryIO

import numpy as np
from isal import isal_zlib

from ...kernels.compilation import kernel
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


@dataclass(frozen=True)
class Plane:
    """Channels of a picture that belong together.

    Attributes:
        name: what the channels' names begin with: "View Layer.Combined."; empty for nothing.
        letters: each channel's own, the end of its name.
        values: float32 (H, W, channels), top row first, or (H, W) of one; further channels than there are letters are
            left out. What a half float cannot hold becomes ±65504.
        half: whether these are half floats.
    """

    name: str
    letters: str
    values: np.ndarray
    half: bool


def encode(
    planes: Sequence[Plane],
    xmp: str,
    digest: str = "",
    metadata: Mapping[str, str] = MappingProxyType({}),
    layered: bool = False,
) -> bytes:
    """The file of a picture.

    Args:
        planes: all of one size.
        xmp: an XMP packet, kept in an attribute of the name that Blender gives it.
        digest: of all that the picture depends on; empty for none.
        metadata: attributes of the header that are texts, by name.
        layered: whether Blender is told that the channels are named by layer and pass.
    """
    height, width = planes[0].values.shape[:2]
    header = _header(width, height, planes, xmp, digest, metadata, layered)
    table = np.empty(-(-height // _ZIP_LINES), "<u8")
    offset = len(header) + table.nbytes
    chunks: list[bytes] = []
    for block, first in enumerate(range(0, height, _ZIP_LINES)):
        data = _block(planes, slice(first, first + _ZIP_LINES))
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


def _block(planes: Sequence[Plane], rows: slice) -> bytes:
    """Some lines, compressed; as they are where that would not make them smaller."""
    lines, width = planes[0].values[rows].shape[:2]
    places, size = _places(planes, width)
    units = np.empty((lines, size), "<u2")
    for plane, starts in zip(planes, places, strict=True):
        values = np.ascontiguousarray(plane.values[rows], np.float32).reshape(lines, width, -1)
        if plane.half:
            flat = values.reshape(lines, -1)
            _halves(flat, flat.view(np.uint32), np.array(starts), width, units)
            continue
        for channel, start in enumerate(starts):
            one = np.ascontiguousarray(values[..., channel])
            units[:, start : start + 2 * width] = one.view("<u2")
    differences = np.empty(units.nbytes, np.uint8)
    _differences(units.reshape(-1), differences)
    packed = isal_zlib.compress(differences.data, _LEVEL)
    return packed if len(packed) < units.nbytes else units.tobytes()


def _places(planes: Sequence[Plane], width: int) -> tuple[list[list[int]], int]:
    """Where in a line of 16-bit units each channel of each plane begins, and how many units there are."""
    places = [[0] * len(plane.letters) for plane in planes]
    place = 0
    for _name, half, plane, letter in _channels(planes):
        places[plane][letter] = place
        place += width if half else 2 * width
    return places, place


def _header(
    width: int,
    height: int,
    planes: Sequence[Plane],
    xmp: str,
    digest: str,
    metadata: Mapping[str, str],
    layered: bool,
) -> bytes:
    window = struct.pack("<4i", 0, 0, width - 1, height - 1)
    channels = [(name, _HALF if half else _FLOAT) for name, half, _, _ in _channels(planes)]
    attributes = (
        *([_MULTILAYER] if layered else []),
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
        *((name, "string", text.encode()) for name, text in metadata.items()),
    )
    pieces = [f"{name}\0{kind}\0".encode() + struct.pack("<I", len(data)) + data for name, kind, data in attributes]
    long = any(len(name.encode()) > _SHORT_NAME for name in (*metadata, *(name for name, _ in channels)))
    version = struct.pack("<I", _VERSION | (_LONG_NAMES if long else 0))
    return b"".join([_MAGIC, version, *pieces, b"\0"])


def _channels(planes: Sequence[Plane]) -> list[tuple[str, bool, int, int]]:
    """Names in the order of their bytes, which files keep, whether they are half floats, and indices of plane and
    letter."""
    named = [
        (plane.name + letter, plane.half, i, j)
        for i, plane in enumerate(planes)
        for j, letter in enumerate(plane.letters)
    ]
    return sorted(named, key=lambda channel: channel[0].encode())


def _channel(name: str, kind: int) -> bytes:
    return name.encode() + b"\0" + struct.pack("<IBxxxII", kind, 0, 1, 1)


@kernel
def _halves(values, bits, starts, width, units):
    """Lines of pixels → in every line, of each channel that has a start, all halves from there on.

    A float becomes the nearest half, of two that are as near the even one; there is no NaN.
    """
    lines, step = len(values), values.shape[1] // width
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
        for channel in range(len(starts)):
            for column in range(width):
                units[line, starts[channel] + column] = halves[step * column + channel]


@kernel
def _differences(units, out):
    """The low bytes of all units, then the high ones, each less the one before it plus 128."""
    half = len(units)
    for i in range(1, half):
        out[i] = np.uint8((units[i] & 255) - (units[i - 1] & 255) + 128)
        out[half + i] = np.uint8((units[i] >> 8) - (units[i - 1] >> 8) + 128)
    out[0] = units[0] & 255
    out[half] = np.uint8((units[0] >> 8) - (units[half - 1] & 255) + 128)
