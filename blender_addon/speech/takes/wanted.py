"""What a speaker's keys are made with: directions, styles, where it looks and to whom it listens, and one hash over all
of it."""

from __future__ import annotations

import hashlib
from collections.abc import Generator, Mapping, Sequence

import bpy
import numpy as np

from dgtalker_engine.performance import Direction

from ... import animation_data
from ...properties import speaker_properties, strip_properties
from ..keys import evaluation, keyframes
from ..timeline import settings, strips, timing
from . import acting, gaze, recordings, storage, words


def look_steps(head: bpy.types.Object, known: gaze.Look | None = None) -> Generator[object, None, gaze.Look | None]:
    """Where a speaker looks on all frames on which it has keys.

    Args:
        known: where it looks on the frames that were just written.
    """
    span = keyframes.span(head)
    if known is not None and known.span == span:
        return known
    return (yield from gaze.look_steps(head, span))


def directions_of(scene: bpy.types.Scene, head: bpy.types.Object, first: int) -> list[Direction]:
    """What a speaker's strips and the stage directions in them ask for, in seconds from frame `first` on."""
    clock = strips.clock(scene)
    sounds = strips.audible_of(scene, head)
    directions = []
    for sound, reach in zip(sounds, timing.reaches([sound.span for sound in sounds], clock), strict=True):
        own = strip_properties(sound.strip)
        start, end = (clock.seconds(frame - first) for frame in (reach.start, reach.end))
        whole = settings.direction(start, end, lambda name, own=own: getattr(own, name))
        directions += acting.directed(scene, sound.strip, whole, first)
    return directions


def styles_steps(head: bpy.types.Object, first: int, frames: int) -> Generator[object, None, dict[str, np.ndarray]]:
    """The speaker's own styles on each frame, float32 (frames,): those that are keyed or above 0."""
    own = speaker_properties(head)
    curves = {curve.data_path: curve for curve in animation_data.active_curves(head)}
    elsewhere = animation_data.driven(head) | animation_data.played_by_strips(head)
    paths = {name: own.path_from_id(name) for name in settings.STYLE_SLIDERS}
    evaluated = [name for name, path in paths.items() if path in elsewhere]
    styles: dict[str, np.ndarray] = {}
    if evaluated:
        wanted = [paths[name] for name in evaluated]
        values = yield from evaluation.numbers_steps(head, wanted, range(first, first + frames))
        styles = dict(zip(evaluated, np.clip(values, 0.0, 1.0).T.copy(), strict=True))
    for name, path in paths.items():
        curve = curves.get(path)
        if name in styles:
            continue
        if curve is not None:
            values = [curve.evaluate(frame) for frame in range(first, first + frames)]
            styles[name] = np.clip(np.array(values, np.float32), 0.0, 1.0)
        elif getattr(own, name) > 0.0:
            styles[name] = np.full(frames, getattr(own, name), np.float32)
    return styles


def digests_of(styles: Mapping[str, np.ndarray]) -> dict[str, str]:
    """What tells whether styles are the same on all frames."""
    return {name: hashlib.sha256(curve.tobytes()).hexdigest() for name, curve in styles.items()}


def settings_hash(
    head: bpy.types.Object,
    first: int,
    directions: Sequence[Direction],
    styles: Mapping[str, np.ndarray],
    look: gaze.Look | None,
    listened: Sequence[str],
) -> str:
    """The hash of what a speaker's keys are made with, its take apart.

    Args:
        listened: `listeners.Listened.digest`; empty where it listens to nobody.
    """
    own = speaker_properties(head)
    recorded = [own.recording, own.recording_first, repr(recordings.amounts_of(head))] if own.recording else []
    nodding = [own.nod_target.name, own.nod_bone] if own.nod_target else []
    moves = words.moves(head)
    moved = [moves] if moves else []
    looked = look.digest if look else []
    return storage.hash_of(
        [first, repr(directions), digests_of(styles), own.turns, *recorded, *nodding, *moved, *looked, *listened]
    )
