"""The controls of eyes and lids, for the left side. Millimetres; see `deform`."""

from __future__ import annotations

import numpy as np

from .form import EYE, LID_RADIUS, eye_point, eye_polar, lid_edges
from .points import Part, smooth, soft
from .tissue import Tissue, vector


def lids(tissue: Tissue, upper: float, lower: float, close: float = 0.0, sink: float = 0.0) -> np.ndarray:
    """Slides the left lids over the eyeball.

    Args:
        tissue: the points.
        upper, lower: part of the opening that each lid crosses, towards the other; negative opens.
        close: elevation (radians) by which both edges overlap once they meet.
        sink: how far the lower lid draws back; where a blink comes on top, it slides beneath the upper lid.
    """
    azimuth, elevation, radius = eye_polar(tissue.anchor)
    low, high = lid_edges(azimuth)
    opening = high - low
    middle = 0.5 * (low + high)
    weight = soft(np.maximum(np.abs(radius - LID_RADIUS) - 1.0, 0), 4.0) * tissue.skin * (np.abs(azimuth) < 1.5)
    above = elevation > middle
    fold = 1 - smooth(0, 1, np.where(above, (elevation - high) / 0.62, (low - elevation) / 0.5))
    turn = np.where(above, -upper * opening - close * (opening > 0.02), lower * opening) * fold * weight
    own_azimuth, own_elevation, own_radius = eye_polar(tissue.position)
    drawn = np.where(above, 0, sink) * fold * weight
    return eye_point(own_azimuth, own_elevation + turn, own_radius - drawn) - tissue.position


def blink(tissue: Tissue) -> np.ndarray:
    bulge = tissue.ball((EYE[0], EYE[1] - 18, EYE[2] - 14), 8)
    return lids(tissue, upper=0.8, lower=0.2, close=0.02) + vector(bulge, 0, 0, 0.6)


def squint(tissue: Tissue) -> np.ndarray:
    cheek = tissue.ball((36, -80, -20), 13)
    return lids(tissue, upper=0.18, lower=0.30, sink=0.7) + vector(cheek, 0, -1.2, 2.2)


def wide(tissue: Tissue) -> np.ndarray:
    return lids(tissue, upper=-0.26, lower=-0.1)


def _look(tissue: Tissue, yaw: float, pitch: float) -> np.ndarray:
    """Turns the left eyeball; degrees, outwards and upwards."""
    chosen = (tissue.part == Part.EYE) & (tissue.position[:, 0] > 0)
    out = np.zeros_like(tissue.position)
    x, y, z = (tissue.position[chosen] - EYE).T
    a, b = np.radians(yaw), np.radians(pitch)
    x, y = np.cos(a) * x - np.sin(a) * y, np.sin(a) * x + np.cos(a) * y
    y, z = np.cos(b) * y + np.sin(b) * z, -np.sin(b) * y + np.cos(b) * z
    out[chosen] = np.stack([x, y, z], axis=1) + EYE - tissue.position[chosen]
    return out


def look_down(tissue: Tissue) -> np.ndarray:
    return _look(tissue, 0, -24) + lids(tissue, upper=0.38, lower=-0.1)


def look_up(tissue: Tissue) -> np.ndarray:
    return _look(tissue, 0, 22) + lids(tissue, upper=-0.2, lower=0.08)


def look_in(tissue: Tissue) -> np.ndarray:
    return _look(tissue, -30, 0)


def look_out(tissue: Tissue) -> np.ndarray:
    return _look(tissue, 30, 0)
