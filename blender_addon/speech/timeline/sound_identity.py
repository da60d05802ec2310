"""What is heard of a strip besides where it lies: which bytes its sound has, how it is retimed, how loud it is."""

from __future__ import annotations

import hashlib
import math
import os
import stat
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import bpy

from ... import animation_data, ui
from ...properties import strip_properties
from . import strips

State = tuple[str, int, int]

_WHOLE = 1 << 26
"""Bytes of a file that are all looked at; of what follows, a page in 64, which no other take has alike."""
_PAGE = 4096

_GAIN_STEP = 12.0
"""dB. Speech is understood at any level; only where strips are mixed does a much softer one say less."""


_read: dict[int, tuple[State, str]] = {}
"""What was last read of a sound, by its session_uid: in which state, and the digest."""

_unread: set[int] = set()
"""Sounds that wait to be read, by their session_uid."""


def digest(sound: bpy.types.Sound | None) -> str:
    """Of a sound's bytes, packed or in its file, wherever that lies; empty where they are not there."""
    try:
        state = _state(sound)
        if sound is None or state is None:
            return ""
        if not _is_read(sound, state):
            _read[sound.session_uid] = (
                state,
                _of_packed(sound) if sound.packed_file else _of_file(strips.file_of(sound)),
            )
        return _read[sound.session_uid][1]
    except (OSError, ValueError):  # the file is missing, which `strips.problem` says
        return ""


def digest_if_read(sound: bpy.types.Sound | None) -> str:
    """`digest`, cheap enough for drawing: in a window a sound that is new or changed is read soon after, and empty
    until then."""
    if bpy.app.background:
        return digest(sound)
    try:
        state = _state(sound)
    except (OSError, ValueError):
        return ""
    if sound is None or state is None or _is_read(sound, state):
        return digest(sound)
    _unread.add(sound.session_uid)
    if not bpy.app.timers.is_registered(_read_soon):
        bpy.app.timers.register(_read_soon)
    return ""


def _read_soon() -> None:
    for sound in bpy.data.sounds:
        if sound.session_uid in _unread:
            digest(sound)
    _unread.clear()
    ui.redraw()


def _is_read(sound: bpy.types.Sound, state: State) -> bool:
    return _read.get(sound.session_uid, (None, ""))[0] == state


def _state(sound: bpy.types.Sound | None) -> State | None:
    """What changes when a sound is packed anew, or its file is written; None for no sound.

    Raises:
        OSError, ValueError: its file is not there.
    """
    packed: Any = sound.packed_file if sound else None
    if packed is not None:
        return "", packed.size, packed.as_pointer()
    if sound is None:
        return None
    status = os.stat(strips.file_of(sound))
    if not stat.S_ISREG(status.st_mode):
        raise OSError(f"{sound.filepath} is not a file")  # to read a pipe would wait for ever
    return str(strips.file_of(sound)), status.st_size, status.st_mtime_ns


def same(before: str, now: str) -> bool:
    """Whether sounds, whose digests are joined by spaces, are the same as far as they were there both times."""
    pairs = list(zip(before.split(" "), now.split(" "), strict=False))
    return all(old == new or not old or not new for old, new in pairs)


def digests(sounds: Sequence[strips.SoundStrip]) -> str:
    """The digests of strips' sounds, in order, for `same`."""
    return " ".join(digest(sound.strip.sound) for sound in sounds)


def digests_if_read(sounds: Sequence[strips.SoundStrip]) -> str:
    """`digests`, cheap enough for drawing."""
    return " ".join(digest_if_read(sound.strip.sound) for sound in sounds)


def use(scene: bpy.types.Scene, strip: Any) -> list[Any]:
    """How a strip's sound is retimed, how loud it is, and which channel of it is heard, as JSON takes it; empty for a
    strip as it was added."""
    return [*_level(scene, strip), *channel(strip)]


def channel(strip: Any) -> list[str]:
    """The one channel of a strip that is heard; empty for all of them."""
    chosen = strip_properties(strip).channel
    return [] if chosen == "ALL" else [chosen]


def retiming(strip: Any) -> list[Any]:
    """How a strip is retimed, wherever it lies; empty where it is not."""
    start = strips.content(strip)[0]
    return [*(round(key.timeline_frame - start, 3) for key in strip.retiming_keys), *_higher_or_deeper(strip)]


def _higher_or_deeper(strip: Any) -> list[str]:
    """Not empty for what is retimed without *Preserve Pitch*, which Blender 4.5 always does."""
    return ["pitch"] if len(strip.retiming_keys) and not getattr(strip, "pitch_correction", True) else []


def level(scene: bpy.types.Scene, strip: Any) -> list[Any]:
    """How loud a strip is, wherever it lies, as JSON takes it; empty as it was added."""
    elsewhere = animation_data.driven(scene) | animation_data.played_by_strips(scene)
    if elsewhere and strip.path_from_id("volume") in elsewhere:
        return ["moved", strips.content(strip)[0]]
    curve, start = _volume_curve(scene, strip), strips.content(strip)[0]
    if curve is not None:
        return [[round(key.co[0] - start, 3), key.co[1], key.interpolation] for key in curve.keyframe_points]
    return _step(strip)


def _step(strip: Any) -> list[int]:
    step = round(20.0 * math.log10(max(strip.volume, 1e-6)) / _GAIN_STEP)
    return [step] if step else []


def _level(scene: bpy.types.Scene, strip: Any) -> list[Any]:
    retimed: list[Any] = [[key.timeline_frame for key in strip.retiming_keys]] if len(strip.retiming_keys) else []
    retimed += _higher_or_deeper(strip)
    elsewhere = animation_data.driven(scene) | animation_data.played_by_strips(scene)
    if elsewhere and strip.path_from_id("volume") in elsewhere:
        return [*retimed, "moved"]  # its volume is that of the current frame only
    curve = _volume_curve(scene, strip)
    if curve is not None:
        keys = [[key.co[0], key.co[1], key.interpolation] for key in curve.keyframe_points]
        return [*retimed, keys]
    return [*retimed, *_step(strip)]


def _volume_curve(scene: bpy.types.Scene, strip: Any) -> bpy.types.FCurve | None:
    curves = animation_data.active_curves(scene)
    path = strip.path_from_id("volume") if curves else ""
    return next((curve for curve in curves if curve.data_path == path), None)


def _of_packed(sound: bpy.types.Sound) -> str:
    packed: Any = sound.packed_file
    data = packed.data
    pages = [data[start : start + _PAGE] for start in range(_WHOLE, len(data), 64 * _PAGE)]
    return _digest([data[:_WHOLE], *pages], len(data))


def _of_file(path: Path) -> str:
    with path.open("rb") as file:
        size = os.fstat(file.fileno()).st_size
        parts = [file.read(min(size, _WHOLE))]
        for start in range(_WHOLE, size, 64 * _PAGE):
            file.seek(start)
            parts.append(file.read(_PAGE))
    return _digest(parts, size)


def _digest(parts: list[bytes], size: int) -> str:
    found = hashlib.blake2b(str(size).encode(), digest_size=8)
    for part in parts:
        found.update(part)
    return found.hexdigest()
