"""What is heard of a strip besides where it lies: which bytes its sound has, how it is retimed, how loud it is."""

from __future__ import annotations

import hashlib
import math
import os
from collections.abc import Sequence
from functools import lru_cache
from pathlib import Path
from typing import Any

import bpy

from ... import animation_data
from . import strips

_WHOLE = 1 << 26
"""Bytes of a file that are all looked at; of what follows, a page in 64, which no other take has alike."""
_PAGE = 4096

_GAIN_STEP = 12.0
"""dB. Speech is understood at any level; only where strips are mixed does a much softer one say less."""


def digest(sound: bpy.types.Sound | None) -> str:
    """Of a sound's bytes, packed or in its file, wherever that lies; empty where they are not there.

    Cheap enough for drawing: a file is read again only when its time or size has changed.
    """
    if sound is None:
        return ""
    packed: Any = sound.packed_file
    if packed is not None:
        return _of_packed(sound.session_uid, packed.size)
    path = strips.file_of(sound)
    try:
        status = os.stat(path)
        return _of_file(path, status.st_size, status.st_mtime_ns)
    except (OSError, ValueError):  # it is missing, which `strips.problem` says
        return ""


def same(before: str, now: str) -> bool:
    """Whether sounds, whose digests are joined by spaces, are the same as far as they were there both times."""
    pairs = list(zip(before.split(" "), now.split(" "), strict=False))
    return all(old == new or not old or not new for old, new in pairs)


def digests(sounds: Sequence[strips.SoundStrip]) -> str:
    """The digests of strips' sounds, in order, for `same`."""
    return " ".join(digest(sound.strip.sound) for sound in sounds)


def use(scene: bpy.types.Scene, strip: Any) -> list[Any]:
    """How a strip's sound is retimed, and how loud it is, as JSON takes it; empty for a strip as it was added."""
    retimed = [[key.timeline_frame for key in strip.retiming_keys]] if len(strip.retiming_keys) else []
    curve = _volume_curve(scene, strip)
    if curve is not None:
        keys = [[key.co[0], key.co[1], key.interpolation] for key in curve.keyframe_points]
        return [*retimed, keys]
    step = round(20.0 * math.log10(max(strip.volume, 1e-6)) / _GAIN_STEP)
    return [*retimed, step] if step else retimed


def _volume_curve(scene: bpy.types.Scene, strip: Any) -> bpy.types.FCurve | None:
    curves = animation_data.active_curves(scene)
    path = strip.path_from_id("volume") if curves else ""
    return next((curve for curve in curves if curve.data_path == path), None)


@lru_cache(maxsize=256)
def _of_packed(number: int, size: int) -> str:
    sound: Any = next(each for each in bpy.data.sounds if each.session_uid == number)
    data = sound.packed_file.data
    pages = [data[start : start + _PAGE] for start in range(_WHOLE, size, 64 * _PAGE)]
    return _digest([data[:_WHOLE], *pages], size)


@lru_cache(maxsize=256)
def _of_file(path: Path, size: int, changed: int) -> str:
    with path.open("rb") as file:
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
