"""Blender's lamps as a head sees them, in the units of Cycles."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Literal, cast

import bpy
import numpy as np
from mathutils import Color

from .colours import plain_colour

_SIDE = 8
"""Points along each side of an area lamp."""
_NEAREST = 1e-3
"""Metres between a lamp and a head."""
_NARROWEST = np.pi / 180
"""Radians, of an area lamp's spread; as in Cycles."""


@dataclass(frozen=True, kw_only=True)
class Lamp:
    """One lamp of an evaluated scene.

    Attributes:
        kind: as Blender names it.
        colour: (3,), scene-linear Rec.709, times its strength: W/m² of a sun, W of all others.
        matrix: (4, 4), its space to the world.
        cone: of a spot: the cosine of half its angle, and the part of the rest that is soft.
        points: of an area lamp: (P, 3), where it shines from, in its own space; together they stand for all of it.
        spread: of an area lamp, radians.
    """

    kind: Literal["SUN", "POINT", "SPOT", "AREA"]
    colour: np.ndarray
    matrix: np.ndarray
    cone: tuple[float, float] = (-1.0, 0.0)
    points: np.ndarray | None = None
    spread: float = np.pi

    def shining_on(self, place: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """Whence light comes to a place (3,) of the world: unit directions (P, 3) to the lamp, and the irradiance
        (P, 3), W/m², of a surface that faces it."""
        linear, at = self.matrix[:3, :3], self.matrix[:3, 3]
        back = linear[:, 2] / max(float(np.linalg.norm(linear[:, 2])), 1e-12)
        if self.kind == "SUN":
            return back[None], self.colour[None]
        points = at[None] if self.points is None else self.points @ linear.T + at
        away = points - place
        distance = np.maximum(np.linalg.norm(away, axis=1, keepdims=True), _NEAREST)
        directions = away / distance
        if self.kind == "AREA":
            part = _lambertian(directions @ back, self.spread) / len(points)
        else:
            part = np.full(1, 1 / (4 * np.pi))
        if self.kind == "SPOT":
            part = part * self._in_cone(place)
        return directions, part[:, None] * self.colour / distance**2

    def _in_cone(self, place: np.ndarray) -> float:
        """How much of a spot's light goes to a place: its cone is as its scale makes it."""
        local = np.linalg.pinv(self.matrix[:3, :3]) @ (place - self.matrix[:3, 3])
        cosine = -local[2] / max(float(np.linalg.norm(local)), 1e-12)
        edge, soft = self.cone
        t = float(np.clip((cosine - edge) / max((1 - edge) * soft, 1e-6), 0, 1))
        return t * t * (3 - 2 * t)


def shown(depsgraph: bpy.types.Depsgraph) -> tuple[list[Lamp], list[str]]:
    """The lamps that a view layer shows, and the names of those whose nodes are not followed."""
    found: list[Lamp] = []
    unknown: list[str] = []
    for instance in depsgraph.object_instances:
        ob = instance.object
        if ob.type != "LIGHT" or not ob.visible_diffuse or not (instance.is_instance or instance.show_self):
            continue
        light = cast(Any, ob.data)
        shade, plain = _nodes_of(light)
        if not plain:
            unknown.append(ob.name)
        found.append(_lamp(light, np.array(instance.matrix_world, np.float64), shade))
    return found, sorted(set(unknown))


def _lamp(light: Any, matrix: np.ndarray, shade: Color) -> Lamp:
    colour = np.array(light.color) * np.array(shade) * light.energy * 2**light.exposure * _size(light, matrix)
    if light.use_temperature:
        colour *= np.array(light.temperature_color)
    colour = np.array(Color(colour.tolist()).from_scene_linear_to_rec709_linear())
    if light.type == "SPOT":
        return Lamp(kind="SPOT", colour=colour, matrix=matrix, cone=(np.cos(light.spot_size / 2), light.spot_blend))
    if light.type != "AREA":
        return Lamp(kind=light.type, colour=colour, matrix=matrix)
    size = np.array([light.size, light.size_y if light.shape in ("RECTANGLE", "ELLIPSE") else light.size])
    points = _square() * size / 2
    if light.shape in ("DISK", "ELLIPSE"):
        points = _disk() * size / 2
    points = np.column_stack([points, np.zeros(len(points))])
    return Lamp(kind="AREA", colour=colour, matrix=matrix, points=points, spread=light.spread)


def _size(light: Any, matrix: np.ndarray) -> float:
    """What a lamp's strength counts for: all of it, or, not normalized, each square metre or steradian of it."""
    if light.normalize:
        return 1.0
    if light.type == "SUN":
        return np.pi * np.sin(light.angle / 2) ** 2
    if light.type != "AREA":
        return 4 * np.pi * light.shadow_soft_size**2
    across = np.linalg.norm(np.cross(matrix[:3, 0], matrix[:3, 1]))
    if light.shape in ("DISK", "ELLIPSE"):
        across *= np.pi / 4
    return float(across) * light.size * (light.size_y if light.shape in ("RECTANGLE", "ELLIPSE") else light.size)


def _nodes_of(light: Any) -> tuple[Color, bool]:
    """The colour that a lamp's nodes multiply its own by, and whether they are one plain colour; white if not."""
    if light.node_tree is None or (bpy.app.version < (5, 0) and not light.use_nodes):
        return Color((1.0, 1.0, 1.0)), True
    output = light.node_tree.get_output_node("ALL")
    colour = plain_colour(output, "ShaderNodeEmission")
    return (Color((1.0, 1.0, 1.0)), False) if colour is None else (colour, True)


def _lambertian(cosines: np.ndarray, spread: float) -> np.ndarray:
    """Radiant intensity of one side of a surface, by its flux, in directions of these cosines from its normal.

    Cycles narrows it to a cone of half the angle a = spread / 2 by 1 - tan x / tan a.
    """
    cosines = np.maximum(cosines, 0)
    half = max(spread, _NARROWEST) / 2
    if half < np.pi / 2 - 1e-6:
        slope = np.tan(half)
        tangents = np.sqrt(1 - np.minimum(cosines, 1) ** 2) / np.maximum(cosines, 1e-6)
        return cosines / np.pi * np.maximum(slope - tangents, 0) / (slope - half)
    return cosines / np.pi


def _square() -> np.ndarray:
    """Points (P, 2) that are spread evenly over the square from -1 to 1."""
    steps = (np.arange(_SIDE) + 0.5) / _SIDE * 2 - 1
    return np.stack(np.meshgrid(steps, steps), axis=-1).reshape(-1, 2)


def _disk() -> np.ndarray:
    """Likewise, over the disk of radius 1: a sunflower's."""
    count = _SIDE**2
    steps = np.arange(count) + 0.5
    radius, angle = np.sqrt(steps / count), steps * np.pi * (1 + 5**0.5)
    return np.stack([radius * np.cos(angle), radius * np.sin(angle)], axis=1)
