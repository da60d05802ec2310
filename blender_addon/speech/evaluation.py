"""What shape keys come to on many frames once NLA, hand keys and drivers have had their say."""

from __future__ import annotations

import contextlib
from collections.abc import Generator, Iterator, Sequence
from typing import Any, TypeVar

import bpy
import numpy as np

Result = TypeVar("Result")

CHUNK = 200
"""Frames between two chances to cancel: about 50 ms."""


def weights(key: bpy.types.Key, frames: Sequence[float]) -> np.ndarray:
    """Values of all key blocks, muted ones 0, float32 (frames, blocks); the user's frame stays."""
    return finished(weights_steps(key, frames))


def finished(steps: Generator[float, None, Result]) -> Result:
    """What a generator returns at its end."""
    while True:
        try:
            next(steps)
        except StopIteration as end:
            return end.value


def weights_steps(key: bpy.types.Key, frames: Sequence[float]) -> Generator[float, None, np.ndarray]:
    """`weights` in steps; yields the fraction done."""
    found = np.zeros((len(frames), len(key.key_blocks)), np.float32)
    muted = np.array([block.mute for block in key.key_blocks])
    for start in range(0, len(frames), CHUNK):
        yield start / len(frames)
        with _watching(key) as (scene, layer):
            for row, frame in enumerate(frames[start : start + CHUNK], start):
                whole = int(np.floor(frame))
                scene.frame_set(whole, subframe=float(frame - whole))
                evaluated: Any = key.evaluated_get(layer.depsgraph)
                evaluated.key_blocks.foreach_get("value", found[row])
    found[:, muted] = 0.0
    return found


@contextlib.contextmanager
def _watching(key: bpy.types.Key) -> Iterator[tuple[bpy.types.Scene, bpy.types.ViewLayer]]:
    """A scene of its own that evaluates a Key and what that needs, nothing else, and runs nobody's handlers."""
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
        target.id_type, target.id = "KEY", key
        target.data_path = "eval_time"
        yield scene, scene.view_layers[0]
    finally:
        bpy.data.scenes.remove(scene)
        bpy.data.objects.remove(watcher)
        for functions, before in zip(handlers, saved, strict=True):
            functions[:] = before
