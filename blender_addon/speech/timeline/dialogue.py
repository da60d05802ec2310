"""A script's lines are given to heads and strips."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

import bpy

from dgtalker_engine.performance.dialogue import SpokenLine, same_name
from dgtalker_engine.performance.transcripts import Cue

from ...properties import strip_properties
from . import speakers, strips, subtitles
from .strips import SoundStrip
from .timing import Span

Head = bpy.types.Object

ENOUGH = 0.8
"""Of what a strip plays of a line at most, what another plays to be chosen where it is shorter: music lasts longer than
the lines above it."""


@dataclass
class Given:
    """What became of a script.

    Attributes:
        strips: how many have words of it now.
        lines: how many of its lines they say.
        notes: sentences for the user about the rest.
    """

    strips: int = 0
    lines: int = 0
    notes: list[str] = field(default_factory=list)


def give(scene: bpy.types.Scene, lines: Sequence[SpokenLine]) -> Given:
    """Sets the speakers and transcripts of a scene's sound strips.

    Lines with times, counted from the scene's first frame on, go to the strip that plays most of them, the
    shortest of several; those without, in order, to the strips of their speaker. A strip that has a speaker keeps it.
    """
    given = Given()
    heads = _heads(scene, lines, given.notes)
    every = sorted(
        (sound for sound in strips.sound_strips(scene) if not sound.span.empty), key=lambda sound: sound.span.start
    )
    if all(line.start is not None for line in lines):
        places = _by_time(scene, lines, heads, every)
    else:
        places = _in_order(lines, heads, every, given.notes)
    left = [line for number, line in enumerate(lines) if number not in places]
    if left:
        named = ", ".join(f'"{line.text[:30]}"' for line in left[:3]) + (" …" if len(left) > 3 else "")
        given.notes.append(f"{len(left)} lines have no strip: {named}.")
    for number, sound in enumerate(every):
        mine = [lines[i] for i, place in sorted(places.items()) if place == number]
        if mine:
            _tell(scene, sound, mine, heads)
            given.strips, given.lines = given.strips + 1, given.lines + len(mine)
    return given


def _heads(scene: bpy.types.Scene, lines: Sequence[SpokenLine], notes: list[str]) -> dict[str, Head]:
    """The heads of the names in a script."""
    known = speakers.in_scene(scene) or speakers.in_scene(bpy.context.scene)
    found: dict[str, Head] = {}
    missing: list[str] = []
    for name in dict.fromkeys(line.speaker for line in lines if line.speaker):
        exact = [head for head in known if head.name.casefold() == name.casefold()]
        alike = exact or [head for head in known if same_name(head.name, name)]
        if alike:
            found[name] = alike[0]
        else:
            missing.append(name)
    if missing:
        notes.append(f"No head is called {', '.join(missing)}: rename one, and read the script again.")
    return found


def _by_time(
    scene: bpy.types.Scene, lines: Sequence[SpokenLine], heads: dict[str, Head], every: Sequence[SoundStrip]
) -> dict[int, int]:
    """The numbers of strips by those of lines."""
    places: dict[int, int] = {}
    owned = [strips.speaker(sound.strip) for sound in every]
    for number, line in enumerate(lines):
        span, wanted = _span(scene, line), heads.get(line.speaker)
        shared: dict[int, float] = {}
        for place, (sound, own) in enumerate(zip(every, owned, strict=True)):
            inside = sound.span.clipped(span)
            if inside.empty or (line.speaker and own is not None and own != wanted):
                continue
            # Of strips at the same time, the one of whoever speaks the line.
            shared[place] = (inside.end - inside.start) * (1.5 if own is not None and own == wanted else 1.0)
        if shared and (not line.speaker or line.speaker in heads):
            enough = ENOUGH * max(shared.values())
            near = [place for place, frames in shared.items() if frames >= enough]
            places[number] = min(near, key=lambda place: every[place].span.end - every[place].span.start)
    return places


def _span(scene: bpy.types.Scene, line: SpokenLine) -> Span:
    clock = strips.clock(scene)
    assert line.start is not None
    assert line.end is not None
    return Span(scene.frame_start + clock.frames(line.start), scene.frame_start + clock.frames(line.end))


def _in_order(
    lines: Sequence[SpokenLine], heads: dict[str, Head], every: Sequence[SoundStrip], notes: list[str]
) -> dict[int, int]:
    """As `_by_time`: each speaker's lines to its strips, or, where no strip has a speaker, all lines to all strips."""
    owned = [strips.speaker(sound.strip) for sound in every]
    if not any(owned):
        spoken = [number for number, line in enumerate(lines) if line.speaker in heads]
        _compare("The script", len(spoken), len(every), notes)
        return dict(zip(spoken, range(len(every)), strict=False))
    places: dict[int, int] = {}
    for head in dict.fromkeys(heads.values()):
        mine = [number for number, line in enumerate(lines) if heads.get(line.speaker) == head]
        played = [place for place, own in enumerate(owned) if own == head]
        _compare(head.name, len(mine), len(played), notes)
        places |= dict(zip(mine, played, strict=False))
    return places


def _compare(who: str, lines: int, played: int, notes: list[str]) -> None:
    if lines != played:
        notes.append(f"{who} has {lines} lines and {played} strips: they were given in order.")


def _tell(scene: bpy.types.Scene, sound: SoundStrip, mine: Sequence[SpokenLine], heads: dict[str, Head]) -> None:
    """Lets a strip say lines."""
    strip, clock = sound.strip, strips.clock(scene)
    own: Any = strip_properties(strip)
    head = next((heads[line.speaker] for line in mine if line.speaker in heads), None)
    if own.speaker is None and head is not None:
        own.speaker = head
    own.transcript, own.cues = " ".join(line.text for line in mine), ""
    if all(line.start is not None for line in mine) and not len(strip.retiming_keys):
        zero = strips.file_start(scene, strip)
        spans = [_span(scene, line).clipped(sound.span) for line in mine]
        own.cues = subtitles.written(
            Cue(clock.seconds(span.start - zero), clock.seconds(span.end - zero), line.text)
            for span, line in zip(spans, mine, strict=True)
        )
        own.transcript = " ".join(own.transcript.split())
