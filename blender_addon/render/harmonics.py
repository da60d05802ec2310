"""Real spherical harmonics of degree 0 to 2, in the order and with the signs of `Gaussians.sh`. Needs no Blender."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

IRRADIANCE = np.array([np.pi, *[2 * np.pi / 3] * 3, *[np.pi / 4] * 5])
"""What a clamped cosine makes of radiance: Ramamoorthi and Hanrahan (2001), equation 8."""
_C0, _C1, _C2 = np.sqrt([1 / (4 * np.pi), 3 / (4 * np.pi), 15 / (4 * np.pi)])
_ZZ = np.sqrt(5 / (16 * np.pi))


def basis(directions: np.ndarray) -> np.ndarray:
    """The nine functions at unit directions (N, 3): (N, 9)."""
    x, y, z = directions.T
    degree_1 = -_C1 * y, _C1 * z, -_C1 * x
    degree_2 = _C2 * x * y, -_C2 * y * z, _ZZ * (2 * z * z - x * x - y * y), -_C2 * x * z, _C2 / 2 * (x * x - y * y)
    return np.stack([np.full_like(x, _C0), *degree_1, *degree_2], axis=1)


def fitted(function: Callable[[np.ndarray], np.ndarray]) -> np.ndarray:
    """Coefficients (9, 3) of the nearest such function to one from unit directions (N, 3) to values (N, 3)."""
    return _INVERSE @ function(_AROUND)


def _around(count: int) -> np.ndarray:
    """A Fibonacci lattice on the sphere, (count, 3)."""
    steps = np.arange(count) + 0.5
    height, angle = 1 - 2 * steps / count, steps * np.pi * (1 + 5**0.5)
    radius = np.sqrt(1 - height**2)
    return np.stack([radius * np.cos(angle), radius * np.sin(angle), height], axis=1)


_AROUND = _around(64)
_INVERSE = np.linalg.pinv(basis(_AROUND))
