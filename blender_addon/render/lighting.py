"""What the scene's light makes of heads: by normals, as spherical harmonics of degree 2.

The light that a head was made in is in its colours, and nobody knows it apart from them. So they are multiplied by how
much brighter the scene is, from each side, than a uniform white world of strength 1.
"""

from __future__ import annotations

from dataclasses import dataclass

import bpy
import numpy as np

from . import environment, lamps
from .harmonics import IRRADIANCE, basis, fitted

_MOST = 1e5
"""Times as bright as a white world; docs/shot.md."""


@dataclass(frozen=True)
class SceneLight:
    """The light of an evaluated view layer; shadows, and what meshes reflect or give off, are not in it.

    Attributes:
        lamps: all that are shown.
        world: (9, 3), radiance, scene-linear Rec.709.
        warnings: sentences about what is not followed.
    """

    lamps: tuple[lamps.Lamp, ...]
    world: np.ndarray
    warnings: tuple[str, ...]

    def of(self, matrix: np.ndarray, amount: float) -> tuple[float, ...]:
        """A `ShotHead.light`, for a head that stands where its matrix (4, 4) puts the origin of head space.

        Args:
            amount: 0 for the light that the head was made in, 1 for that of the scene.
        """
        place, linear = matrix[:3, 3], matrix[:3, :3]
        radiance = self.world.copy()
        for lamp in self.lamps:
            directions, irradiances = lamp.shining_on(place)
            radiance += basis(directions).T @ irradiances
        factor = IRRADIANCE[:, None] / np.pi * radiance

        def factors(normals: np.ndarray) -> np.ndarray:
            around = normals @ np.linalg.pinv(linear)
            around /= np.maximum(np.linalg.norm(around, axis=1, keepdims=True), 1e-12)
            return 1 - amount + amount * (basis(around) @ factor)

        return tuple(np.clip(fitted(factors), -_MOST, _MOST).ravel().tolist())


def scene_light(depsgraph: bpy.types.Depsgraph) -> SceneLight:
    """The light that the view layer shows, at the time that it is evaluated to."""
    world, warning = environment.radiance(depsgraph)
    found, unknown = lamps.shown(depsgraph)
    warnings = [warning] if warning else []
    warnings += [f"The nodes of the lamp {name} are not followed on heads." for name in unknown]
    return SceneLight(tuple(found), world, tuple(warnings))
