"""The controls of cheeks, nose and brows, for the left side or the middle. Millimetres; see `deform`."""

from __future__ import annotations

import numpy as np

from .eye_controls import LIDS, slide
from .points import smooth, soft
from .tissue import Tissue, vector


def cheek_puff(tissue: Tissue) -> np.ndarray:
    out = np.zeros_like(tissue.position)
    for side in (1, -1):
        weight = tissue.ball((45 * side, -66, -47), 23) * smooth(4, 26, tissue.x * side)
        out += vector(weight, 8.0 * side, -7.0, 0.5)
    return out + vector(tissue.lips(13), -0.12 * np.clip(tissue.x, -30, 30), -3.0, 0)


def cheek_squint(tissue: Tissue) -> np.ndarray:
    return vector(tissue.ball((42, -74, -24), 16), 1.0, -2.5, 5.0) + slide(tissue, LIDS["cheekSquintLeft"])


def sneer(tissue: Tissue) -> np.ndarray:
    wing = tissue.ball((11, -98, -31), 11)
    ridge = tissue.ball((12, -88, -10), 11)
    brow = tissue.ball((14, -88, 27), 15)
    lip = tissue.front * tissue.upper * soft(tissue.reach, 14) * soft(tissue.x - 13, 11)
    return (
        vector(wing * smooth(-2, 8, tissue.x), 1.6, 0.8, 4.5)
        + vector(ridge, 0, -1.6, 1.8)
        + vector(brow, -0.8, -0.8, -3.0)
        + vector(lip, 0, -0.6, 3.2)
    )


def _brow(tissue: Tissue) -> np.ndarray:
    """The band of the forehead that the brows ride on; thins towards hairline and lids."""
    z = tissue.anchor[:, 2]
    band = np.where(z > 30, soft(z - 30, 24), soft(z - 30, 13))
    return tissue.skin * band * smooth(-36, -60, tissue.anchor[:, 1])


def brow_down(tissue: Tissue) -> np.ndarray:
    inner, outer = soft(tissue.x - 15, 18), soft(tissue.x - 44, 20)
    band = _brow(tissue) * tissue.left
    return vector(band * inner, -2.8, -1.8, -7.0) + vector(band * outer, -0.5, 0, -3.0)


def brow_inner_up(tissue: Tissue) -> np.ndarray:
    return vector(_brow(tissue) * soft(np.abs(tissue.x) - 10, 21), 0, 0.5, 9.0)


def brow_outer_up(tissue: Tissue) -> np.ndarray:
    return vector(_brow(tissue) * smooth(14, 34, tissue.x) * soft(np.maximum(tissue.x - 48, 0), 16), 0, 1.0, 8.5)
