"""A word of a strip, an entry of `strip.dgtalker.words`."""

from __future__ import annotations

from typing import Any

import bpy

from .takes import live, words


def _word_corrected(word: Any, context: bpy.types.Context) -> None:
    words.correct(word)


def _edge(edge: str, name: str, description: str) -> Any:
    """The frame at which a word starts or ends."""

    def get(word: Any) -> float:
        return words.frame_of(word, edge)

    def move(word: Any, frame: float) -> None:
        speaker = words.move(word, edge, frame)
        if speaker is not None:
            live.follow(speaker)

    return bpy.props.FloatProperty(
        name=name, description=description, get=get, set=move, step=20, precision=1, options=set()
    )


class SpokenWord(bpy.types.PropertyGroup):
    """A word of a strip; see `takes.words`. Times are seconds of the strip's sound file."""

    text: bpy.props.StringProperty(
        name="Word",
        description="What is said here: correct it, put several words, or none, and press Animate",
        options=set(),
        update=_word_corrected,
    )
    said: bpy.props.StringProperty(options=set())
    """What stands in the transcript for it."""
    found: bpy.props.StringProperty(options=set())
    """What was recognised."""
    place: bpy.props.IntProperty(options=set())
    """Which of the strip's words it is."""
    found_start: bpy.props.FloatProperty(options=set())
    found_end: bpy.props.FloatProperty(options=set())
    start: bpy.props.FloatProperty(options=set())
    end: bpy.props.FloatProperty(options=set())
    first_frame: _edge("start", "Starts", "The frame at which this word starts: drag it, and the mouth follows")
    last_frame: _edge("end", "Ends", "The frame at which this word ends: drag it, and the mouth follows")
