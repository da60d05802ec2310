"""From the sound strips of heads to their keys: mix, ask the engine, write."""

from __future__ import annotations

import json
from collections.abc import Generator, Sequence
from dataclasses import dataclass
from typing import Any

import bpy

from dgtalker_engine.errors import DGTalkerError
from dgtalker_engine.performance import Direction, Take
from dgtalker_engine.performance.transcripts import cues
from dgtalker_engine.wire import MAX_BODY

from ..bridge import engine
from ..head import model
from .keys import performance_keys, retarget
from .timeline import mixdown, speakers, strips, subtitles
from .timeline.timing import Clock, Span, in_frames, whole_take

MAX_PASSAGES = MAX_BODY - 2 * mixdown.MAX_SAMPLES
"""Bytes of JSON that follow the longest sound."""


@dataclass(frozen=True)
class Heard:
    """A take that waits to be written. Undo may replace Blender's objects meanwhile: their number stays.

    Attributes:
        take: the bytes of a Take.
        asked: what the strips asked for when they were heard.
        place: where they lay then.
        words: what they said then.
    """

    head: int
    name: str
    first: int
    take: bytes
    asked: list[Direction]
    place: str
    words: str
    notes: list[str]


def animate(context: bpy.types.Context, heads: Sequence[bpy.types.Object]) -> list[str]:
    """Animate heads from their sound strips, and wait for it.

    Returns:
        Sentences for the user: what the engine noticed and what was left out.

    Raises:
        DGTalkerError: nothing was changed.
    """
    steps = animate_steps(context, heads)
    try:
        while True:
            next(steps).wait()
    except StopIteration as end:
        return end.value


def animate_steps(
    context: bpy.types.Context, heads: Sequence[bpy.types.Object]
) -> Generator[engine.Pending, None, list[str]]:
    """`animate` in steps, one request each; Blender's data changes after the last one only."""
    scene = strips.timeline(context)
    reason = disabled_reason(context, heads)
    if reason:
        raise DGTalkerError(reason)
    clock = strips.clock(scene)
    numbers = [head.session_uid for head in heads]
    heard: list[Heard] = []
    for number in numbers:
        head = _head(number)
        sounds = _sounds(scene, head)
        first, last = whole_take([sound.span for sound in sounds], clock)
        asked = retarget.directions(scene, head, first)
        place, words, name = retarget.place(scene, sounds), retarget.words(sounds), head.name
        pending = _request(scene, head, sounds, first, last)
        yield pending
        reply = pending.result()
        notes = [in_frames(note, clock, first) for note in reply.header["notes"]]
        heard.append(Heard(number, name, first, bytes(reply.body), asked, place, words, notes))
    found = [_head(each.head, each.name) for each in heard]
    reason = next(filter(None, map(performance_keys.locked_reason, found)), "")
    if reason:
        raise DGTalkerError(reason)
    notes = []
    for each, head in zip(heard, found, strict=True):
        own = each.notes + _write(each, head)
        notes += [f"{head.name}: {note}" for note in own] if len(heard) > 1 else own
    return notes


def _write(heard: Heard, head: bpy.types.Object) -> list[str]:
    retarget.store(head, heard.take, heard.first, heard.place, heard.words)
    if not retarget.stale_reason(head):
        return retarget.rewrite(head)  # with the settings of now: sliders may have been moved meanwhile
    return retarget.write(head, Take.from_bytes(heard.take), heard.first, heard.asked)


def disabled_reason(context: bpy.types.Context, heads: Sequence[bpy.types.Object]) -> str:
    """Why these heads cannot be animated; empty when they can."""
    scene = strips.timeline(context)
    if strips.clock(scene).rate != strips.clock(context.scene).rate:
        return f"The scenes {scene.name} and {context.scene.name} run at different frame rates: make them equal."
    return next(filter(None, map(performance_keys.locked_reason, heads)), "") or shared_reason(heads)


def shared_reason(heads: Sequence[bpy.types.Object]) -> str:
    """Why heads cannot speak apart: linked duplicates have the same sliders. Empty when they can."""
    users: dict[Any, str] = {}
    for head in heads:
        for part in speakers.meshes(head):
            other = users.setdefault(model.key_of(part), head.name)
            if other != head.name:
                return (
                    f"{other} and {head.name} share their sliders: "
                    "Object ▸ Relations ▸ Make Single User ▸ Object & Data."
                )
    return ""


def _sounds(scene: bpy.types.Scene, head: bpy.types.Object) -> list[strips.SoundStrip]:
    sounds = strips.heard_of(scene, head)
    if not sounds:
        raise DGTalkerError(
            f"Nothing is heard of the sound strips of {head.name}.",
            "Give it a strip after frame 0, or unmute its strips, their channels or the meta strips around them.",
        )
    return sounds


def _request(
    scene: bpy.types.Scene, head: bpy.types.Object, sounds: Sequence[strips.SoundStrip], first: int, last: int
) -> engine.Pending:
    """Asks the engine for a head's take over the frames `first` to `last`."""
    clock = strips.clock(scene)
    passages = json.dumps([_passage(scene, sound, clock, first) for sound in sounds]).encode()
    if len(passages) > MAX_PASSAGES:
        raise DGTalkerError(
            f"The {len(sounds)} strips of {head.name} with their transcripts are too much to be animated at once.",
            "Mute some of them and animate in parts, or shorten their transcripts.",
        )
    mix = mixdown.mix(scene, sounds, first, last)
    header = {"sample_rate": mix.rate, "fps": clock.rate, "passages": len(passages)}
    return engine.submit("animate", header, [mix.samples, passages])


def _passage(scene: bpy.types.Scene, sound: strips.SoundStrip, clock: Clock, first: int) -> dict[str, Any]:
    """What the engine is told of one strip; seconds from the start of the mix.

    Subtitles that were read into it, and not edited since, keep their times, counted from the passage's start.
    """
    own = sound.strip.dgtalker
    transcript = own.transcript.strip()
    start = clock.seconds(sound.span.start - strips.file_start(scene, sound.strip))
    heard = Span(start, start + clock.seconds(sound.span.end - sound.span.start))
    unedited = transcript and transcript == subtitles.joined(cues(own.cues))
    if unedited and not len(sound.strip.retiming_keys):
        transcript = subtitles.written(subtitles.within(own.cues, heard))
    return {
        "start": round(clock.seconds(sound.span.start - first), 5),
        "end": round(clock.seconds(sound.span.end - first), 5),
        "transcript": transcript,
    }


def _head(number: int, name: str = "") -> bpy.types.Object:
    for ob in bpy.data.objects:
        if ob.session_uid == number and speakers.is_speaker(ob):
            return ob
    raise DGTalkerError(f"The head {name} was deleted while it was being animated.")
