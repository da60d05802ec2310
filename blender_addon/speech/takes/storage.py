"""A speaker's take in the .blend, with hashes of what it was made from, which tell when it fits no longer."""

from __future__ import annotations

import base64
import hashlib
import json
from collections.abc import Sequence
from functools import lru_cache
from typing import Any, Literal

import bpy

from dgtalker_engine.errors import DGTalkerError
from dgtalker_engine.performance import Take
from dgtalker_engine.performance.stage_directions import as_heard

from ...bridge import avatars
from ...properties import head_properties, speaker_properties, strip_properties
from ..timeline import sound_identity, speakers, strips, timing

Hash = Literal["strips_hash", "transcript_hash", "settings_hash"]

HEARING = 1
"""Raised where the engine hears more than before: takes of earlier versions are then listened to again at the next
Animate."""

NAMES_BEFORE: dict[Hash, str] = {"strips_hash": "place", "transcript_hash": "words", "settings_hash": "written"}
"""Where earlier versions kept them. They are read there until the next writing: opening a file changes nothing in it,
and heads that override a linked one have them there too."""


def store(
    head: bpy.types.Object,
    take: bytes,
    first: int,
    *,
    scene: str,
    strips_hash: str,
    sounds: str,
    transcript_hash: str,
    manner_of: str,
    notes: Sequence[str] = (),
) -> None:
    """Keeps a take that starts at frame `first` with its speaker; no keys were written from it yet.

    Args:
        scene: the name of the one on whose timeline it was made.
    """
    own = speaker_properties(head)
    own.scene = scene
    own.take, own.first, own.manner_of = base64.b64encode(take).decode(), first, manner_of
    own.sounds, own.heard = sounds, HEARING if take else 0
    own.notes = "\n".join(notes)
    keep_hash(head, "strips_hash", strips_hash)
    keep_hash(head, "transcript_hash", transcript_hash)
    keep_hash(head, "settings_hash", "")


def notes_of(head: bpy.types.Object) -> list[str]:
    """What the engine said of a speaker's take to the user."""
    return speaker_properties(head).notes.splitlines()


def forget(head: bpy.types.Object) -> None:
    """Drops a speaker's take."""
    store(head, b"", 0, scene="", strips_hash="", sounds="", transcript_hash="", manner_of="")


def take_of(head: bpy.types.Object) -> Take | None:
    """The take that a speaker's keys were made from.

    Raises:
        DGTalkerError: it is damaged.
    """
    text = speaker_properties(head).take
    return _parsed(text) if text else None


@lru_cache(maxsize=8)
def _parsed(text: str) -> Take:
    try:
        data = base64.b64decode(text)
    except ValueError as error:
        raise DGTalkerError(f"The take cannot be read: {error}.", "Animate the head again.") from error
    return Take.from_bytes(data)


def kept_hash(head: bpy.types.Object, name: Hash) -> str:
    """A hash that was kept with a speaker's take; empty where there is none."""
    own = speaker_properties(head)
    return getattr(own, name) or getattr(own, NAMES_BEFORE[name])


def keep_hash(head: bpy.types.Object, name: Hash, value: str) -> None:
    own = speaker_properties(head)
    setattr(own, name, value)
    if getattr(own, NAMES_BEFORE[name]):
        setattr(own, NAMES_BEFORE[name], "")


def wanted_manner(head: bpy.types.Object) -> str:
    """The hash of the avatar in whose manner a speaker is to speak; empty where as anybody does."""
    known = speaker_properties(head).own_manner and avatars.has_manner(head)
    return head_properties(head).avatar_hash if known else ""


def scene_of(head: bpy.types.Object) -> bpy.types.Scene | None:
    """The scene on whose timeline a speaker's take was made."""
    scenes = [scene for scene in bpy.data.scenes if any(strips.strips_of(scene, head))]
    if len(scenes) < 2:  # which saves hashing all of its strips
        return scenes[0] if scenes else None
    return next((scene for scene in scenes if fits(scene, head)), scenes[0])


def original_of(head: bpy.types.Object) -> bpy.types.Object | None:
    """Whom a speaker without a line has its take from, as copies of an object have: one that has lines, where there
    is any."""
    take = speaker_properties(head).take
    if not take or scene_of(head) is not None:
        return None
    others = (ob for ob in bpy.data.objects if ob != head and speaker_properties(ob).take == take)
    return next((ob for ob in others if speakers.is_speaker(ob) and scene_of(ob) is not None), None)


def spoken_elsewhere(scene: bpy.types.Scene, head: bpy.types.Object) -> bpy.types.Scene | None:
    """The other scene whose lines a speaker's keys speak now: they would be lost where it spoke a scene's. None: no
    such one."""
    own = speaker_properties(head)
    if not own.take or fits(scene, head):
        return None
    others = [other for other in bpy.data.scenes if other != scene and strips.audible_of(other, head)]
    if own.scene in bpy.data.scenes:
        return next((other for other in others if other.name == own.scene), None)
    return next((other for other in others if fits(other, head)), None)


def fits(scene: bpy.types.Scene, head: bpy.types.Object) -> bool:
    """Whether a speaker's strips lie in a scene as they did when its take was made, and have the same sound."""
    heard, kept = strips.audible_of(scene, head), speaker_properties(head).sounds
    # Earlier versions, which kept no sounds, did not look at how loud strips are, or retimed.
    if strips_hash(scene, heard, use=bool(kept)) != kept_hash(head, "strips_hash"):
        return False
    return sound_identity.same(kept, sound_identity.digests_if_read(heard))


def is_up_to_date(scene: bpy.types.Scene, head: bpy.types.Object) -> bool:
    """Whether the engine would find in a speaker's strips what is in its take: nothing that it hears was changed."""
    own, heard = speaker_properties(head), strips.audible_of(scene, head)
    if not own.take or own.heard != HEARING or wanted_manner(head) != own.manner_of:
        return False
    now = sound_identity.digests(heard)
    return (
        all(now.split(" "))
        and now == own.sounds
        and strips_hash(scene, heard) == kept_hash(head, "strips_hash")
        and transcript_hash(heard) == kept_hash(head, "transcript_hash")
    )


def strips_hash(scene: bpy.types.Scene, sounds: Sequence[strips.SoundStrip], *, use: bool = True) -> str:
    """Of where strips lie and, where `use`, how their sound is played: keys fit only as long as this stays."""
    clock = strips.clock(scene)
    played = [
        [
            sound.span.start,
            sound.span.end,
            *strips.content(sound.strip),
            *strips.played(sound.strip),
            *(sound_identity.use(scene, sound.strip) if use else ()),
        ]
        for sound in sounds
    ]
    first = timing.whole_take([sound.span for sound in sounds], clock)[0] if sounds else 0
    return hash_of([round(clock.rate, 6), first, played])


def transcript_hash(sounds: Sequence[strips.SoundStrip]) -> str:
    """Of what is known of the words of strips."""
    return hash_of([told_of_words(sound.strip) for sound in sounds])


def told_of_words(strip: Any) -> list[Any]:
    """What the engine is told of a strip's words; how they are said it need not know."""
    own = strip_properties(strip)
    return [*map(as_heard, (own.transcript, own.cues)), *([True] if own.words_certain else [])]


def hash_of(data: list[Any]) -> str:
    return hashlib.sha256(json.dumps(data).encode()).hexdigest()[:16]
