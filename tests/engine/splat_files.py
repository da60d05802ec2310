"""Files of splats, laid out byte by byte as their programs write them: two Gaussians, the second one red."""

from __future__ import annotations

import gzip
import json
import math
import struct

ROOT = math.sqrt(0.5)
POSITIONS = ((0.5, -0.25, 2.0), (-1.0, 0.0, 0.125))
SCALES = ((0.1, 0.2, 0.4), (0.05, 0.05, 0.05))
OPACITIES = (0.75, 0.5)
WXYZ = ((ROOT, ROOT, 0.0, 0.0), (1.0, 0.0, 0.0, 0.0))
"""The first one is turned by 90° about the file's X."""
CONSTANTS = ((0.0, 0.0, 0.0), (1.5, -1.5, -1.5))
LINEAR = ((0.1, 0.2, 0.3), (-0.2, 0.0, 0.4), (0.5, -0.5, 0.25))
"""Of degree 1: for m of -1, 0 and 1, red, green and blue; the same of both."""


def ply(rest: int = 9, newline: str = "\n", more: str = "") -> bytes:
    """As INRIA's trainer writes it: normals between, f_rest channel by channel, logits and logarithms."""
    names = ["x", "y", "z", "nx", "ny", "nz", "f_dc_0", "f_dc_1", "f_dc_2"]
    names += [f"f_rest_{i}" for i in range(rest)]
    names += ["opacity", "scale_0", "scale_1", "scale_2", "rot_0", "rot_1", "rot_2", "rot_3"]
    lines = ["ply", "format binary_little_endian 1.0", *([more] if more else []), "element vertex 2"]
    lines += [f"property float {name}" for name in names]
    header = newline.join([*lines, "end_header", ""]).encode()
    body = b""
    for i in range(2):
        body += struct.pack("<3f", *POSITIONS[i]) + struct.pack("<3f", 0, 0, 0) + struct.pack("<3f", *CONSTANTS[i])
        by_channel = [LINEAR[m][channel] for channel in range(3) for m in range(3)] if rest else []
        body += struct.pack(f"<{rest}f", *by_channel)
        body += struct.pack("<f", math.log(OPACITIES[i] / (1 - OPACITIES[i])))
        body += struct.pack("<3f", *(math.log(scale) for scale in SCALES[i])) + struct.pack("<4f", *WXYZ[i])
    return header + body


SPLAT = (
    struct.pack("<6f", 0.5, -0.25, 2.0, 0.1, 0.2, 0.4)
    + bytes([128, 128, 128, 191, 218, 218, 128, 128])
    + struct.pack("<6f", -1.0, 0.0, 0.125, 0.05, 0.05, 0.05)
    + bytes([235, 20, 20, 128, 255, 128, 128, 128])
)
"""Two records of 32 bytes: 128 + 128 · √½ = 218; of the colour, 255 · (0.5 + 0.2821 · 1.5) = 235."""


def spz(version: int) -> bytes:
    """As Niantic's library writes it: fixed point of 12 bits, 16 log scale + 160, 5 bits of degree 1."""
    header = struct.pack("<4sIIBBBB", b"NGSP", version, 2, 1, 12, 0, 0)
    positions = b"".join(struct.pack("<i", round(number * 4096))[:3] for position in POSITIONS for number in position)
    alphas = bytes([191, 128])
    colours = bytes([128, 128, 128, 185, 70, 70])
    scales = bytes([123, 134, 145, 112, 112, 112])
    # Of version 3, the largest of the first one's xyzw is x (0), as large as w: y and z are 0, w is 511/511 of √½. Of
    # the other it is w (3).
    three, two = struct.pack("<II", 511, 3 << 30), bytes([218, 128, 128, 128, 128, 128])
    rotations = three if version == 3 else two
    harmonics = bytes([round(128 + 128 * LINEAR[m][channel]) for m in range(3) for channel in range(3)]) * 2
    return gzip.compress(header + positions + alphas + colours + scales + rotations + harmonics)


EXTENSION = "KHR_gaussian_splatting"


def gltf(space: str = "srgb_rec709_display", node: dict | None = None) -> tuple[dict, bytes]:
    """A document and its buffer as SplatTransform lays them out, with rotations in normalized bytes and degree 1."""
    arrays = [
        ("POSITION", "VEC3", 5126, b"".join(struct.pack("<3f", *each) for each in POSITIONS)),
        (
            f"{EXTENSION}:ROTATION", "VEC4", 5120,
            struct.pack("<4b", 90, 0, 0, 90) + struct.pack("<4b", 0, 0, 0, 127),
        ),
        (f"{EXTENSION}:SCALE", "VEC3", 5126, b"".join(struct.pack("<3f", *each) for each in SCALES)),
        (f"{EXTENSION}:OPACITY", "SCALAR", 5126, struct.pack("<2f", *OPACITIES)),
        (f"{EXTENSION}:SH_DEGREE_0_COEF_0", "VEC3", 5126, b"".join(struct.pack("<3f", *each) for each in CONSTANTS)),
        *(
            (f"{EXTENSION}:SH_DEGREE_1_COEF_{m}", "VEC3", 5126, struct.pack("<3f", *LINEAR[m]) * 2)
            for m in range(3)
        ),
    ]  # fmt: skip
    views, accessors, body = [], [], b""
    for _, kind, component, data in arrays:
        views.append({"buffer": 0, "byteOffset": len(body), "byteLength": len(data)})
        accessor = {"bufferView": len(views) - 1, "componentType": component, "count": 2, "type": kind}
        accessors.append({**accessor, "normalized": True} if component == 5120 else accessor)
        body += data
    attributes = {name: i for i, (name, *_) in enumerate(arrays)}
    extension = {"kernel": "ellipse", "colorSpace": space}
    document = {
        "asset": {"version": "2.0", "generator": "a test"},
        "extensionsUsed": [EXTENSION],
        "scene": 0,
        "scenes": [{"nodes": [0]}],
        "nodes": [{"children": [1]}, {"mesh": 0, **(node or {})}],
        "meshes": [{"primitives": [{"mode": 0, "attributes": attributes, "extensions": {EXTENSION: extension}}]}],
        "accessors": accessors,
        "bufferViews": views,
        "buffers": [{"byteLength": len(body)}],
    }
    return document, body


def glb(document: dict, body: bytes) -> bytes:
    text = json.dumps(document).encode()
    text += b" " * (-len(text) % 4)
    body += b"\0" * (-len(body) % 4)
    chunks = struct.pack("<I4s", len(text), b"JSON") + text + struct.pack("<I4s", len(body), b"BIN\0") + body
    return struct.pack("<4sII", b"glTF", 2, 12 + len(chunks)) + chunks
