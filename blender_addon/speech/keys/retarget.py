"""From a speaker's take and what is set now to its keys, without the engine."""

from __future__ import annotations

import base64
import hashlib
import json
from collections.abc import Sequence
from functools import lru_cache

import bpy
import numpy as np

from dgtalker_engine.errors import DGTalkerError
from dgtalker_engine.performance import Direction, Take, perform

from ..lips import contacts
from ..timeline import settings, strips, timing
from . import nla, performance_keys

MOVED = "Strips of {} were moved, trimmed, muted or exchanged: press Animate."
RESPELLED = "A transcript of {} was changed: press Animate."


def store(head: bpy.types.Object, take: bytes, first: int, place: str, words: str) -> None:
    """Keeps a take with its speaker, in the .blend."""
    own = head.dgtalker_speech  # type: ignore[attr-defined]
    text = base64.b64encode(take).decode()
    own.take, own.first, own.place, own.words, own.written = text, first, place, words, ""


def forget(head: bpy.types.Object) -> None:
    """Drops a speaker's take: what it plays now was not made from it."""
    store(head, b"", 0, "", "")
    contacts.release(head)


def take_of(head: bpy.types.Object) -> Take | None:
    """The take that a speaker's keys were made from.

    Raises:
        DGTalkerError: it is damaged.
    """
    text = head.dgtalker_speech.take  # type: ignore[attr-defined]
    return _parsed(text) if text else None


@lru_cache(maxsize=8)
def _parsed(text: str) -> Take:
    try:
        data = base64.b64decode(text)
    except ValueError as error:
        raise DGTalkerError(f"The take cannot be read: {error}.", "Animate the head again.") from error
    return Take.from_bytes(data)


def scene_of(head: bpy.types.Object) -> bpy.types.Scene | None:
    """The scene on whose timeline a speaker's take was made."""
    own = head.dgtalker_speech  # type: ignore[attr-defined]
    scenes = [scene for scene in bpy.data.scenes if any(strips.strips_of(scene, head))]
    fitting = (scene for scene in scenes if place(scene, strips.heard_of(scene, head)) == own.place)
    return next(fitting, scenes[0] if scenes else None)


def stale_reason(head: bpy.types.Object) -> str:
    """Why a speaker's keys cannot follow what is set now; empty when they can."""
    scene = scene_of(head)
    if scene is None or place(scene, strips.heard_of(scene, head)) != head.dgtalker_speech.place:  # type: ignore
        return MOVED.format(head.name)
    return performance_keys.locked_reason(head)


def outdated_reason(head: bpy.types.Object) -> str:
    """What was changed that only the engine can answer; empty when nothing was."""
    scene = scene_of(head)
    reason = stale_reason(head)
    if not reason and scene and words(strips.heard_of(scene, head)) != head.dgtalker_speech.words:  # type: ignore
        return RESPELLED.format(head.name)
    return reason


def rewrite(head: bpy.types.Object) -> list[str]:
    """Performs a speaker's take anew as its strips and styles are set now; hand keys stay.

    Returns:
        Sentences for the user about what was left out.

    Raises:
        DGTalkerError: there is no take, it is damaged, or strips were moved since; nothing was changed.
    """
    take = take_of(head)
    if take is None:
        raise DGTalkerError(f"{head.name} was not animated yet.", "Press Animate.")
    reason = stale_reason(head)
    if reason:
        raise DGTalkerError(reason)
    scene = scene_of(head)
    assert scene is not None
    first = head.dgtalker_speech.first  # type: ignore[attr-defined]
    return write(head, take, first, directions(scene, head, first))


def write(head: bpy.types.Object, take: Take, first: int, asked: Sequence[Direction]) -> list[str]:
    """Writes the keys of a take that starts at frame `first`; lips that were mended are mended again."""
    moods = styles(head, first, take.frames)
    notes = performance_keys.write(head, perform(take, asked, moods), first)
    head.dgtalker_speech.written = _mark(head, first, asked, moods)  # type: ignore[attr-defined]
    if contacts.mended(head):
        contacts.mend(head, take, first, asked)
    return notes


def behind(head: bpy.types.Object) -> bool:
    """Whether the keys were written with other settings than there are now, as after an undo."""
    own = head.dgtalker_speech  # type: ignore[attr-defined]
    take = take_of(head)
    scene = scene_of(head) if take else None
    if take is None or scene is None or stale_reason(head):
        return False
    asked = directions(scene, head, own.first)
    return own.written != _mark(head, own.first, asked, styles(head, own.first, take.frames))


def directions(scene: bpy.types.Scene, head: bpy.types.Object, first: int) -> list[Direction]:
    """What a speaker's strips ask for, in seconds from frame `first` on."""
    clock = strips.clock(scene)
    sounds = strips.heard_of(scene, head)
    found = []
    for sound, reach in zip(sounds, timing.reaches([sound.span for sound in sounds], clock), strict=True):
        own = sound.strip.dgtalker
        start, end = (clock.seconds(frame - first) for frame in (reach.start, reach.end))
        found.append(settings.direction(start, end, lambda name, own=own: getattr(own, name)))
    return found


def styles(head: bpy.types.Object, first: int, frames: int) -> dict[str, np.ndarray]:
    """The speaker's own styles on each frame, float32 (frames,): those that are keyed or above 0."""
    own = head.dgtalker_speech  # type: ignore[attr-defined]
    curves = {curve.data_path: curve for curve in nla.active_curves(head)}
    found: dict[str, np.ndarray] = {}
    for name in settings.MOODS:
        curve = curves.get(own.path_from_id(name))
        if curve is not None:
            values = [curve.evaluate(frame) for frame in range(first, first + frames)]
            found[name] = np.clip(np.array(values, np.float32), 0.0, 1.0)
        elif getattr(own, name) > 0.0:
            found[name] = np.full(frames, getattr(own, name), np.float32)
    return found


def place(scene: bpy.types.Scene, sounds: Sequence[strips.SoundStrip]) -> str:
    """Where strips lie and what of their sound is heard: keys fit only as long as this stays."""
    clock = strips.clock(scene)
    heard = [
        [sound.span.start, sound.span.end, *strips.content(sound.strip), *strips.played(sound.strip)]
        for sound in sounds
    ]
    first = timing.whole_take([sound.span for sound in sounds], clock)[0] if sounds else 0
    return _hash([round(clock.rate, 6), first, heard])


def words(sounds: Sequence[strips.SoundStrip]) -> str:
    return _hash([[sound.strip.dgtalker.transcript, sound.strip.dgtalker.cues] for sound in sounds])


def _mark(head: bpy.types.Object, first: int, asked: Sequence[Direction], moods: dict[str, np.ndarray]) -> str:
    curves = {name: hashlib.sha256(curve.tobytes()).hexdigest() for name, curve in moods.items()}
    return _hash([first, repr(asked), curves, head.dgtalker_speech.turns])  # type: ignore[attr-defined]


def _hash(data: list) -> str:
    return hashlib.sha256(json.dumps(data).encode()).hexdigest()[:16]
