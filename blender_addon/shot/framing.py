"""A camera that looks a head in the face, near enough to see it speak."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

import bpy
from bpy_extras.object_utils import world_to_camera_view
from mathutils import Matrix, Vector

from ..head import place

LENS = 85.0
"""Millimetres, as portraits are taken with: nearer, a nose grows."""

MARGIN = 1.15
"""How much farther away the camera stands than it must."""

FACTORY_PLACE = Vector((7.35889, -6.92579, 4.95831))
"""Where the camera of Blender's default scene stands, metres."""

FACTORY_ROTATION = Vector((1.10932, 0.0, 0.81493))
"""How it is turned there; radians, XYZ."""

FACTORY_LENS = 50.0


def is_untouched(camera: bpy.types.Object) -> bool:
    """Whether a camera is as in Blender's default scene, and nothing moves it."""
    lens: Any = camera.data
    angles: Any = camera.rotation_euler
    moved = camera.parent or camera.animation_data or lens.animation_data or len(camera.constraints)
    if moved or camera.rotation_mode != "XYZ" or lens.type != "PERSP" or abs(lens.lens - FACTORY_LENS) > 1e-3:
        return False
    turned = Vector(angles) - FACTORY_ROTATION
    return (camera.location - FACTORY_PLACE).length < 1e-3 and turned.length < 1e-3


def shows(scene: bpy.types.Scene, camera: bpy.types.Object, heads: Sequence[bpy.types.Object]) -> bool:
    """Whether the middle of each head lies within a camera's picture."""
    for head in heads:
        x, y, depth = world_to_camera_view(scene, camera, sum(place.corners(head), Vector()) / 8)
        if depth <= 0 or not (0 <= x <= 1 and 0 <= y <= 1):
            return False
    return True


def frame(context: bpy.types.Context, camera: bpy.types.Object, heads: Sequence[bpy.types.Object]) -> None:
    """Puts a camera in front of heads, the first of which it looks in the face, so that all of them fit the picture."""
    facing = heads[0].matrix_world.to_quaternion()
    # A head looks along −Y, a camera along its own −Z, with Y up.
    camera.rotation_mode = "XYZ"
    camera.rotation_euler = (facing.to_matrix() @ Matrix.Rotation(math.pi / 2, 3, "X")).to_euler()
    context.view_layer.update()
    points = [corner for head in heads for corner in place.corners(head)]
    numbers = [number for point in points for number in point]
    fitted: Any = camera.camera_fit_coords(context.evaluated_depsgraph_get(), numbers)
    middle = sum(points, Vector()) / len(points)
    away = Vector(fitted[0]) - middle
    camera.location = middle + away * MARGIN
    lens = camera.data
    assert isinstance(lens, bpy.types.Camera)
    lens.clip_start = min(lens.clip_start, away.length / 10)
    lens.clip_end = max(lens.clip_end, away.length * 10)
