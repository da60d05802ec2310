"""How fast a head plays from its file."""

from __future__ import annotations

import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np

from dgtalker_engine import avatar
from dgtalker_engine.capture.clip import Clip
from dgtalker_engine.capture.face_model import FaceModel
from dgtalker_engine.gaussians import Camera, render
from dgtalker_engine.kernels import thread_pool
from dgtalker_engine.rig import ARKIT_NAMES
from dgtalker_engine.training.face_rig import face_rig


def frames_a_second(file: Path, clip: Clip, face_model: FaceModel) -> float:
    """Frames a second at the clip's size, posed and drawn from the file as sequences are: side by side, a thread each.
    The best of three rounds: what else the machine does only takes away."""
    head = avatar.load(file)
    sliders = face_rig(face_model, clip.tracks.identity).weights(clip.tracks.expression)
    tracked = dict(zip(ARKIT_NAMES, sliders.T, strict=True))
    frames = [
        (head.rig.weights({name: curve[i] for name, curve in tracked.items()}), clip.camera(i))
        for i in np.linspace(0, len(clip) - 1, 60).round().astype(int)
    ]

    def shown(frame: tuple[np.ndarray, Camera]) -> None:
        render(head.pose(frame[0]), frame[1])

    threads, taken = thread_pool.thread_count(), []
    thread_pool.set_thread_count(1)
    try:
        with ThreadPoolExecutor(threads) as pool:
            for _ in range(4):  # the first makes everything ready
                started = time.perf_counter()
                list(pool.map(shown, frames))
                taken.append(time.perf_counter() - started)
    finally:
        thread_pool.set_thread_count(None)
    return round(len(frames) / min(taken[1:]), 1)
