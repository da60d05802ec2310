"""What the fields that move the face need to know of its points."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

import numpy as np

from .anatomy import MOUTH_HALF_WIDTH, mouth_side, slit_z
from .surfels import Part, smooth, soft

SKIN_PARTS = (Part.SKIN, Part.INNER_LIP)


@dataclass
class FieldPoints:
    """What the fields need to know of N points: as in `Surfels`."""

    position: np.ndarray
    anchor: np.ndarray
    part: np.ndarray
    given_side: np.ndarray

    def mirrored(self) -> FieldPoints:
        flip = np.array([-1.0, 1.0, 1.0])
        return FieldPoints(self.position * flip, self.anchor * flip, self.part, self.given_side)

    @cached_property
    def skin(self) -> np.ndarray:
        """1 where the face's soft tissue is, 0 elsewhere."""
        return np.isin(self.part, SKIN_PARTS).astype(float)

    @cached_property
    def x(self) -> np.ndarray:
        return self.anchor[:, 0]

    @cached_property
    def height(self) -> np.ndarray:
        """Height above the line between the lips."""
        return self.anchor[:, 2] - slit_z(self.x)

    @cached_property
    def t(self) -> np.ndarray:
        """0 in the middle of the mouth, 1 at its corners and beyond."""
        return np.minimum(np.abs(self.x) / MOUTH_HALF_WIDTH, 1)

    @cached_property
    def upper(self) -> np.ndarray:
        """1 on the upper lip, 0 on the lower, between them beside the mouth."""
        given = np.nan_to_num(self.given_side)
        inside = np.sqrt(np.maximum(1 - self.t**2, 0))
        return np.where(np.isnan(self.given_side), mouth_side(self.anchor), inside * given + (1 - inside) * 0.5)

    @cached_property
    def reach(self) -> np.ndarray:
        """Distance from the line between the lips, seen from the front."""
        return np.hypot(np.maximum(np.abs(self.x) - MOUTH_HALF_WIDTH, 0), self.height)

    @cached_property
    def front(self) -> np.ndarray:
        """1 on the face, 0 on ears, nape and throat."""
        return self.skin * smooth(-30, -58, self.anchor[:, 1])

    def lips(self, radius: float) -> np.ndarray:
        """1 on the line between the lips, falling off over `radius`."""
        return self.front * soft(self.reach, radius)

    def ball(self, centre: tuple[float, float, float], radius: float) -> np.ndarray:
        """1 at `centre`, falling off over `radius`; skin only."""
        return self.skin * soft(np.linalg.norm(self.anchor - centre, axis=1), radius)

    @cached_property
    def left(self) -> np.ndarray:
        """1 on the left half of the face, 0 on the right."""
        return smooth(-8, 8, self.x)


def vector(weight: np.ndarray, x: float | np.ndarray, y: float | np.ndarray, z: float | np.ndarray) -> np.ndarray:
    """`weight` (N,) times the vector (x, y, z), each a number or (N,)."""
    return np.stack(np.broadcast_arrays(weight * x, weight * y, weight * z), axis=1)
