"""Niantic's .spz file, versions 2 and 3: a gzip stream of a header and one array after the other.

Positions are fixed point of 24 bits, all else is bytes; version 3 keeps the three smallest numbers of a quaternion in
10 bits each, version 2 its x, y, z in bytes.
"""

from __future__ import annotations

import gzip
import math
import struct
import zlib
from typing import Any

import numpy as np

from ...errors import DGTalkerError
from ...gaussians.cloud import Gaussians
from . import numbers
from .found import Splats

MAGIC = 0x5053474E
_HEADER = struct.Struct("<IIIBBBB")
_EXTENSIONS = 2
"""The flag of a file that has other programs' records between the header and the arrays."""
_COLOUR_SCALE = 0.15
_SH_COUNTS = (0, 3, 8, 15, 24)
"""Coefficients above degree 0, by degree."""
_LARGEST_FIXED = (1 << 23) - 1
_MOST_FRACTION = 16
"""Bits after the point that are written: 15 µm."""
_OTHERS = np.array([[1, 2, 3], [0, 2, 3], [0, 1, 3], [0, 1, 2]])
"""Of a quaternion xyzw, which numbers are kept, by the one that is not."""


def matches(data: bytes) -> bool:
    return data[:2] == b"\x1f\x8b" or data[:4] == b"NGSP"


def parse(data: bytes) -> Splats:
    """The Gaussians of an .spz file. Degree 4 of its spherical harmonics is left out.

    Raises:
        DGTalkerError: it is damaged, of another version, or has records of other programs.
    """
    if data[:4] == b"NGSP":
        raise DGTalkerError("This .spz file is of version 4 or later.", "Export it as version 3, or as PLY.")
    stream = zlib.decompressobj(31)
    start = _unpacked(stream, data, _HEADER.size)
    magic, version, count, degree, fraction, flags, _ = _HEADER.unpack(start)
    if magic != MAGIC or version not in (2, 3):
        raise DGTalkerError("This is no .spz file of version 2 or 3.", "Export it as version 3, or as PLY.")
    if flags & _EXTENSIONS:
        raise DGTalkerError(
            "This .spz file holds records of other programs among its Gaussians.", "Export it without, or as PLY."
        )
    if degree >= len(_SH_COUNTS) or fraction > 24:
        raise DGTalkerError("The .spz file's header cannot be read.", numbers.BROKEN)
    count, rest = numbers.limited(count), _SH_COUNTS[degree]
    sizes = (9, 1, 3, 3, 4 if version == 3 else 3, 3 * rest)
    body = np.frombuffer(_unpacked(stream, stream.unconsumed_tail, count * sum(sizes), last=True), np.uint8)
    ends = np.cumsum(sizes) * count
    positions, alphas, colours, scales, rotations, more = (
        part.reshape(count, size) for part, size in zip(np.split(body, ends[:-1]), sizes, strict=True)
    )
    kept = min(rest, _SH_COUNTS[3])
    sh = np.empty((count, 1 + kept, 3), np.float32)
    sh[:, 0] = (colours.astype(np.float32) / 255 - 0.5) / _COLOUR_SCALE
    sh[:, 1:] = (more.reshape(count, rest, 3)[:, :kept].astype(np.float32) - 128) / 128
    cloud = numbers.checked(
        means=_fixed(positions) / np.float64(1 << fraction),
        quats=(_smallest_three if version == 3 else _first_three)(rotations),
        scales=np.exp(scales.astype(np.float32) / 16 - 10),
        opacities=alphas[:, 0].astype(np.float32) / 255,
        sh=sh,
    )
    return Splats(cloud, ("Spherical harmonics of degree 4 are left out.",) if degree == 4 else ())


def _unpacked(stream: Any, data: bytes, size: int, last: bool = False) -> bytes:
    """The next `size` bytes of a gzip stream, and no more of it, however far it would go.

    Args:
        last: nothing need follow, but for the stream's checksum.
    """
    try:
        unpacked = stream.decompress(data, size)
        more = last and not stream.eof and stream.decompress(stream.unconsumed_tail, 1)
    except zlib.error as error:
        raise DGTalkerError(f"The .spz file cannot be unpacked: {error}.", numbers.BROKEN) from error
    if len(unpacked) < size or (last and not stream.eof and not more):
        raise DGTalkerError("The .spz file ends too early.", numbers.BROKEN)
    return unpacked


def _fixed(stored: np.ndarray) -> np.ndarray:
    """Signed integers of 24 bits (N, 3) from their bytes (N, 9)."""
    low, middle, high = np.moveaxis(stored.reshape(-1, 3, 3).astype(np.int32), 2, 0)
    return ((low | middle << 8 | high << 16) ^ 0x800000) - 0x800000


def _first_three(stored: np.ndarray) -> np.ndarray:
    """Quaternions wxyz (N, 4) of version 2."""
    xyz = stored.astype(np.float32) / 127.5 - 1
    return np.column_stack([np.sqrt(np.maximum(0, 1 - (xyz**2).sum(axis=1))), xyz])


def _smallest_three(stored: np.ndarray) -> np.ndarray:
    """Quaternions wxyz (N, 4) of version 3."""
    words = np.ascontiguousarray(stored).view("<u4")[:, 0]
    largest = words >> 30
    parts = words[:, None] >> np.array([20, 10, 0], np.uint32)
    values = (parts & 511).astype(np.float32) / 511 * np.float32(math.sqrt(0.5))
    values = np.where(parts & 512, -values, values)
    xyzw = np.zeros((len(words), 4), np.float32)
    np.put_along_axis(xyzw, _OTHERS[largest], values, 1)
    np.put_along_axis(xyzw, largest[:, None], np.sqrt(np.maximum(0, 1 - (values**2).sum(axis=1)))[:, None], 1)
    return xyzw[:, [3, 0, 1, 2]]


def write(cloud: Gaussians) -> bytes:
    """The bytes of an .spz file of version 3, positions as fine as their extent allows."""
    means, sh = cloud.means.numpy().astype(np.float64), cloud.sh.numpy()
    extent = max(float(np.abs(means).max()), 1e-6)
    fraction = int(np.clip(math.floor(math.log2(_LARGEST_FIXED / extent)), 0, _MOST_FRACTION))
    fixed = np.rint(means * (1 << fraction)).astype("<i4").reshape(-1, 1).view(np.uint8)[:, :3]
    degree = round(math.sqrt(sh.shape[1])) - 1
    parts = (
        fixed,
        _bytes(cloud.opacities.numpy() * 255),
        _bytes(sh[:, 0] * (_COLOUR_SCALE * 255) + 127.5),
        _bytes((np.log(cloud.scales.numpy()) + 10) * 16),
        _packed_quaternions(cloud.quats.numpy()).astype("<u4"),
        _bytes(sh[:, 1:] * 128 + 128),
    )
    header = _HEADER.pack(MAGIC, 3, len(means), degree, fraction, 0, 0)
    return gzip.compress(header + b"".join(part.tobytes() for part in parts), mtime=0)


def _bytes(values: np.ndarray) -> np.ndarray:
    return np.clip(np.rint(values), 0, 255).astype(np.uint8)


def _packed_quaternions(wxyz: np.ndarray) -> np.ndarray:
    xyzw = wxyz[:, [1, 2, 3, 0]]
    largest = np.abs(xyzw).argmax(axis=1)
    xyzw = xyzw * np.where(np.take_along_axis(xyzw, largest[:, None], 1) < 0, -1, 1)
    words = largest.astype(np.uint32)
    for value in np.take_along_axis(xyzw, _OTHERS[largest], 1).T:
        magnitude = np.minimum(np.rint(np.abs(value) / math.sqrt(0.5) * 511), 511).astype(np.uint32)
        words = words << 10 | (value < 0).astype(np.uint32) << 9 | magnitude
    return words
