"""The words that were recognised in a strip, on `strip.dgtalker.words`: shown, corrected and moved there.

Their times are seconds of the strip's sound file, so that they stay right when the strip is moved or trimmed. A
corrected word makes the line's transcript `words_certain`: the engine follows it. A word that was moved in time moves
the mouth at once, without the engine: `performance.retiming` stretches what was found in the sound.
"""

from __future__ import annotations

import contextlib
import itertools
import json
import math
from collections.abc import Iterator, Sequence
from typing import Any

import bpy

from dgtalker_engine.errors import DGTalkerError
from dgtalker_engine.performance import Take
from dgtalker_engine.performance.retiming import retimed
from dgtalker_engine.performance.stage_directions import spoken
from dgtalker_engine.performance.transcripts import Cue

from ...properties import speaker_properties, strip_properties
from ..timeline import respelling, sound_identity, strips
from ..timeline.timing import Span
from . import storage

SHORTEST = 0.02
"""Seconds that a word which is moved lasts at least."""

TOUCH = 0.03
"""Seconds between words that touch: the end of one is the start of the other."""

_NEAR = 0.04
"""Seconds by which a word may be found elsewhere in the same sound, and be the same."""

_AROUND = 0.3
"""Seconds before and after a strip at which nothing is moved any more, or less where another one is near."""

_APART = 1e-3
"""Seconds between what is moved and what stays, at least."""

_filling: list[bool] = []
"""Not empty while words are kept, which corrects none."""


def fill(scene: bpy.types.Scene, sounds: Sequence[strips.SoundStrip], take: Take, first: int) -> None:
    """Keeps the words of a take that starts at frame `first` with the strips that speak them. One that was moved, and
    was found there again, stays moved."""
    clock = strips.clock(scene)
    with _unnoticed():
        for sound in sounds:
            own = strip_properties(sound.strip)
            kept = [(word.found, word.found_start, word.start, word.end) for word in own.words if is_moved(word)]
            own.words.clear()
            played = strips.played_seconds(scene, sound.strip)
            own.words_span = played.start, played.end
            own.words_sound = _sound_of(sound.strip)
            later = clock.seconds(first - strips.file_start(scene, sound.strip))
            for word in take.words:
                middle = first + clock.frames((word.start + word.end) / 2)
                if sound.span.start <= middle < sound.span.end:
                    entry = own.words.add()
                    entry.place = len(own.words) - 1
                    entry.text = entry.said = entry.found = word.name
                    entry.start = entry.found_start = word.start + later
                    entry.end = entry.found_end = word.end + later
                    for name, found, start, end in kept:
                        if name == word.name and abs(found - entry.found_start) < _NEAR:
                            entry.start, entry.end = start, end


@contextlib.contextmanager
def _unnoticed() -> Iterator[None]:
    """What is written into words within corrects nothing."""
    _filling.append(True)
    try:
        yield
    finally:
        _filling.clear()


def is_filling() -> bool:
    """Whether words and transcripts are being written that nobody has typed."""
    return bool(_filling)


def is_moved(word: Any) -> bool:
    """Whether a word was moved in time."""
    return (word.start, word.end) != (word.found_start, word.found_end)


def correct(word: Any) -> None:
    """Follows a word that was typed: its strip's transcript is what is said now, for certain."""
    if _filling:
        return
    strip = strip_of(word)
    own = strip_properties(strip)
    index = word.place
    before = [each.text for each in own.words]
    before[index] = word.said
    spelled = respelling.respelled(own.transcript, before, index, " ".join(word.text.split()))
    with _unnoticed():
        word.said = word.text
        own.transcript = spelled
    own.words_certain = True


def all_emptied(strip: Any) -> bool:
    """Whether somebody emptied every word of a strip, so that nothing is said in it."""
    own = strip_properties(strip)
    typed = spoken(own.transcript).strip()
    return own.words_certain and not typed and not any(word.text.strip() for word in own.words)


def strip_of(word: Any) -> Any:
    """The strip whose word this is: Blender knows no path to what hangs on a strip."""
    for strip in word.id_data.sequence_editor.strips_all:
        every = strip_properties(strip).words
        if word.place < len(every) and every[word.place] == word:
            return strip
    raise DGTalkerError("The strip of this word was removed.")


def _sound_of(strip: Any) -> str:
    """What a strip's words were found in: its sound's bytes, the channel and how they are retimed, wherever the strip
    lies."""
    start = strips.content(strip)[0]
    return json.dumps(
        [
            sound_identity.digest(strip.sound),
            *(round(key.timeline_frame - start, 3) for key in strip.retiming_keys),
            *sound_identity.channel(strip),
        ]
    )


def corrected_cues(strip: Any) -> list[Cue] | None:
    """The words of a line that somebody has corrected, each with when it is spoken; seconds of its sound file.

    None where nobody has, or in another sound than the strip has now.
    """
    own = strip_properties(strip)
    if not own.words_certain or own.words_sound != _sound_of(strip):
        return None
    return [Cue(word.found_start, word.found_end, word.text.strip()) for word in own.words if word.text.strip()]


def covers(strip: Any, played: Span) -> bool:
    """Whether all that a strip plays was heard when its words were kept; `played` is seconds of its sound file."""
    start, end = strip_properties(strip).words_span
    return start - TOUCH <= played.start and played.end <= end + TOUCH


def frame_of(word: Any, edge: str) -> float:
    """The frame of the scene at which a word starts or ends (`edge`)."""
    scene = word.id_data
    return strips.file_start(scene, strip_of(word)) + strips.clock(scene).frames(getattr(word, edge))


def move(word: Any, edge: str, frame: float) -> bpy.types.Object | None:
    """Moves the start or the end (`edge`) of a word, as far as its neighbours and the strip's ends let it; one that
    touches it there moves with it.

    Returns:
        who speaks the strip.
    """
    scene, strip = word.id_data, strip_of(word)
    words = strip_properties(strip).words
    i = word.place
    wanted = strips.clock(scene).seconds(frame - strips.file_start(scene, strip))
    played = strips.played_seconds(scene, strip)
    beside = words[i - 1] if edge == "start" and i else words[i + 1] if edge == "end" and i + 1 < len(words) else None
    if edge == "start":
        touches = beside is not None and word.found_start - beside.found_end < TOUCH
        least = min(played.start, word.found_start)
        if beside is not None:
            least = beside.start + SHORTEST if touches else beside.end
        word.start = max(least, min(wanted, word.end - SHORTEST))
        if beside is not None and touches:
            beside.end = word.start
    else:
        touches = beside is not None and beside.found_start - word.found_end < TOUCH
        most = max(played.end, word.found_end)
        if beside is not None:
            most = beside.end - SHORTEST if touches else beside.start
        word.end = min(most, max(wanted, word.start + SHORTEST))
        if beside is not None and touches:
            beside.start = word.end
    return strips.speaker(strip)


def put_back(words: Any) -> None:
    """Lets moved words be where they were found."""
    for word in words:
        word.start, word.end = word.found_start, word.found_end


def moves(head: bpy.types.Object) -> list[tuple[float, float]]:
    """When something of a speaker's take happens, and when it is to happen, as `retimed` takes it; none where no word
    was moved, or the strips do not lie any more as they did when it was heard."""
    scene = storage.scene_of(head)
    if scene is None:
        return []
    sounds = strips.audible_of(scene, head)
    moved = any(is_moved(word) for sound in sounds for word in strip_properties(sound.strip).words)
    # at every step of a slider: whether the sounds are those that were heard is looked at where it matters only
    if not moved or not storage.fits(scene, head):
        return []
    clock, first = strips.clock(scene), speaker_properties(head).first
    pairs: list[tuple[float, float]] = []
    spans = [Span(clock.seconds(sound.span.start - first), clock.seconds(sound.span.end - first)) for sound in sounds]
    for sound, reach in zip(sounds, _reaches(spans), strict=True):
        every = strip_properties(sound.strip).words
        if not any(is_moved(word) for word in every):
            continue
        later = clock.seconds(first - strips.file_start(scene, sound.strip))
        within = [(word.found_start - later, word.start - later) for word in every]
        within += [(word.found_end - later, word.end - later) for word in every]
        pairs += _fixed_around(reach, within)
    return list(_rising(pairs))


def _reaches(spans: Sequence[Span]) -> list[Span]:
    """How far around each strip words that were moved in it act: not into another strip. Spans by when they start."""
    halves = [(before.end + after.start) / 2 for before, after in itertools.pairwise(spans)]
    lows, highs = [-math.inf, *halves], [*halves, math.inf]
    return [
        Span(max(span.start - _AROUND, low), min(span.end + _AROUND, high))
        for span, low, high in zip(spans, lows, highs, strict=True)
    ]


def _fixed_around(reach: Span, pairs: Sequence[tuple[float, float]]) -> list[tuple[float, float]]:
    """Pairs within a reach, by when they are heard, and its ends, which stay where they are."""
    if reach.end - reach.start < 3 * _APART:
        return []
    least, most = reach.start + _APART, reach.end - _APART
    inside = [(source, min(max(target, least), most)) for source, target in sorted(pairs) if least < source < most]
    return [(reach.start, reach.start), *inside, (reach.end, reach.end)]


def _rising(pairs: Sequence[tuple[float, float]]) -> Iterator[tuple[float, float]]:
    """Pairs without those that would play backwards."""
    last = (float("-inf"), float("-inf"))
    for source, target in pairs:
        if source > last[0] + 1e-4 and target > last[1] + 1e-4:
            last = (source, target)
            yield last


def take_of(head: bpy.types.Object) -> Take | None:
    """The take of a speaker with its words where they were moved to. Raises DGTalkerError where it is damaged."""
    take = storage.take_of(head)
    return None if take is None else retimed(take, moves(head))
