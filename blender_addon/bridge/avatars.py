"""Avatars between the .blend and the engine: reading the packed file, opening it, and what the engine answers."""

from __future__ import annotations

from collections.abc import Callable, Generator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import bpy
import numpy as np

from dgtalker_engine import files
from dgtalker_engine.errors import DGTalkerError
from dgtalker_engine.rig import Rig
from dgtalker_engine.wire import arrays

from ..properties import head_properties, original_of
from . import engine

MAX_FILE_BYTES = 256 << 20
"""One body over the wire."""

READD = "Add the head again from its .dgt file."

_known: dict[tuple[object, ...], str] = {}
_proxies: dict[str, Proxy] = {}
_manners: dict[tuple[object, ...], bool] = {}
_MANNER = b'"motion.'
"""So the names of tensors begin that say how the avatar's person speaks."""


@dataclass(frozen=True)
class Proxy:
    """An avatar's mesh as it was made: vertices (V,3), deltas (C + K,V,3), and the controls that each corrective
    multiplies (K,n)."""

    vertices: np.ndarray
    deltas: np.ndarray
    correctives: np.ndarray


@dataclass(frozen=True, kw_only=True)
class OpenedAvatar:
    """What the engine says about an avatar that it has opened.

    Attributes:
        hash: of the content; names the avatar in a Shot.
        metadata: name, consent, licence, kind.
        rig: its controls.
        proxy: arrays vertices (V,3), faces (F,4) and their surfaces (F,), uv (V,2), colours (V,4), deltas (C + K,V,3),
            correctives (K,n).
        file: the bytes of the .dgt file.
        notes: sentences for the user about what was left out as it was made.
    """

    hash: str
    metadata: Mapping[str, Any]
    rig: Rig
    proxy: Mapping[str, np.ndarray]
    file: bytes
    notes: tuple[str, ...] = ()


def submit_open(file: bytes | None = None, builtin: str = "") -> engine.Pending:
    """Ask the engine to open a .dgt file or a built-in head; give the answer to `opened`."""
    if file is None:
        return engine.submit("open_avatar", {"builtin": builtin})
    return engine.submit("open_avatar", {}, file)


def opened(pending: engine.Pending, file: bytes | None = None, name: str = "") -> OpenedAvatar:
    """The answer to `submit_open`, or to another operation that opens an avatar; waits for it.

    Args:
        pending: what `submit_open` returned.
        file: what it was given.
        name: of the file, for the user.

    Raises:
        DGTalkerError: the avatar cannot be used, or the engine cannot be reached.
    """
    try:
        reply = pending.result()
    except DGTalkerError as error:
        if not name or error.code != "error":
            raise
        raise DGTalkerError(f"The avatar {name} cannot be used: {error.message}", error.hint) from error
    proxy = {key: np.asarray(array) for key, array in arrays.unpack(reply.header["proxy"], reply.body).items()}
    data = proxy.pop("file").tobytes() if file is None else file
    return OpenedAvatar(
        hash=reply.header["avatar"],
        metadata=reply.header["metadata"],
        rig=Rig.from_json(reply.header["rig"]),
        proxy=proxy,
        file=data,
        notes=tuple(reply.header.get("notes", ())),
    )


def read_file(path: str) -> bytes:
    """The bytes of a .dgt file on disk.

    Raises:
        DGTalkerError: it is missing, cannot be read, or is too large for any avatar.
    """
    return files.read_file(path, MAX_FILE_BYTES, "The avatar", "Choose another file.")


def read(image: bpy.types.Image) -> bytes:
    """The .dgt file that an Image carries, packed or beside the .blend.

    Raises:
        DGTalkerError: the file is missing or cannot be read.
    """
    if image.packed_file is not None:
        return bytes(image.packed_file.data)
    path = bpy.path.abspath(image.filepath, library=image.library)
    if not Path(path).is_file():
        raise DGTalkerError(
            f"The avatar {image.name} is not packed, and its file {path or '(none)'} is missing.",
            "Find it with File ▸ External Data ▸ Find Missing Files, or add the head again.",
        )
    return read_file(path)


def avatar_of(ob: bpy.types.Object) -> bpy.types.Image:
    """The Image that carries a head's avatar. Raises DGTalkerError where the head has lost it."""
    image = head_properties(ob).avatar
    if image is None:
        raise DGTalkerError(f"{ob.name} has lost its avatar: the image with its .dgt file was deleted.", READD)
    return image


def hash_of(image: bpy.types.Image, should_cancel: Callable[[], bool] | None = None) -> str:
    """Opens the avatar that an Image carries in the engine, and returns its content hash.

    Raises:
        DGTalkerError: the file is missing, damaged, or the engine cannot be reached; Cancelled when `should_cancel`
            says so.
    """
    steps = hash_steps(image)
    try:
        while True:
            pending = next(steps)
            while not pending.wait(0.05):
                if should_cancel is not None and should_cancel():
                    pending.cancel()
    except StopIteration as end:
        return end.value


def hash_steps(image: bpy.types.Image) -> Generator[engine.Pending, None, str]:
    """`hash_of` in steps, for operators that wait in a window."""
    file, name, uid = read(image), image.name, image.session_uid  # undo may replace the image meanwhile
    pending = submit_open(file)
    yield pending
    avatar = opened(pending, file, name)
    register(uid, avatar.hash)
    _proxies[avatar.hash] = Proxy(avatar.proxy["vertices"], avatar.proxy["deltas"], avatar.proxy["correctives"])
    return avatar.hash


def proxy_of(avatar_hash: str) -> Proxy:
    """The mesh of an avatar that `ensure_open` has opened, as it was made."""
    return _proxies[avatar_hash]


def register(uid: int, avatar_hash: str) -> None:
    """Let the bridge read the Image of this session_uid when an engine does not know the avatar: a new one, after a
    crash."""

    def read_again() -> bytes:
        carrier = next((other for other in bpy.data.images if other.session_uid == uid), None)
        if carrier is None:
            raise DGTalkerError("The head's avatar is no longer in this file.", READD)
        return read(carrier)

    engine.register_avatar(avatar_hash, read_again)


def ensure_open(ob: bpy.types.Object, should_cancel: Callable[[], bool] | None = None) -> str:
    """The content hash of a head's avatar, which the engine knows; cheap after the first time.

    The bridge opens the avatar again by itself when the engine was restarted meanwhile.

    Args:
        ob: the head, original or evaluated.
        should_cancel: asked while an engine is started and the avatar is opened.

    Raises:
        DGTalkerError: as `hash_of`, or the head has lost its avatar.
    """
    image, stamp = _stamped(ob)
    if stamp not in _known:
        _known[stamp] = hash_of(image, should_cancel)
    return _known[stamp]


def is_open(ob: bpy.types.Object) -> bool:
    """Whether `ensure_open` returns at once.

    Raises:
        DGTalkerError: the head has lost its avatar.
    """
    return _stamped(ob)[1] in _known


def open_steps(ob: bpy.types.Object) -> Generator[engine.Pending, None, str]:
    """`ensure_open` in steps, for operators that wait in a window."""
    image, stamp = _stamped(ob)
    if stamp not in _known:
        _known[stamp] = yield from hash_steps(image)
    return _known[stamp]


def is_lost(ob: bpy.types.Object) -> bool:
    """Whether a head had an avatar whose file is gone: neither in the .blend nor on the disk."""
    properties = head_properties(original_of(ob))
    return bool(properties.avatar_hash) and not _has_file(properties.avatar)


def has_manner(ob: bpy.types.Object) -> bool:
    """Whether a head's avatar says how its person speaks; False where its file is gone. Cheap after the first time."""
    if not _has_file(head_properties(original_of(ob)).avatar):
        return False
    image, stamp = _stamped(ob)
    if stamp not in _manners:
        data = read(image)
        _manners[stamp] = _MANNER in data[8 : 8 + int.from_bytes(data[:8], "little")]
    return _manners[stamp]


def _has_file(image: bpy.types.Image | None) -> bool:
    return image is not None and _state(image)[0] != "missing"


def _stamped(ob: bpy.types.Object) -> tuple[bpy.types.Image, tuple[object, ...]]:
    original = original_of(ob)
    image = avatar_of(original)
    return image, (image.session_uid, head_properties(original).avatar_hash, *_state(image))


def _state(image: bpy.types.Image) -> tuple[object, ...]:
    """Changes when the carried file does: packed again, unpacked, or written anew on disk."""
    if image.packed_file is not None:
        return ("packed", image.packed_file.size)
    path = Path(bpy.path.abspath(image.filepath, library=image.library))
    try:
        stat = path.stat()
    except OSError:
        return ("missing", str(path))
    return (str(path), stat.st_size, stat.st_mtime_ns)
