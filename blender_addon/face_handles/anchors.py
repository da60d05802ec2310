"""Where handles are on a head: found from what its sliders move, whatever its mesh. Needs no Blender."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np

from .handles import Handle

_FRONT = (0.0, -1.0, 0.0)
_WELL = 0.6
"""Of how far the vertex goes that goes farthest: what counts as moved well."""
_DEPTH = 0.006
"""Metres below the outermost of the vertices at which one counts e times less: lips have an inner side."""
_AT_TIP = 0.003
"""The same, where the outermost itself is meant."""
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
        if score is None:
            return None
        if handle.outermost is None:
            return _normalised(_outermost(score**_SHARPNESS, vertices, _FRONT, _DEPTH))
        x, y, z = handle.outermost
        return _normalised(_outermost(_well(score), vertices, (-x if handle.side == "Right" else x, y, z), _AT_TIP))
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
    ball = _well(score)
    pupil = _normalised(_outermost(ball, vertices, _FRONT, _AT_TIP))
    if handle.place == "eye":
        return pupil
    middle = _normalised(ball)
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


def _well(score: np.ndarray) -> np.ndarray:
    return (score > _WELL * score.max()).astype(float)


def _outermost(
    score: np.ndarray, vertices: np.ndarray, direction: tuple[float, float, float], depth: float
) -> np.ndarray:
    height = vertices @ np.array(direction)
    outermost = height[score > 0.3 * score.max()].max()
    return score * np.exp(-np.maximum(outermost - height, 0.0) / depth)


def _normalised(weights: np.ndarray) -> np.ndarray:
    kept = np.where(weights > _LEAST * weights.max(), weights, 0.0)
    return kept / kept.sum()
