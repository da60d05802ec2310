"""What a head plays: what is performed of its take, what comes of listening, a recording and its gaze, laid over each
other; and the hash that tells whether its keys do."""

from __future__ import annotations

import hashlib
from collections.abc import Generator, Sequence
from dataclasses import fields

import bpy
import numpy as np

from dgtalker_engine.performance import Direction, Performance, Take, perform

from ...properties import speaker_properties
from ..keys.punch_in import Within
from ..stepwise import Aside, awaited
from ..timeline import strips
from . import gaze, listeners, recordings, storage, wanted

_REMEMBERED = 8
_performed: dict[str, Performance] = {}
"""By the hash of what it was performed from, oldest first."""


def steps(
    head: bpy.types.Object,
    take: Take | None,
    first: int,
    directions: Sequence[Direction],
    listened: listeners.Listened | None,
    within: Within | None = None,
) -> Generator[object, None, tuple[tuple[Performance, int], gaze.Look | None, dict[str, np.ndarray]]]:
    """What a speaker plays, with the frame of its beginning; where it looks; and its own styles on each frame.

    Args:
        take: begins at frame `first`; None: it speaks nothing.
        directions: seconds from there on.
        listened: what it listens to.
        within: what alone is made anew; None: all.
    """
    styles: dict[str, np.ndarray] = {}
    spoken: Performance | None = None
    if listened is not None:
        take, first, directions = listened.whole(take, first, directions)
    if take is not None:
        styles = yield from wanted.styles_steps(head, first, take.frames)
        spoken = yield from _spoken_steps(head, take, first, directions, styles, listened, within)
    scene = listeners.scene_of(head) or next(iter(head.users_scene), bpy.context.scene)
    rate = spoken.fps if spoken else strips.clock(scene).rate
    played = recordings.laid_over(head, rate, spoken, first)
    if played is None:  # what was played before is taken away
        return (Performance(rate, (), np.zeros((1, 0), np.float32)), first), None, styles
    looking, look = yield from gaze.over_steps(head, *played)
    return (looking, played[1]), look, styles


def _spoken_steps(
    head: bpy.types.Object,
    take: Take,
    first: int,
    directions: Sequence[Direction],
    styles: dict[str, np.ndarray],
    listened: listeners.Listened | None,
    within: Within | None,
) -> Generator[object, None, Performance]:
    """What is performed of a take, and of listening. The last ones are remembered: where nothing was changed since,
    nothing is performed."""
    free, share = np.ones(0), speaker_properties(head).look_at_head
    if listened is not None:
        free = yield from gaze.free_steps(head, listened.span)
    digest = yield from awaited(Aside(lambda: _digest_of(take), "Performing"))
    asked = storage.hash_of(
        [
            digest,
            repr(directions),
            wanted.digests_of(styles),
            listened.digest if listened is not None else [],
            hashlib.sha256(free.tobytes()).hexdigest(),
            share,
        ]
    )
    if within is None and asked in _performed:
        return _performed[asked]
    spoken = yield from awaited(Aside(lambda: perform(take, directions, styles), "Performing"))
    if within is not None:
        spoken = within.laid_into(spoken, first)
    if listened is not None:
        performed = spoken
        spoken = yield from awaited(Aside(lambda: listened.laid_over(performed, free, share), "Listening"))
    if within is None:
        while len(_performed) >= _REMEMBERED:
            del _performed[next(iter(_performed))]
        spoken.weights.flags.writeable = False
        _performed[asked] = spoken
    return spoken


def _digest_of(take: Take) -> str:
    """Of all that a take holds. What its speaker has by now is not asked: it may change between two steps."""
    found = hashlib.sha256()
    for value in (take, *take.lines):
        for each in fields(value):
            part = getattr(value, each.name)
            if isinstance(part, np.ndarray):
                found.update(repr((part.shape, part.dtype.str)).encode() + part.tobytes())
            elif each.name != "lines":
                found.update(repr(part).encode())
    return found.hexdigest()


def hash_steps(
    head: bpy.types.Object, take: Take | None, first: int, directions: Sequence[Direction]
) -> Generator[object, None, str]:
    """The hash of what a speaker's keys would be written with now."""
    listened = yield from listeners.of_steps(head, take, first)
    styles: dict[str, np.ndarray] = {}
    if take is not None or listened is not None:
        span = listened.span if listened else range(first, first + take.frames if take else first)
        styles = yield from wanted.styles_steps(head, span.start, len(span))
    look = yield from wanted.look_steps(head)
    return wanted.settings_hash(head, first, directions, styles, look, listened.digest if listened else [])
