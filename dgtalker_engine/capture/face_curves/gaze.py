"""The gaze: where the irises stand between the corners of the eyes, about where the person looks usually."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np

from . import filters

_IRIS_RADIUS = 0.118
"""From the eyeball's middle to the iris, in distances between the eyes' outer corners: 10.5 mm of 89."""

_LOOK = np.radians(35.0)
"""The turn of the eyes at a look of 1 in ARKit."""

_MEDIAN_SECONDS, _SMOOTH_SECONDS = 0.14, 0.06
_LEAST_NOISE = 0.02
_STILL = 0.03
"""Looks up to this are straight ahead."""


def gaze(iris: np.ndarray, hidden: np.ndarray, scores: Mapping[str, np.ndarray], fps: float) -> dict[str, np.ndarray]:
    """The eight looks by name, each (T,) of 0 to 1.

    Args:
        iris: `Measures.iris` (T, 2, 2).
        hidden: pictures in which blinks hide the irises (T,) bool: the gaze of around them is kept.
        scores: `scores.calibrated`; up and down are taken half from them, since lids follow the gaze and hide irises.
        fps: pictures per second.
    """
    turned = np.arcsin(np.clip(iris.mean(axis=1) / _IRIS_RADIUS, -0.9, 0.9)) / _LOOK
    up = [np.mean([scores[f"eyeLook{way}{side}"] for side in ("Left", "Right")], axis=0) for way in ("Up", "Down")]
    looks = turned
    looks[:, 1] = 0.5 * turned[:, 1] + 0.5 * (up[0] - up[1])
    seen = np.flatnonzero(~hidden)
    if len(seen):
        rows = np.arange(len(looks))
        looks = np.stack([np.interp(rows, seen, column[seen]) for column in looks.T], axis=1)
    looks = looks - np.median(looks, axis=0)
    looks = filters.median(looks, max(1, round(_MEDIAN_SECONDS * fps)) | 1)
    noise = np.maximum(filters.noise(looks), _LEAST_NOISE)
    looks = filters.cored(looks, _SMOOTH_SECONDS * fps, 3.0 * noise)
    looks = np.sign(looks) * np.clip(np.abs(looks) - _STILL, 0.0, 1.0)
    left, up_ = looks.T
    return {
        "eyeLookOutLeft": np.maximum(left, 0.0),
        "eyeLookInRight": np.maximum(left, 0.0),
        "eyeLookInLeft": np.maximum(-left, 0.0),
        "eyeLookOutRight": np.maximum(-left, 0.0),
        "eyeLookUpLeft": np.maximum(up_, 0.0),
        "eyeLookUpRight": np.maximum(up_, 0.0),
        "eyeLookDownLeft": np.maximum(-up_, 0.0),
        "eyeLookDownRight": np.maximum(-up_, 0.0),
    }
