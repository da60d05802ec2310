"""What shape keys and a head's turn come to on many frames once NLA, hand keys and drivers have had their say."""

from __future__ import annotations

import contextlib
from collections.abc import Generator, Iterator, Sequence
from typing import Any

import bpy
import numpy as np

from ... import animation_data
from ..stepwise import finished
from .turns import Turned

CHUNK = 100
"""Frames between two chances to cancel: 15 to 30 ms."""


def weights(key: bpy.types.Key, frames: Sequence[float]) -> np.ndarray:
    """Values of all key blocks, muted ones 0, float32 (frames, blocks); the user's frame stays."""
    return finished(weights_steps(key, frames))


def weights_steps(key: bpy.types.Key, frames: Sequence[float]) -> Generator[float, None, np.ndarray]:
    """`weights` in steps; yields the fraction done."""
    found = np.zeros((len(frames), len(key.key_blocks)), np.float32)
    muted = np.array([block.mute for block in key.key_blocks])
    for start in range(0, len(frames), CHUNK):
        yield start / len(frames)
        for row, evaluated in _evaluated(key, "eval_time", frames, start):
            evaluated.key_blocks.foreach_get("value", found[row])
    found[:, muted] = 0.0
    return found


def numbers_steps(
    owner: bpy.types.ID, paths: Sequence[str], frames: Sequence[int]
) -> Generator[float, None, np.ndarray]:
    """Numbers of an Object or a Key by their data paths, float32 (frames, paths); the user's frame stays.

    Yields the fraction done.
    """
    found = np.zeros((len(frames), len(paths)), np.float32)
    for start in range(0, len(frames), CHUNK):
        yield start / len(frames)
        for row, evaluated in _evaluated(owner, paths[0], frames, start):
            found[row] = [evaluated.path_resolve(path) for path in paths]
    return found


def points_steps(
    head: bpy.types.Object, target: bpy.types.Object, place: np.ndarray, frames: Sequence[int]
) -> Generator[float, None, np.ndarray]:
    """Where a point of another object is in the space of a head, float64 (frames, 3); the user's frame stays.

    Yields the fraction done.

    Args:
        place: the point in the space of `target` (3,).
    """
    still = _stands_still(head) and _stands_still(target)
    frames, count = frames[:1] if still else frames, len(frames)
    worlds = np.empty((2, len(frames), 4, 4))
    for start in range(0, len(frames), CHUNK):
        yield start / len(frames)
        with _watching(head, "dgtalker_speech.look_at_amount", target) as (scene, layer):
            for row, frame in enumerate(frames[start : start + CHUNK], start):
                scene.frame_set(frame)
                worlds[:, row] = [np.array(ob.evaluated_get(layer.depsgraph).matrix_world) for ob in (head, target)]
    # A head may be scaled to nothing on some frames.
    found = (np.linalg.pinv(worlds[0]) @ worlds[1] @ np.append(place, 1.0))[:, :3]
    return np.repeat(found, count, axis=0) if still else found


def _stands_still(ob: bpy.types.Object) -> bool:
    """Whether nothing can move an object while frames pass; False also where that cannot be told without a look."""
    hung: bpy.types.Object | None = ob
    while hung is not None:
        animation = animation_data.of(hung)
        moved = animation is not None and (animation.action or len(animation.drivers) or len(animation.nla_tracks))
        if moved or len(hung.constraints) or hung.rigid_body is not None:
            return False
        above = hung.parent
        # What hangs on a bone, a vertex or along a curve moves with what animates these.
        if above is not None and (hung.parent_type != "OBJECT" or above.type in ("CURVE", "ARMATURE", "LATTICE")):
            return False
        hung = above
    return True


def turns_steps(turned: Turned, frames: Sequence[float]) -> Generator[float, None, np.ndarray]:
    """A head's turns in its own axes, as `keys` writes them: yaw, pitch and roll, radians, float32 (frames, 3).

    Yields the fraction done.
    """
    found = np.zeros((len(frames), 3), np.float32)
    for start in range(0, len(frames), CHUNK):
        yield start / len(frames)
        for row, evaluated in _evaluated(turned.owner, "delta_rotation_euler[0]", frames, start):
            pitch, roll, yaw = turned.turn(evaluated).to_euler("XYZ")
            found[row] = yaw, pitch, roll
    return found


def _evaluated(owner: bpy.types.ID, path: str, frames: Sequence[float], start: int) -> Iterator[tuple[int, Any]]:
    """A Key or an Object on the next CHUNK of frames; `path` is any number of it."""
    with _watching(owner, path) as (scene, layer):
        for row, frame in enumerate(frames[start : start + CHUNK], start):
            whole = int(np.floor(frame))
            scene.frame_set(whole, subframe=float(frame - whole))
            yield row, owner.evaluated_get(layer.depsgraph)


@contextlib.contextmanager
def _watching(
    owner: bpy.types.ID, path: str, *placed: bpy.types.Object
) -> Iterator[tuple[bpy.types.Scene, bpy.types.ViewLayer]]:
    """A scene of its own that evaluates a datablock and what that needs, nothing else, and runs nobody's handlers.

    Args:
        path: of any number of it.
        placed: objects whose places are asked for, besides that.
    """
    handlers: tuple[list, ...] = (bpy.app.handlers.frame_change_pre, bpy.app.handlers.frame_change_post)
    saved: list[list] = [list(functions) for functions in handlers]
    scene = bpy.data.scenes.new("Speech Evaluation")
    watcher = bpy.data.objects.new("Speech Evaluation", None)
    try:
        for functions in handlers:
            functions.clear()
        scene.collection.objects.link(watcher)
        curve: Any = watcher.driver_add("location", 0)
        target = curve.driver.variables.new().targets[0]
        # The driver of an Object is watched by its default type.
        if owner.id_type != "OBJECT":
            target.id_type = owner.id_type
        target.id = owner
        target.data_path = path
        for ob in (owner, *placed) if placed else ():
            variable: Any = curve.driver.variables.new()
            variable.type = "TRANSFORMS"
            variable.targets[0].id = ob
        yield scene, scene.view_layers[0]
    finally:
        bpy.data.scenes.remove(scene)
        bpy.data.objects.remove(watcher)
        for functions, before in zip(handlers, saved, strict=True):
            functions[:] = before
