"""Performances of other programs onto speakers, and the motion of speakers for other programs."""

from __future__ import annotations

from collections.abc import Generator, Iterator
from contextlib import contextmanager

import bpy
import numpy as np

from dgtalker_engine.errors import DGTalkerError
from dgtalker_engine.performance import Performance
from dgtalker_engine.performance.neck import as_a_whole
from dgtalker_engine.rig import HEAD_NAMES

from ...head import model
from ...properties import speaker_properties
from ..keys import evaluation, keyframes, labels, nods, visibility
from ..takes import recordings, retarget
from ..timeline import speakers, strips

MOST_FRAMES = 1_000_000
"""More than Blender's timeline holds."""


def apply(head: bpy.types.Object, performance: Performance, scene: bpy.types.Scene, first: int) -> list[str]:
    """Lets a speaker play a performance from frame `first` on, in place of the one before; hand keys stay.

    It is kept with the speaker, so that its amounts act. What is spoken elsewhere stays.

    Returns:
        Sentences for the user about what was left out.

    Raises:
        DGTalkerError: the speaker is locked, has none of the controls, or time runs out; nothing was changed.
    """
    reason = keyframes.locked_reason(head)
    if reason:
        raise DGTalkerError(reason)
    controls = set().union(*(speakers.controls(part) for part in speakers.meshes(head)))
    if speakers.nods(head):
        controls |= set(HEAD_NAMES)
    unused = [name for name in performance.names if name not in controls and np.any(performance.curve(name))]
    if len(unused) == len(performance.names):
        raise DGTalkerError(f"{head.name} has none of this performance's controls.")
    frames = round(performance.frames / performance.fps * strips.clock(scene).rate)
    if first + frames > MOST_FRAMES:
        raise DGTalkerError(f"The performance lasts {frames} frames: more than the timeline holds.")
    with _kept_otherwise(head):
        recordings.keep(head, performance, first)
        notes = [*retarget.rewrite_anyway(head, scene), *visibility.notes(head)]
    if unused:
        notes.append(f"{head.name} has no slider for {labels.listed(unused)}.")
    return notes


def imported(head: bpy.types.Object) -> bool:
    """Whether a speaker plays an imported performance."""
    return bool(speaker_properties(head).recording)


def remove(head: bpy.types.Object, scene: bpy.types.Scene) -> list[str]:
    """Lets a speaker play no imported performance any more; what it speaks comes back, hand keys stay.

    Returns:
        Sentences for the user about what was left out.

    Raises:
        DGTalkerError: its take is damaged; nothing was changed.
    """
    with _kept_otherwise(head):
        recordings.forget(head)
        if retarget.follows(head):
            return retarget.rewrite_anyway(head, scene)
    return keyframes.clear(head)


@contextmanager
def _kept_otherwise(head: bpy.types.Object) -> Iterator[None]:
    """What fails within leaves the speaker with the recording that it had."""
    own = speaker_properties(head)
    before = own.recording, own.recording_first
    try:
        yield
    except BaseException:
        own.recording, own.recording_first = before
        raise


def frames_of(head: bpy.types.Object, scene: bpy.types.Scene) -> range:
    """The frames that an export of a speaker holds: those that it speaks or plays, or else the scene's."""
    return keyframes.span(head) or range(scene.frame_start, scene.frame_end + 1)


def evaluated_steps(head: bpy.types.Object, scene: bpy.types.Scene) -> Generator[float, None, Performance]:
    """The final motion of a speaker as a performance: generated keys, the animator's, drivers, expressions.

    Yields the fraction done.
    """
    frames = frames_of(head, scene)
    names: list[str] = []
    columns: list[np.ndarray] = []
    parts = speakers.meshes(head)
    for part in parts:
        key = model.key_of(part)
        if key is None:
            continue
        index = {block.name: i for i, block in enumerate(key.key_blocks)}
        moved = {
            control: index[name]
            for control, name in speakers.controls(part).items()
            if name in index and control not in names
        }
        if moved:
            values = yield from evaluation.weights_steps(key, frames)
            for control, column in moved.items():
                added = index.get(model.added_name(control))
                names.append(control)
                columns.append(values[:, [column]] if added is None else values[:, [column]] + values[:, [added]])
    if speakers.nods(head):
        columns.append((yield from evaluation.turns_steps(nods.turned(head), frames)))
        names += [name for name in HEAD_NAMES if name not in names]
    if not names:
        raise DGTalkerError(speakers.locked_reason(head))
    evaluated = Performance(strips.clock(scene).rate, tuple(names), np.concatenate(columns, axis=1))
    return as_a_whole(evaluated) if nods.has_moving_neck(head) else evaluated
