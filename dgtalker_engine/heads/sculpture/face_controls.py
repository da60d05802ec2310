"""The controls of cheeks, nose and brows, for the left side or the middle. Millimetres; see `deform`."""

from __future__ import annotations

import numpy as np

from .deformation_fields import FieldPoints, vector
from .eye_controls import LIDS, slide
from .surfels import smooth, soft


def cheek_puff(points: FieldPoints) -> np.ndarray:
    out = np.zeros_like(points.position)
    for side in (1, -1):
        weight = points.ball((44 * side, -66, -47), 25) * smooth(2, 28, points.x * side)
        out += vector(weight, 9.0 * side, -9.5, 1.5)
    return out + vector(points.lips(15), -0.12 * np.clip(points.x, -30, 30), -4.0, 0)


def cheek_squint(points: FieldPoints) -> np.ndarray:
    cheek = points.ball((41, -74, -27), 18)
    return vector(cheek, -0.3, -2.6, 5.4) + slide(points, LIDS["cheekSquintLeft"])


def sneer(points: FieldPoints) -> np.ndarray:
    wing = points.ball((11, -98, -31), 12)
    ridge = points.ball((12, -88, -10), 11)
    brow = points.ball((15, -88, 28), 16)
    fold = points.ball((27, -88, -36), 16)
    lip = points.front * points.upper * soft(points.reach, 15) * soft(points.x - 14, 13)
    tip = points.ball((2, -111, -28), 9)
    return (
        vector(wing * smooth(-2, 8, points.x), 1.4, 0.4, 4.6)
        + vector(ridge, 0, -1.8, 2.2)
        + vector(brow, -1.0, -0.8, -3.0)
        + vector(fold, -0.4, -2.0, 3.6)
        + vector(lip, 0, -0.2, 3.8)
        + vector(tip, 0, 0, 0.8)
    )


def _brow(points: FieldPoints) -> np.ndarray:
    """The band of the forehead that the brows ride on; thins towards hairline and lids."""
    z = points.anchor[:, 2]
    band = np.where(z > 30, soft(z - 30, 24), soft(z - 30, 13))
    return points.skin * band * smooth(-36, -60, points.anchor[:, 1])


def brow_down(points: FieldPoints) -> np.ndarray:
    inner, outer = soft(points.x - 17, 19), soft(points.x - 44, 20)
    band = _brow(points) * points.left
    return vector(band * inner, -3.0, -1.8, -6.4) + vector(band * outer, -1.6, -1.4, -2.8)


def brow_inner_up(points: FieldPoints) -> np.ndarray:
    return vector(_brow(points) * soft(np.abs(points.x) - 10, 21), 0, 0.5, 9.0)


def brow_outer_up(points: FieldPoints) -> np.ndarray:
    return vector(_brow(points) * smooth(14, 34, points.x) * soft(np.maximum(points.x - 48, 0), 16), 0, 1.0, 8.5)
