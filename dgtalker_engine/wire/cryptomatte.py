"""Numbers for names (Friedman and Jones, Cryptomatte specification 1.2). Standard library only."""

from __future__ import annotations

import json
import struct

from .shot import Shot, ShotFrame


def metadata(layer: str, shot: Shot, frame: ShotFrame) -> dict[str, str]:
    """What the specification wants in the header of a file with a frame's mattes; nothing where it has none.

    Args:
        layer: the view layer's name.
        shot: the frame's.
    """
    mattes = [each.name for each in shot.passes if each.kind == "cryptomatte"]
    if not mattes or frame.pass_inputs is None:
        return {}
    name = f"{layer}.{mattes[0].rstrip('0123456789')}"
    key = f"cryptomatte/{murmur3(name.encode()):08x}"[: len("cryptomatte/") + 7]
    manifest = {label.name: f"{_number(label.name):08x}" for label in frame.pass_inputs.labels}
    return {
        f"{key}/name": name,
        f"{key}/hash": "MurmurHash3_32",
        f"{key}/conversion": "uint32_to_float32",
        f"{key}/manifest": json.dumps(manifest, separators=(",", ":")),
    }


def object_id(name: str) -> float:
    """The number, a float32, that stands for an object's name."""
    return struct.unpack("<f", struct.pack("<I", _number(name)))[0]


def _number(name: str) -> int:
    number = murmur3(name.encode())
    exponent = number >> 23 & 255
    if exponent in (0, 255):  # no number, or one so small that it may be taken for 0
        number ^= 1 << 23
    return number


def murmur3(data: bytes) -> int:
    """MurmurHash3, 32 bits, seed 0 (Appleby)."""
    h, whole = 0, len(data) // 4 * 4
    for i in range(0, whole, 4):
        h ^= _scrambled(int.from_bytes(data[i : i + 4], "little"))
        h = (_rotated(h, 13) * 5 + 0xE6546B64) & 0xFFFFFFFF
    h ^= _scrambled(int.from_bytes(data[whole:], "little")) ^ len(data)
    for shift, factor in ((16, 0x85EBCA6B), (13, 0xC2B2AE35)):
        h = ((h ^ h >> shift) * factor) & 0xFFFFFFFF
    return h ^ h >> 16


def _scrambled(k: int) -> int:
    return _rotated(k * 0xCC9E2D51 & 0xFFFFFFFF, 15) * 0x1B873593 & 0xFFFFFFFF


def _rotated(number: int, by: int) -> int:
    return (number << by | number >> 32 - by) & 0xFFFFFFFF
