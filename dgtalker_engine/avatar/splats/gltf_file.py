"""glTF 2.0 as a container: its document, its buffers and the arrays in them, and GLB, its binary form."""

from __future__ import annotations

import base64
import binascii
import json
import math
import re
import struct
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from ...errors import DGTalkerError
from ...files import printable, read_file
from . import numbers

GLB_MAGIC = b"glTF"
JSON_CHUNK, BINARY_CHUNK = 0x4E4F534A, 0x004E4942
DAMAGE = (KeyError, TypeError, ValueError, IndexError, AttributeError, OverflowError, RecursionError)
"""What a document raises that is not as glTF 2.0 says."""
_COMPONENTS = {5120: "i1", 5121: "u1", 5122: "<i2", 5123: "<u2", 5125: "<u4", 5126: "<f4"}
_WIDTHS = {"SCALAR": 1, "VEC2": 2, "VEC3": 3, "VEC4": 4}


@dataclass(frozen=True)
class GltfFile:
    """A document and the bytes of its buffers."""

    document: Mapping[str, Any]
    buffers: Sequence[bytes]

    def array(self, index: int) -> np.ndarray:
        """An accessor's numbers, float32 (count, width); integers as their fractions where they are normalized.

        Raises:
            DGTalkerError: it is compressed, or lies outside its buffer. What `DAMAGE` lists: there is none.
        """
        accessor = self.document["accessors"][_index(index)]
        if "bufferView" not in accessor or "sparse" in accessor:
            raise DGTalkerError("The glTF file's arrays are compressed or sparse.", "Export it uncompressed.")
        view = self.document["bufferViews"][_index(accessor["bufferView"])]
        if any("compression" in name for name in view.get("extensions", {})):
            raise DGTalkerError("The glTF file's arrays are compressed.", "Export it uncompressed.")
        kind, width = np.dtype(_COMPONENTS[accessor["componentType"]]), _WIDTHS[accessor["type"]]
        count = numbers.limited(int(accessor["count"]))
        stride = _index(view.get("byteStride", kind.itemsize * width))
        start = _index(view.get("byteOffset", 0)) + _index(accessor.get("byteOffset", 0))
        buffer = self.buffers[_index(view["buffer"])]
        if start + stride * (count - 1) + kind.itemsize * width > len(buffer):
            raise DGTalkerError("An array of the glTF file lies outside its buffer.", numbers.BROKEN)
        array = np.ndarray((count, width), kind, buffer, start, (stride, kind.itemsize)).astype(np.float32)
        if accessor.get("normalized") and kind.kind in "iu":
            array = np.maximum(array / np.float32(np.iinfo(kind).max), -1)
        return array

    def meshes(self) -> list[tuple[Mapping[str, Any], np.ndarray]]:
        """The meshes of the scene, and where each of them stands: a matrix (4, 4) from its space to the file's."""
        document = self.document
        nodes = document.get("nodes", [])
        if "scenes" in document:
            roots = document["scenes"][_index(document.get("scene", 0))].get("nodes", [])
        else:
            children = {child for node in nodes for child in node.get("children", [])}
            roots = [i for i in range(len(nodes)) if i not in children]
        found: list[tuple[Mapping[str, Any], np.ndarray]] = []
        waiting, seen = [(_index(root), np.eye(4)) for root in roots], 0
        while waiting:
            index, above = waiting.pop()
            seen += 1
            if seen > len(nodes):  # each has one parent, the standard says; a circle would have no end
                raise DGTalkerError("The glTF file's nodes stand in a circle.", numbers.BROKEN)
            node = nodes[index]
            matrix = above @ _matrix(node)
            waiting += [(_index(child), matrix) for child in node.get("children", [])]
            if "mesh" in node:
                found.append((document["meshes"][_index(node["mesh"])], matrix))
        return found


def read(data: bytes, folder: Path) -> GltfFile:
    """A .glb or .gltf file, with the files beside it that a .gltf names.

    Raises:
        DGTalkerError: it is damaged, or one of its files cannot be read.
    """
    binary = b""
    if data[:4] == GLB_MAGIC:
        data, binary = _chunks(data)
    try:
        document = json.loads(data)
        if document["asset"]["version"].split(".")[0] != "2":
            raise DGTalkerError("Only glTF 2.0 can be read.", "Export it again.")
        buffers: list[bytes] = []
        for buffer in document.get("buffers", []):
            buffers.append(binary if "uri" not in buffer else _resource(buffer["uri"], folder))
            if sum(map(len, buffers)) > numbers.MAX_FILE_BYTES:
                raise DGTalkerError(
                    f"The glTF file's buffers are too large: more than {numbers.MAX_FILE_BYTES / 1e6:,.0f} MB.",
                    "Export less of it.",
                )
    except DAMAGE as error:
        raise damaged(error) from error
    return GltfFile(document, buffers)


def damaged(error: BaseException) -> DGTalkerError:
    """What `DAMAGE` lists, for the user; the file may have put anything into its text."""
    return DGTalkerError(f"The glTF file's document cannot be read: {repr(error)[:200]}.", numbers.BROKEN)


def _chunks(data: bytes) -> tuple[bytes, bytes]:
    """The document and the buffer of a GLB file."""
    chunks: dict[int, bytes] = {}
    position = 12
    while position + 8 <= len(data):
        length, kind = struct.unpack_from("<II", data, position)
        if position + 8 + length > len(data):
            raise DGTalkerError("The GLB file ends within a chunk.", numbers.BROKEN)
        chunks.setdefault(kind, data[position + 8 : position + 8 + length])
        position += 8 + length
    if JSON_CHUNK not in chunks:
        raise DGTalkerError("The GLB file has no document.", numbers.BROKEN)
    return chunks[JSON_CHUNK], chunks.get(BINARY_CHUNK, b"")


def _resource(uri: str, folder: Path) -> bytes:
    if uri.startswith("data:"):
        try:
            return base64.b64decode(uri.split(",", 1)[1], validate=True)
        except (binascii.Error, IndexError) as error:
            raise DGTalkerError("A buffer in the glTF file cannot be read.", numbers.BROKEN) from error
    name = re.sub(rb"%([0-9A-Fa-f]{2})", lambda found: bytes.fromhex(found[1].decode()), uri.encode())
    path = Path(name.decode())
    if path.anchor or ".." in path.parts or ":" in path.parts[0]:
        raise DGTalkerError(f"The glTF file names {printable(uri)}, which is not beside it.")
    return read_file(folder / path, numbers.MAX_FILE_BYTES, "The glTF file's buffer", "Put it beside the .gltf file.")


def _index(number: Any) -> int:
    """A whole number that is not negative: as an index it would count from the end."""
    if type(number) is not int or number < 0:
        raise ValueError("an index is no whole number from 0 on")
    return number


def _matrix(node: Mapping[str, Any]) -> np.ndarray:
    if "matrix" in node:
        matrix = np.array(node["matrix"], np.float64).reshape(4, 4).T
    else:
        x, y, z, w = (float(number) for number in node.get("rotation", (0, 0, 0, 1)))
        length = math.sqrt(x * x + y * y + z * z + w * w)
        x, y, z, w = x / length, y / length, z / length, w / length
        matrix = np.eye(4)
        matrix[:3, :3] = [
            [1 - 2 * (y * y + z * z), 2 * (x * y - w * z), 2 * (x * z + w * y)],
            [2 * (x * y + w * z), 1 - 2 * (x * x + z * z), 2 * (y * z - w * x)],
            [2 * (x * z - w * y), 2 * (y * z + w * x), 1 - 2 * (x * x + y * y)],
        ]
        matrix[:3, :3] *= np.array(node.get("scale", (1, 1, 1)), np.float64).reshape(3)
        matrix[:3, 3] = np.array(node.get("translation", (0, 0, 0)), np.float64).reshape(3)
    if not np.all(np.abs(matrix) <= numbers.LARGEST):
        raise ValueError("a node's matrix is not made of finite numbers")
    return matrix


class GlbWriter:
    """Arrays and a document to a GLB file."""

    def __init__(self) -> None:
        self._parts: list[bytes] = []
        self._size = 0
        self.accessors: list[dict[str, Any]] = []
        self.views: list[dict[str, Any]] = []

    def add(self, array: np.ndarray, kind: str, component: int, **more: Any) -> int:
        """The index of a new accessor for an array (count, width), whose rows take a multiple of 4 bytes."""
        data = np.ascontiguousarray(array, _COMPONENTS[component]).tobytes()
        self.views.append({"buffer": 0, "byteOffset": self._size, "byteLength": len(data), "target": 34962})
        view = len(self.views) - 1
        self.accessors.append(
            {"bufferView": view, "componentType": component, "count": len(array), "type": kind, **more}
        )
        self._parts.append(data)
        self._size += len(data)
        return len(self.accessors) - 1

    def file(self, document: Mapping[str, Any]) -> bytes:
        arrays = {"accessors": self.accessors, "bufferViews": self.views, "buffers": [{"byteLength": self._size}]}
        text = json.dumps({**document, **arrays}, separators=(",", ":")).encode()
        text += b" " * (-len(text) % 4)
        total = 12 + 8 + len(text) + 8 + self._size
        head = GLB_MAGIC + struct.pack("<II", 2, total) + struct.pack("<II", len(text), JSON_CHUNK)
        return b"".join([head, text, struct.pack("<II", self._size, BINARY_CHUNK), *self._parts])
