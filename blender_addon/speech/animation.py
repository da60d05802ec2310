"""From the sound strips of heads to their keys: mix, ask the engine, write."""

from __future__ import annotations

import json
from collections.abc import Generator, Sequence
from dataclasses import dataclass
from typing import Any

import bpy

from dgtalker_engine.errors import DGTalkerError
from dgtalker_engine.performance import Direction, Take, perform
from dgtalker_engine.wire import MAX_HEADER

from ..bridge import engine
from ..head import model
from . import keys, mixdown, strips
from .timing import Clock, in_frames, whole_take

MAX_PASSAGES_TEXT = MAX_HEADER - 1024
"""Letters of JSON; what else the request's header holds is short."""


@dataclass(frozen=True)
class Heard:
    """A take that waits to be written. Undo may replace Blender's objects meanwhile: their number stays."""

    head: int
    name: str
    first: int
    take: Take
    directions: list[Direction]
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
        pending, first, directions = _request(scene, head)
        name = head.name
        yield pending
        reply = pending.result()
        notes = [in_frames(note, clock, first) for note in reply.header["notes"]]
        heard.append(Heard(number, name, first, Take.from_bytes(reply.body), directions, notes))
    found = [_head(each.head, each.name) for each in heard]
    reason = next(filter(None, map(locked_reason, found)), "")
    if reason:
        raise DGTalkerError(reason)
    notes = []
    for each, head in zip(heard, found, strict=True):
        own = each.notes + keys.write(head, perform(each.take, each.directions), each.first)
        notes += [f"{head.name}: {note}" for note in own] if len(heard) > 1 else own
    return notes


def disabled_reason(context: bpy.types.Context, heads: Sequence[bpy.types.Object]) -> str:
    """Why these heads cannot be animated; empty when they can."""
    scene = strips.timeline(context)
    if strips.clock(scene).rate != strips.clock(context.scene).rate:
        return f"The scenes {scene.name} and {context.scene.name} run at different frame rates: make them equal."
    return next(filter(None, map(locked_reason, heads)), "") or shared_reason(heads)


def locked_reason(head: bpy.types.Object) -> str:
    """Why a head cannot be animated; empty when it can."""
    if keys.tweaked(head):
        return f"An NLA strip of {head.name} is being edited: leave it with Tab in the NLA editor first."
    return model.locked_reason(head)


def shared_reason(heads: Sequence[bpy.types.Object]) -> str:
    """Why heads cannot speak apart: linked duplicates have the same sliders. Empty when they can."""
    users: dict[Any, str] = {}
    for head in heads:
        other = users.setdefault(model.key_of(head), head.name)
        if other != head.name:
            return (
                f"{other} and {head.name} share their sliders: Object ▸ Relations ▸ Make Single User ▸ Object & Data."
            )
    return ""


def _request(scene: bpy.types.Scene, head: bpy.types.Object) -> tuple[engine.Pending, int, list[Direction]]:
    """Asks the engine for a head's take, and returns the frame at which it starts and the strips' settings."""
    sounds = [sound for sound in strips.strips_of(scene, head) if sound.heard]
    if not sounds:
        raise DGTalkerError(
            f"Nothing is heard of the sound strips of {head.name}.",
            "Give it a strip after frame 0, or unmute its strips, their channels or the meta strips around them.",
        )
    clock = strips.clock(scene)
    first, last = whole_take([sound.span for sound in sounds], clock)
    passages = [_passage(each, clock, first) for each in sounds]
    if len(json.dumps(passages)) > MAX_PASSAGES_TEXT:
        raise DGTalkerError(
            f"The {len(sounds)} strips of {head.name} with their transcripts are too much to be animated at once.",
            "Mute some of them and animate in parts, or shorten their transcripts.",
        )
    mix = mixdown.mix(scene, sounds, first, last)
    header = {"sample_rate": mix.rate, "fps": clock.rate, "passages": passages}
    directions = [_direction(each, clock, first) for each in sounds]
    return engine.submit("animate", header, mix.samples), first, directions


def _passage(sound: strips.SoundStrip, clock: Clock, first: int) -> dict[str, Any]:
    """What the engine is told of one strip; seconds from the start of the mix."""
    return {
        "start": round(clock.seconds(sound.span.start - first), 5),
        "end": round(clock.seconds(sound.span.end - first), 5),
        "transcript": sound.strip.dgtalker.transcript.strip(),
    }


def _direction(sound: strips.SoundStrip, clock: Clock, first: int) -> Direction:
    """The settings of one strip; seconds from the start of the mix."""
    settings = sound.strip.dgtalker
    return Direction(
        clock.seconds(sound.span.start - first),
        clock.seconds(sound.span.end - first),
        lips=settings.lips,
        jaw=settings.lips,
        expression=settings.expression,
        head=settings.head,
        blinks=settings.blinks,
    )


def _head(number: int, name: str = "") -> bpy.types.Object:
    for ob in bpy.data.objects:
        if ob.session_uid == number and model.is_head(ob):
            return ob
    raise DGTalkerError(f"The head {name} was deleted while it was being animated.")
