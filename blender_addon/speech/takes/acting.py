"""The stage directions in the transcript of a strip, at the words that were heard in it."""

from __future__ import annotations

import math
from typing import Any

import bpy

from dgtalker_engine.performance import Direction, Word, directed_lines, stage_directions
from dgtalker_engine.performance.directed_lines import Placed

from ...properties import strip_properties
from ..timeline import strips


def placed(scene: bpy.types.Scene, strip: Any) -> tuple[Placed, ...]:
    """A strip's stage directions where its words are now, also those that were moved; in seconds of its sound file."""
    own = strip_properties(strip)
    if not stage_directions.read(own.transcript):
        return ()
    words = tuple(Word(word.text, word.start, word.end) for word in own.words if math.isfinite(word.start + word.end))
    played = strips.played_seconds(scene, strip)
    return directed_lines.placed(own.transcript, words, played.start, played.end)


def directed(scene: bpy.types.Scene, strip: Any, line: Direction, first: int) -> list[Direction]:
    """What a strip asks for, divided by its stage directions; in seconds from frame `first` on."""
    found = placed(scene, strip)
    if not found:
        return [line]
    later = strips.clock(scene).seconds(strips.file_start(scene, strip) - first)
    return directed_lines.directed(line, [directed_lines.moved(each, later) for each in found])


def notes(scene: bpy.types.Scene, head: bpy.types.Object) -> list[str]:
    """Sentences for the user about stage directions of a speaker's strips that come to nothing."""
    said = [
        note for sound in strips.audible_of(scene, head) for note in directed_lines.notes(placed(scene, sound.strip))
    ]
    return list(dict.fromkeys(said))
