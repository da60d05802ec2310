"""The controls of cheeks, nose and brows, for the left side or the middle. Millimetres; see `deform`."""

from __future__ import annotations

import numpy as np

from .deformation_fields import Tissue, vector
from .eye_controls import LIDS, slide
from .surfels import smooth, soft


def cheek_puff(tissue: Tissue) -> np.ndarray:
    out = np.zeros_like(tissue.position)
    for side in (1, -1):
        weight = tissue.ball((44 * side, -66, -47), 25) * smooth(2, 28, tissue.x * side)
        out += vector(weight, 9.0 * side, -9.5, 1.5)
    return out + vector(tissue.lips(15), -0.12 * np.clip(tissue.x, -30, 30), -4.0, 0)


def cheek_squint(tissue: Tissue) -> np.ndarray:
    cheek = tissue.ball((41, -74, -27), 18)
    return vector(cheek, -0.3, -2.6, 5.4) + slide(tissue, LIDS["cheekSquintLeft"])


def sneer(tissue: Tissue) -> np.ndarray:
    wing = tissue.ball((11, -98, -31), 12)
    ridge = tissue.ball((12, -88, -10), 11)
    brow = tissue.ball((15, -88, 28), 16)
    fold = tissue.ball((27, -88, -36), 16)
    lip = tissue.front * tissue.upper * soft(tissue.reach, 15) * soft(tissue.x - 14, 13)
    tip = tissue.ball((2, -111, -28), 9)
    return (
        vector(wing * smooth(-2, 8, tissue.x), 1.4, 0.4, 4.6)
        + vector(ridge, 0, -1.8, 2.2)
        + vector(brow, -1.0, -0.8, -3.0)
        + vector(fold, -0.4, -2.0, 3.6)
        + vector(lip, 0, -0.2, 3.8)
        + vector(tip, 0, 0, 0.8)
    )


def _brow(tissue: Tissue) -> np.ndarray:
    """The band of the forehead that the brows ride on; thins towards hairline and lids."""
    z = tissue.anchor[:, 2]
    band = np.where(z > 30, soft(z - 30, 24), soft(z - 30, 13))
    return tissue.skin * band * smooth(-36, -60, tissue.anchor[:, 1])


def brow_down(tissue: Tissue) -> np.ndarray:
    inner, outer = soft(tissue.x - 17, 19), soft(tissue.x - 44, 20)
    band = _brow(tissue) * tissue.left
    return vector(band * inner, -3.0, -1.8, -6.4) + vector(band * outer, -1.6, -1.4, -2.8)


def brow_inner_up(tissue: Tissue) -> np.ndarray:
    return vector(_brow(tissue) * soft(np.abs(tissue.x) - 10, 21), 0, 0.5, 9.0)


def brow_outer_up(tissue: Tissue) -> np.ndarray:
    return vector(_brow(tissue) * smooth(14, 34, tissue.x) * soft(np.maximum(tissue.x - 48, 0), 16), 0, 1.0, 8.5)
