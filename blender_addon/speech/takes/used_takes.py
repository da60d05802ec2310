"""Which frames of a strip are spoken as in one of the takes that were kept of it: `strip.dgtalker.used_takes`.

Times are seconds of the strip's sound file, so that they go where the strip goes, as the keys do.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import bpy

from ...properties import strip_properties
from ..timeline import strips


@dataclass(frozen=True)
class UsedRange:
    """Frames, from the first to the last of them, and the number of the kept take that they are of."""

    first: int
    last: int
    take: int


def of(scene: bpy.types.Scene, strip: Any) -> list[UsedRange]:
    """In order of frames."""
    zero, clock = strips.file_start(scene, strip), strips.clock(scene)
    found = [
        UsedRange(round(zero + clock.frames(each.start)), round(zero + clock.frames(each.end)) - 1, each.take)
        for each in strip_properties(strip).used_takes
        if math.isfinite(each.start) and math.isfinite(each.end)
    ]
    return sorted(found, key=lambda each: each.first)


def shown(scene: bpy.types.Scene, strip: Any, locks: Sequence[tuple[int, int]]) -> list[UsedRange]:
    """Those that still stand there, since they are locked; `locks` are first and last frames."""
    found = []
    for each in of(scene, strip):
        spans = [(low, high) for low, high in locks if low <= each.last and high >= each.first]
        if spans:
            first = max(each.first, min(low for low, _ in spans))
            last = min(each.last, max(high for _, high in spans))
            found.append(UsedRange(first, last, each.take))
    return found


def note(scene: bpy.types.Scene, strip: Any, new: UsedRange) -> None:
    """Frames are as in a kept take from now on."""
    others = _without(of(scene, strip), new.first, new.last)
    _write(scene, strip, [*others, new])


def cut(scene: bpy.types.Scene, head: bpy.types.Object, first: int, last: int) -> None:
    """Frames of a speaker are as in no kept take any more."""
    for sound in strips.strips_of(scene, head):
        every = of(scene, sound.strip)
        left = _without(every, first, last)
        if left != every:
            _write(scene, sound.strip, left)


def clear(head: bpy.types.Object) -> None:
    """No frames of a speaker are as in a kept take any more."""
    for scene in bpy.data.scenes:
        for sound in strips.strips_of(scene, head):
            strip_properties(sound.strip).used_takes.clear()


def _without(every: Sequence[UsedRange], first: int, last: int) -> list[UsedRange]:
    parts = [
        part
        for each in every
        for part in (
            UsedRange(each.first, min(each.last, first - 1), each.take),
            UsedRange(max(each.first, last + 1), each.last, each.take),
        )
        if part.first <= part.last
    ]
    # What does not reach into the range is there twice.
    return list(dict.fromkeys(parts))


def _write(scene: bpy.types.Scene, strip: Any, every: Sequence[UsedRange]) -> None:
    zero, clock, kept = strips.file_start(scene, strip), strips.clock(scene), strip_properties(strip).used_takes
    kept.clear()
    for each in every:
        entry = kept.add()
        entry.start, entry.end = clock.seconds(each.first - zero), clock.seconds(each.last + 1 - zero)
        entry.take = each.take
