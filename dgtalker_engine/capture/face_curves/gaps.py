"""Pictures in which the face was not seen."""

from __future__ import annotations

import numpy as np

from ...performance.direction import ease

_EASE_SECONDS = 0.35
"""In which a face that is not seen for longer comes to rest, and from which it comes back."""


def filled(values: np.ndarray, seen: np.ndarray) -> np.ndarray:
    """Values (T, …) with straight lines where nothing was seen (T,) bool; held at the ends."""
    if seen.all() or not seen.any():
        return values
    rows, known = np.arange(len(values)), np.flatnonzero(seen)
    flat = values.reshape(len(values), -1)
    lines = np.stack([np.interp(rows, known, column[known]) for column in flat.T], axis=1)
    return lines.reshape(values.shape)


def bridged(curves: np.ndarray, seen: np.ndarray, fps: float) -> np.ndarray:
    """Curves (T, n) whose gaps are passed with level ends: short ones from side to side, long ones over rest, 0."""
    result = curves.copy()
    for first, after in runs(~seen):
        before, behind = first - 1, after
        length = after - first + 1
        steps = np.arange(1, length)[:, None]
        start = curves[before] if before >= 0 else curves[min(behind, len(curves) - 1)]
        end = curves[behind] if behind < len(curves) else start
        if length <= 2 * _EASE_SECONDS * fps:
            result[first:after] = start + ease(steps / length) * (end - start)
        else:
            reach = _EASE_SECONDS * fps
            away, back = ease(1.0 - steps / reach), ease(1.0 - (length - steps) / reach)
            result[first:after] = (start * away if before >= 0 else 0.0) + (end * back if behind < len(curves) else 0.0)
    return result


def runs(mask: np.ndarray) -> list[tuple[int, int]]:
    """From which to before which index a mask (T,) is True, for each stretch."""
    edges = np.flatnonzero(np.diff(np.concatenate([[False], mask, [False]]).astype(np.int8)))
    return [(int(a), int(b)) for a, b in edges.reshape(-1, 2)]
