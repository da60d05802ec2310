"""What a refiner costs: milliseconds of a final picture, drawn by one thread from the file, with it and without."""

from __future__ import annotations

import time
from dataclasses import replace

import numpy as np

from dgtalker_engine.avatar import LinearAvatar
from dgtalker_engine.gaussians.torch_threads import one_torch_thread
from dgtalker_engine.kernels import thread_pool
from dgtalker_engine.performance import Performance
from dgtalker_engine.rendering.frame import render_frame
from dgtalker_engine.rendering.talking_shot import talking_shot
from dgtalker_engine.wire import Shot

SIZES = {"512": (512, 512), "1080p": (1920, 1080)}
_ROUNDS = 12


def milliseconds(head: LinearAvatar) -> dict[str, dict[str, float]]:
    """By size ``coarse`` and ``refined``: the best of some rounds, what else the machine does only takes away."""
    thread_pool.set_thread_count(1)
    try:
        with one_torch_thread():
            return {
                name: {"coarse": _best(_shot(head, *size), replace(head, refiner=None)),
                       "refined": _best(_shot(head, *size), head)}
                for name, size in SIZES.items()
            }  # fmt: skip
    finally:
        thread_pool.set_thread_count(None)


def _shot(head: LinearAvatar, width: int, height: int) -> Shot:
    still = Performance(25.0, ("jawOpen",), np.zeros((1, 1), np.float32))
    square = talking_shot(head, "head", still, height)
    (frame,) = square.frames
    fx, skew, _, *rest = frame.camera.K
    middle = replace(frame.camera, K=(fx, skew, width / 2, *rest))
    return replace(square, width=width, frames=(replace(frame, camera=middle),))


def _best(shot: Shot, head: LinearAvatar) -> float:
    taken: list[float] = []
    for _ in range(_ROUNDS):
        started = time.perf_counter()
        render_frame(shot, shot.frames[0], [head])
        taken.append(time.perf_counter() - started)
    return round(1000 * min(taken), 1)
