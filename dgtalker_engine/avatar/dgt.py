"""The .dgt file: one safetensors file whose metadata holds a JSON document. docs/dgt.md has the format.

Whatever the header claims is checked against the limits before anything is allocated for it.
"""

from __future__ import annotations

import hashlib
import json
import math
import struct
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
import safetensors
import safetensors.numpy

from ..errors import DGTalkerError
from ..files import read_file, write_whole
from .base import FORMAT_VERSION, PLAIN_VERSION, Avatar, Metadata

MAX_FILE_BYTES = 256 << 20  # one body over the wire
MAX_HEADER_BYTES = 4 << 20
MAX_TENSORS = 4096
MAX_GAUSSIANS = 2_000_000
MAX_CONTROLS = 1024  # and correctives
MAX_JOINTS = 16
MAX_DOCUMENT_BYTES = 60 << 10  # it crosses the wire in the header of one message
MAX_PROXY_VERTICES = 200_000
MAX_PROXY_DELTAS = 20_000_000  # controls × vertices, 240 MB as float32

DOCUMENT_KEY = "dgt"
DTYPES = {
    "F16": np.float16,
    "F32": np.float32,
    "U8": np.uint8,
    "U16": np.uint16,
    "U32": np.uint32,
    "I8": np.int8,
    "I16": np.int16,
    "I32": np.int32,
}
DAMAGED = "The file is damaged or was not written as a .dgt file; copy or export it again."


@dataclass(frozen=True)
class TensorSpec:
    """A tensor as the header announces it."""

    dtype: str
    shape: tuple[int, ...]
    start: int
    stop: int


Tensors = Mapping[str, np.ndarray]
Specs = Mapping[str, TensorSpec]


@dataclass(frozen=True)
class Kind:
    """One way to make Gaussians, and its part of a .dgt file.

    Attributes:
        check: looks at the announced shapes and raises DGTalkerError before anything is read.
        load: makes the avatar from the tensors.
        save: the tensors of an avatar of this kind, from which `load` makes it again.
    """

    check: Callable[[Metadata, Specs], None]
    load: Callable[[Metadata, Tensors], Avatar]
    save: Callable[[Any], Tensors]


def pack(avatar: Avatar, kinds: Mapping[str, Kind], extras: Tensors) -> bytes:
    """The bytes of the .dgt file of an avatar, with tensors beside the avatar's.

    Raises:
        DGTalkerError: its kind is unknown, or it cannot be written.
    """
    kind = _kind(avatar.metadata.kind, kinds)
    version = PLAIN_VERSION if avatar.metadata.latents is None else FORMAT_VERSION
    return dump(replace(avatar.metadata, format_version=version).to_json(), {**extras, **kind.save(avatar)})


def dump(document: Mapping[str, Any], tensors: Tensors) -> bytes:
    """The bytes of a .dgt file; `document` is `Metadata.to_json()`, its hash is filled in here."""
    text = json.dumps({**document, "hash": content_hash(document, tensors)}, ensure_ascii=False, sort_keys=True)
    contiguous = {name: np.ascontiguousarray(tensors[name]) for name in sorted(tensors)}
    return safetensors.numpy.save(contiguous, metadata={DOCUMENT_KEY: text})


def write(data: bytes, path: Path) -> None:
    """Writes a whole file or nothing.

    Raises:
        DGTalkerError: the file cannot be written.
    """
    write_whole(Path(path), data)


def parse(data: bytes, kinds: Mapping[str, Kind]) -> Avatar:
    """The avatar in the bytes of a .dgt file.

    Raises:
        DGTalkerError: the file is damaged, too large, from a newer version, of an unknown kind, or its content does
            not match its hash.
    """
    text, specs = read_header(data)
    document = _document(text)
    metadata = Metadata.from_json(document)
    kind = _kind(metadata.kind, kinds)
    if len(metadata.rig.controls) > MAX_CONTROLS:
        raise DGTalkerError(f"The avatar has {len(metadata.rig.controls)} controls; {MAX_CONTROLS} are possible.")
    if len(metadata.rig.controls) + len(metadata.correctives) > MAX_CONTROLS or len(metadata.joints) > MAX_JOINTS:
        raise DGTalkerError(
            f"The avatar has {len(metadata.correctives)} correctives and {len(metadata.joints)} joints; controls and "
            f"correctives are at most {MAX_CONTROLS}, joints {MAX_JOINTS}."
        )
    size = len(json.dumps(document, separators=(",", ":")))
    if size > MAX_DOCUMENT_BYTES:
        raise DGTalkerError(
            f"The avatar's document has {size:,} bytes as JSON; at most {MAX_DOCUMENT_BYTES:,} are possible.",
            "Give it fewer controls or shorter texts.",
        )
    kind.check(metadata, specs)
    try:
        tensors = safetensors.numpy.load(data)
    except (safetensors.SafetensorError, ValueError, KeyError) as error:
        raise DGTalkerError(f"The avatar file cannot be read: {error}.", DAMAGED) from error
    if content_hash(document, tensors) != metadata.hash:
        raise DGTalkerError("The avatar file's content does not match its hash.", DAMAGED)
    for name, tensor in tensors.items():
        if tensor.dtype.kind == "f" and not np.all(np.isfinite(tensor)):
            raise DGTalkerError(f"The avatar's tensor {name} holds values that are not finite numbers.", DAMAGED)
    return kind.load(metadata, tensors)


def read(path: Path) -> bytes:
    """The bytes of a file, refused before reading where it is larger than any avatar."""
    return read_file(path, MAX_FILE_BYTES, "The avatar", "Choose a .dgt file.")


def part(data: bytes, prefix: str) -> bytes:
    """The tensors of a .dgt file whose names begin so, as a safetensors file of their own; empty where there are none.

    Raises:
        DGTalkerError: the file's header is damaged.
    """
    _, specs = read_header(data)
    start = 8 + struct.unpack_from("<Q", data)[0]
    tensors = {
        name: np.frombuffer(data, DTYPES[spec.dtype], math.prod(spec.shape), start + spec.start).reshape(spec.shape)
        for name, spec in specs.items()
        if name.startswith(prefix)
    }
    return safetensors.numpy.save(tensors) if tensors else b""


def content_hash(document: Mapping[str, Any], tensors: Tensors) -> str:
    """sha256 over the document without its hash, and every tensor by name; the order in the file is of no account."""
    digest = hashlib.sha256()
    without = {key: value for key, value in document.items() if key != "hash"}
    digest.update(json.dumps(without, ensure_ascii=True, sort_keys=True, separators=(",", ":")).encode())
    names = {np.dtype(dtype): name for name, dtype in DTYPES.items()}
    for name in sorted(tensors):
        tensor = np.ascontiguousarray(tensors[name])
        digest.update(f"\n{name} {names[tensor.dtype]} {list(tensor.shape)}\n".encode())
        digest.update(tensor.tobytes())
    return digest.hexdigest()


def read_header(data: bytes) -> tuple[str, dict[str, TensorSpec]]:
    """The document's text and the tensors that the header announces, every one within the file and apart."""
    if len(data) > MAX_FILE_BYTES:
        raise DGTalkerError(f"The avatar file has {len(data) >> 20} MiB; the limit is {MAX_FILE_BYTES >> 20}.")
    if len(data) < 8:
        raise DGTalkerError("The avatar file is truncated: it has no header.", DAMAGED)
    (length,) = struct.unpack_from("<Q", data)
    if length > MAX_HEADER_BYTES:
        raise DGTalkerError(f"The avatar file claims a header of {length} bytes.", DAMAGED)
    if 8 + length > len(data):
        raise DGTalkerError("The avatar file is truncated within its header.", DAMAGED)
    try:
        header = json.loads(bytes(data[8 : 8 + length]).decode("utf-8"))
        text = header.pop("__metadata__")[DOCUMENT_KEY]
        if not isinstance(text, str) or len(header) > MAX_TENSORS:
            raise ValueError("no document, or too many tensors")
        specs = {str(name): _spec(entry) for name, entry in header.items()}
    except (AttributeError, KeyError, TypeError, ValueError, RecursionError) as error:
        raise DGTalkerError(f"The avatar file's header cannot be read: {error!r}.", DAMAGED) from error
    end = 0
    for name, spec in sorted(specs.items(), key=lambda item: (item[1].start, item[1].stop)):
        if spec.dtype not in DTYPES:
            raise DGTalkerError(
                f"The avatar's tensor {name} has the unknown type {spec.dtype}.", f"Types are {', '.join(DTYPES)}."
            )
        size = math.prod(spec.shape) * np.dtype(DTYPES[spec.dtype]).itemsize
        if spec.stop - spec.start != size or spec.start != end:
            raise DGTalkerError(f"The avatar's tensor {name} does not lie where its header says.", DAMAGED)
        if 8 + length + spec.stop > len(data):
            raise DGTalkerError(f"The avatar file is truncated: the tensor {name} is not complete.", DAMAGED)
        end = spec.stop
    if 8 + length + end != len(data):
        raise DGTalkerError("The avatar file holds bytes that belong to no tensor.", DAMAGED)
    return text, specs


def expect(specs: Specs, name: str, dtypes: str, shape: tuple[int | None, ...]) -> TensorSpec:
    """The announced tensor `name`, of one of the `dtypes` (spaces between) and of `shape`, None meaning any length.

    Raises:
        DGTalkerError: it is missing, or different.
    """
    if name not in specs:
        raise DGTalkerError(f"The avatar file has no tensor {name}.", "docs/dgt.md lists the tensors of each kind.")
    spec = specs[name]
    fits = len(spec.shape) == len(shape) and all(b is None or a == b for a, b in zip(spec.shape, shape, strict=True))
    if spec.dtype not in dtypes.split() or not fits:
        wanted = "×".join("?" if side is None else str(side) for side in shape)
        raise DGTalkerError(
            f"The avatar's tensor {name} is {spec.dtype} {'×'.join(map(str, spec.shape))}; "
            f"{' or '.join(dtypes.split())} {wanted} is expected.",
            "docs/dgt.md lists the tensors of each kind.",
        )
    return spec


def limited(name: str, count: int, maximum: int) -> int:
    """`count`, where it is between 1 and `maximum`; DGTalkerError otherwise."""
    if not 1 <= count <= maximum:
        raise DGTalkerError(f"The avatar file claims {count:,} {name}; 1 to {maximum:,} are possible.", DAMAGED)
    return count


def _kind(name: str, kinds: Mapping[str, Kind]) -> Kind:
    if name not in kinds:
        raise DGTalkerError(
            f"The avatar is of the unknown kind {name!r}.",
            f"This engine knows {', '.join(kinds)}. A newer engine may know more.",
        )
    return kinds[name]


def _document(text: str) -> dict[str, Any]:
    try:
        document = json.loads(text)
        version = int(document["format_version"])
    except (KeyError, TypeError, ValueError, OverflowError, RecursionError) as error:
        raise DGTalkerError(f"The avatar's document cannot be read: {error!r}.", DAMAGED) from error
    if version > FORMAT_VERSION:
        raise DGTalkerError(
            f"The avatar has the format version {version}; this engine reads up to {FORMAT_VERSION}.",
            "Update the extension and the engine.",
        )
    if version < 1:
        raise DGTalkerError(f"The avatar has the impossible format version {version}.", DAMAGED)
    return document


def _spec(entry: Any) -> TensorSpec:
    shape = tuple(entry["shape"])
    start, stop = entry["data_offsets"]
    numbers = (*shape, start, stop)
    if not all(type(number) is int and 0 <= number < 1 << 62 for number in numbers) or len(shape) > 8:
        raise ValueError(f"a tensor of shape {shape} at {start}–{stop}")
    return TensorSpec(str(entry["dtype"]), shape, start, stop)
