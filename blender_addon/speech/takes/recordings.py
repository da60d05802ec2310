"""The recorded performance that a speaker keeps in the .blend: an actor's face, or another program's file."""

from __future__ import annotations

import base64
import zlib
from functools import lru_cache
from typing import Any

import bpy

from dgtalker_engine.errors import DGTalkerError
from dgtalker_engine.performance import Performance, RecordedAmounts
from dgtalker_engine.performance.recorded import directed, punched_in, resampled

from ...properties import speaker_properties
from ..timeline import settings

_LARGEST = 1 << 28
"""Bytes of a recording in memory."""


def keep(head: bpy.types.Object, performance: Performance, first: int) -> None:
    """Keeps a recording that starts at frame `first`, in place of the one before."""
    own = speaker_properties(head)
    own.recording, own.recording_first = to_text(performance), first


def to_text(performance: Performance) -> str:
    """A performance as it is kept in the .blend."""
    return base64.b64encode(zlib.compress(performance.to_json().encode(), 6)).decode()


def forget(head: bpy.types.Object) -> None:
    own = speaker_properties(head)
    own.recording, own.recording_first = "", 0


def of(head: bpy.types.Object) -> Performance | None:
    """The recording of a speaker as it was made.

    Raises:
        DGTalkerError: it is damaged.
    """
    text = speaker_properties(head).recording
    return from_text(text) if text else None


@lru_cache(maxsize=4)
def from_text(text: str) -> Performance:
    """Raises DGTalkerError where it is damaged."""
    try:
        unpacker = zlib.decompressobj()
        content = unpacker.decompress(base64.b64decode(text), _LARGEST)
        if not unpacker.eof:
            raise ValueError("its end is missing")
    except (ValueError, zlib.error) as error:
        raise DGTalkerError(f"The recording cannot be read: {error}.", "Import it again.") from error
    return Performance.from_json(content)


def amounts_of(head: bpy.types.Object) -> RecordedAmounts:
    """What the animator asks of a speaker's recording."""
    own: Any = speaker_properties(head)
    return RecordedAmounts(
        **{each.name: getattr(own, settings.RECORDED + each.name) for each in settings.RECORDED_NUMBERS}
    )


def laid_over(
    head: bpy.types.Object, fps: float, spoken: Performance | None = None, first: int = 0
) -> tuple[Performance, int] | None:
    """What a speaker plays: its recording, over what it speaks from frame `first` on; and the frame of its beginning.

    None where there is neither.
    """
    recording = of(head)
    if recording is None:
        return None if spoken is None else (spoken, first)
    played, start = directed(resampled(recording, fps), amounts_of(head)), speaker_properties(head).recording_first
    if spoken is None:
        return played, start
    return punched_in(spoken, played, start - first), min(first, start)
