"""The similarity that lays points over others."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np


@dataclass(frozen=True)
class Similarity:
    """x ↦ scale · rotation · (x − source_centre) + target_centre.

    Attributes:
        scale: above 0.
        rotation: (3, 3), without reflection.
        source_centre: (3,).
        target_centre: (3,).
    """

    scale: float
    rotation: np.ndarray
    source_centre: np.ndarray
    target_centre: np.ndarray

    def apply(self, points: np.ndarray) -> np.ndarray:
        """Points (…, 3) to where the similarity takes them."""
        return self.scale * (points - self.source_centre) @ self.rotation.T + self.target_centre


def fit_similarity(source: np.ndarray, target: np.ndarray) -> Similarity:
    """The similarity of least squares that takes points (n, 3) to others (n, 3).

    Umeyama, "Least-squares estimation of transformation parameters between two point patterns" (1991), equations 40
    to 42. SciPy's `Rotation.align_vectors` finds the rotation alone.
    """
    source_centre, target_centre = source.mean(axis=0), target.mean(axis=0)
    a, b = source - source_centre, target - target_centre
    u, strength, v = np.linalg.svd(b.T @ a)
    sign = np.array([1.0, 1.0, np.sign(np.linalg.det(u @ v))])
    return Similarity(float((strength * sign).sum() / (a**2).sum()), (u * sign) @ v, source_centre, target_centre)
