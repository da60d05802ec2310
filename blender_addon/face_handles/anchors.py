"""Where handles are on a head: found from what its sliders move, whatever its mesh. Needs no Blender."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np

from .handles import Handle

_OUTERMOST = 0.006
"""Metres below the outermost candidate at which a vertex counts e times less: lips have an inner side."""
_AT_PUPIL = 0.001
_SHARPNESS = 8.0
"""The power to which what a vertex moves is raised: a smooth middle of the few that move most."""
_LEAST = 0.2
"""Of the weight of the best vertex; those below are left out."""
_GAZE_LENGTH = 0.055
"""Metres from the middle of an eye to the handle of both."""


def anchor(handle: Handle, vertices: np.ndarray, deltas: Mapping[str, np.ndarray]) -> np.ndarray | None:
    """The point of a handle as an affine combination of vertices, which goes with whatever moves them.

    Args:
        handle: one whose sliders the head has.
        vertices: (V, 3) metres, head space, at rest.
        deltas: (V, 3) for each slider of `handle.found_by`.

    Returns:
        Weights (V,), which add up to 1; None where the sliders move no point that all of them share.
    """
    if handle.place == "skin":
        score = _score(vertices, [deltas[name] for name in handle.found_by], handle.side)
        return None if score is None else _normalised(_outermost(score**_SHARPNESS, vertices, handle, _OUTERMOST))
    sides = (handle.side,) if handle.side else ("Left", "Right")
    eyes = [_eye(handle, vertices, deltas, side) for side in sides]
    found = [eye for eye in eyes if eye is not None]
    return np.mean(found, axis=0) if len(found) == len(eyes) else None


def _eye(handle: Handle, vertices: np.ndarray, deltas: Mapping[str, np.ndarray], side: str) -> np.ndarray | None:
    """Its pupil, or for the gaze a point on the ray from the eye's middle through its pupil."""
    looks = [deltas[name] for name in handle.found_by if name.endswith(side)]
    score = _score(vertices, looks, side)
    if score is None:
        return None
    ball = score > 0.4 * score.max()
    pupil = _normalised(_outermost(ball.astype(float), vertices, handle, _AT_PUPIL))
    if handle.place == "eye":
        return pupil
    middle = _normalised(ball.astype(float))
    radius = np.linalg.norm((pupil - middle) @ vertices)
    return middle + (pupil - middle) * (_GAZE_LENGTH / radius) if radius > 1e-4 else None


def _score(vertices: np.ndarray, moves: list[np.ndarray], side: str) -> np.ndarray | None:
    """How much all of some sliders move each vertex of one side, 0 to 1."""
    score = np.ones(len(vertices))
    for move in moves:
        length = np.linalg.norm(move, axis=1)
        if length.max() < 1e-5:
            return None
        score *= length / length.max()
    if side:
        score = score * (vertices[:, 0] > 0 if side == "Left" else vertices[:, 0] < 0)
    score **= 1 / len(moves)
    return score if score.max() > 0.05 else None


def _outermost(score: np.ndarray, vertices: np.ndarray, handle: Handle, depth: float) -> np.ndarray:
    height = vertices @ np.array(handle.outward)
    outermost = height[score > 0.3 * score.max()].max()
    return score * np.exp(-np.maximum(outermost - height, 0.0) / depth)


def _normalised(weights: np.ndarray) -> np.ndarray:
    kept = np.where(weights > _LEAST * weights.max(), weights, 0.0)
    return kept / kept.sum()
