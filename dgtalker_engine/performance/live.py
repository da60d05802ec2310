"""Weights that were made while a voice was heard, as a Take: keys are then written as of any other."""

from __future__ import annotations

import hashlib
import math
from collections.abc import Sequence

import numpy as np

from .take import Take

_STILL = 1e-3
"""A weight below which a mouth rests."""

_PAUSE = 0.4
"""Seconds of rest that part what is spoken."""


def live_take(rows: np.ndarray, interval: float, names: Sequence[str], *, fps: float, duration: float) -> Take:
    """The take of a recording of which only weights are known: no phones, no words, no contacts of their own.

    Args:
        rows: float32 (n, names), row i at i · `interval` seconds.
        interval: seconds.
        names: ARKit's, of the weights.
        fps: frames per second of the take.
        duration: of the recording, seconds.

    Raises:
        DGTalkerError: as of `Take`.
    """
    times = np.arange(math.ceil(duration * fps - 1e-6)) / fps
    known = np.arange(len(rows)) * interval
    columns = (
        [np.interp(times, known, column) for column in rows.T] if len(rows) else [np.zeros(len(times))] * len(names)
    )
    spoken = _spoken(rows, interval, duration)
    edges = np.concatenate([[0.0], spoken.ravel(), [duration]]).reshape(-1, 2)
    return Take(
        fps=fps,
        duration=duration,
        names=tuple(names),
        weights=np.stack(columns, axis=1).astype(np.float32),
        phones=(),
        utterances=spoken,
        pauses=edges[edges[:, 1] - edges[:, 0] > 1e-6],
        syllables=np.zeros((0, 3)),
        closures=np.zeros((0, 2)),
        bites=np.zeros((0, 2)),
        seed=int.from_bytes(hashlib.sha256(np.ascontiguousarray(rows, "<f4").tobytes()).digest()[:8], "little"),
    )


def _spoken(rows: np.ndarray, interval: float, duration: float) -> np.ndarray:
    """Start and end of what is spoken between pauses, seconds (n, 2)."""
    moving = np.flatnonzero(rows.max(axis=1, initial=0.0) > _STILL)
    if not len(moving):
        return np.zeros((0, 2))
    gaps = np.flatnonzero(np.diff(moving) * interval > _PAUSE)
    starts, ends = moving[np.r_[0, gaps + 1]] * interval, (moving[np.r_[gaps, len(moving) - 1]] + 1) * interval
    spans = np.clip(np.stack([starts, ends], axis=1), 0.0, duration)
    return spans[spans[:, 1] > spans[:, 0]]
