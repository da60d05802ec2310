"""A speaker's lines: what strips ask of the engine, which of it is known, and a take laid out of that anew."""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Any

import bpy

from dgtalker_engine.errors import DGTalkerError

from ...properties import speaker_properties
from ..keys.moves import Move
from ..timeline import sound_identity, strips, timing
from ..timeline.strips import SoundStrip
from ..timeline.timing import Span
from . import line_bank, storage, words
from .line_bank import HeardLine, PlacedLine


def of(scene: bpy.types.Scene, head: bpy.types.Object, *, read: bool = True) -> list[PlacedLine]:
    """The lines that a speaker's audible strips make, by when they start.

    Args:
        read: sounds that are new or changed; else their lines are unknown until they were read.
    """
    clock, lines = strips.clock(scene), []
    groups = _apart(strips.audible_of(scene, head))
    spans = [Span(group[0].span.start, max(sound.span.end for sound in group)) for group in groups]
    manner = storage.wanted_manner(head)
    for group, span, reach in zip(groups, spans, timing.reaches(spans, clock), strict=True):
        zero = strips.file_start(scene, group[0].strip)
        sounds, told = [], []
        for sound in group:
            digest = sound_identity.digest if read else sound_identity.digest_if_read
            place = [] if len(group) == 1 else [sound.span.start - zero, sound.span.end - zero]
            start = strips.file_start(scene, sound.strip) - zero
            sounds.append([digest(sound.strip.sound) or None, *sound_identity.retiming(sound.strip), start, *place])
            level = sound_identity.level(scene, sound.strip)
            told.append([*level, *sound_identity.channel(sound.strip), *storage.told_of_words(sound.strip)])
        known = all(each[0] for each in sounds)
        lines.append(
            PlacedLine(
                name=group[0].strip.name,
                sound=storage.hash_of(sounds) if known else "",
                heard_as=storage.hash_of([round(clock.rate, 6), storage.HEARING, manner, told]),
                zero=zero,
                start=span.start,
                end=span.end,
                reach_start=reach.start,
                reach_end=reach.end,
                rate=clock.rate,
                alone=len(group) == 1,
            )
        )
    return lines


def _apart(sounds: Sequence[SoundStrip]) -> list[list[SoundStrip]]:
    """Strips in order, those together that sound at the same time."""
    groups: list[list[SoundStrip]] = []
    end = 0.0
    for sound in sounds:
        if groups and sound.span.start < end:
            groups[-1].append(sound)
        else:
            groups.append([sound])
        end = max(end, sound.span.end) if len(groups[-1]) > 1 else sound.span.end
    return groups


def unheard(lines: Sequence[PlacedLine]) -> list[PlacedLine]:
    """Those lines that only the engine can answer, whoever spoke them when they were heard."""
    bank = _everybodys()
    return [line for line in lines if not line.sound or line_bank.answer_to(line, bank) is None]


def answers(lines: Sequence[PlacedLine]) -> list[HeardLine]:
    """What was heard of those lines that are known, whoever spoke them."""
    bank = _everybodys()
    return [own for own in (line_bank.answer_to(line, bank) for line in lines) if own]


def _everybodys() -> list[HeardLine]:
    """What was heard of all speakers' lines. Raises DGTalkerError where that of one is damaged."""
    bank: list[HeardLine] = []
    for ob in bpy.data.objects:
        try:
            bank += line_bank.from_text(speaker_properties(ob).heard_lines)
        except DGTalkerError as error:
            raise DGTalkerError(f"{ob.name}: {error.message}", error.hint) from error
    return bank


def lie_still(lines: Sequence[PlacedLine], now: Sequence[PlacedLine]) -> bool:
    """Whether lines sound as they did, and where they did."""

    def heard(line: PlacedLine) -> tuple[str, str, float, float, float]:
        return line.sound, line.heard_as, line.zero, line.start, line.end

    return {heard(line) for line in lines} <= {heard(line) for line in now}


def followed(scene: bpy.types.Scene, head: bpy.types.Object) -> bool:
    """Whether a speaker's take can be laid out anew as its strips lie now, without the engine. Cheap."""
    if not speaker_properties(head).heard_lines:
        return False
    lines = of(scene, head, read=False)
    try:
        return bool(lines) and not unheard(lines)
    except DGTalkerError:  # what is kept is damaged, which Animate says
        return False


def know(scene: bpy.types.Scene, head: bpy.types.Object) -> None:
    """Keeps the lines of a take of an earlier version, which fits what its strips are now."""
    own: Any = speaker_properties(head)
    if own.placed_lines:
        return
    every = of(scene, head)
    if all(line.sound for line in every):
        take = storage.take_of(head)
        assert take is not None
        _keep(head, every, line_bank.heard(take.to_bytes(), own.first, every))


def lay_out(
    scene: bpy.types.Scene,
    head: bpy.types.Object,
    lines: Sequence[PlacedLine],
    new: Sequence[HeardLine] = (),
    **hashes: Any,
) -> list[Move]:
    """Makes a speaker's take of its lines, and keeps it.

    Args:
        scene: in which they lie.
        lines: what is not `new` was heard before.
        hashes: what else `storage.store` keeps.

    Returns:
        which frames are spoken elsewhere now.
    """
    own = speaker_properties(head)
    placed = line_bank.placed_from_text(own.placed_lines)
    before = storage.take_of(head) if placed else None
    bank = _keep(head, lines, new)
    first, last = timing.whole_take([Span(line.start, line.end) for line in lines], strips.clock(scene))
    take = line_bank.laid(lines, bank, first, last, before.seed if before else None)
    storage.store(head, take.to_bytes(), first, scene=scene.name, **hashes)
    return line_bank.moves(placed, lines)


def fill_words(scene: bpy.types.Scene, head: bpy.types.Object) -> None:
    """Keeps the words of a speaker's take with its strips."""
    take = storage.take_of(head)
    assert take is not None
    words.fill(scene, strips.audible_of(scene, head), take, speaker_properties(head).first)


def notes_that_stay(head: bpy.types.Object) -> list[str]:
    """What the engine said of a speaker's take, without what lies elsewhere now."""
    return [note for note in storage.notes_of(head) if not re.search(r"\bframe \d", note)]


def _keep(head: bpy.types.Object, lines: Sequence[PlacedLine], new: Sequence[HeardLine]) -> list[HeardLine]:
    """Remembers what was heard, and where the lines lie."""
    own = speaker_properties(head)
    mine = [*new, *line_bank.from_text(own.heard_lines)]
    bank = line_bank.kept([*answers([line for line in lines if line_bank.answer_to(line, mine) is None]), *mine], lines)
    own.heard_lines, own.placed_lines = line_bank.to_text(bank), line_bank.placed_to_text(lines)
    return bank


def forget(head: bpy.types.Object) -> None:
    own = speaker_properties(head)
    own.heard_lines, own.placed_lines = "", ""
