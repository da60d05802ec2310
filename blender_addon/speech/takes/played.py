"""What a head plays: what is performed of its take, what comes of listening, a recording and its gaze, laid over each
other; and the hash that tells whether its keys do."""

from __future__ import annotations

from collections.abc import Generator, Sequence

import bpy
import numpy as np

from dgtalker_engine.performance import Direction, Performance, Take, perform

from ...properties import speaker_properties
from ..keys.punch_in import Within
from ..stepwise import Aside, awaited
from ..timeline import strips
from . import gaze, listeners, recordings, wanted


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
        whole, asked = take, directions
        styles = yield from wanted.styles_steps(head, first, whole.frames)
        performed = yield from awaited(Aside(lambda: perform(whole, asked, styles), "Performing"))
        if within is not None:
            performed = within.laid_into(performed, first)
        spoken = performed
        if listened is not None:
            free = yield from gaze.free_steps(head, listened.span)
            share = speaker_properties(head).look_at_head
            spoken = yield from awaited(Aside(lambda: listened.laid_over(performed, free, share), "Listening"))
    scene = listeners.scene_of(head) or next(iter(head.users_scene), bpy.context.scene)
    rate = spoken.fps if spoken else strips.clock(scene).rate
    played = recordings.laid_over(head, rate, spoken, first)
    if played is None:  # what was played before is taken away
        return (Performance(rate, (), np.zeros((1, 0), np.float32)), first), None, styles
    looking, look = yield from gaze.over_steps(head, *played)
    return (looking, played[1]), look, styles


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
