"""Where a new head is seen: not inside a solid such as Blender's default cube, and large enough in the view."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import bpy
from bpy_extras.view3d_utils import location_3d_to_region_2d
from mathutils import Vector

LARGEST_SOLID = 5.0
"""Metres. What is larger, and around a head, is a room, whichever way its faces look."""

BESIDE = 0.1
"""Metres between a solid and the head in front of it."""

SMALLEST = 0.15
"""Of the height of a view that a head is to take up."""

_DIRECTIONS = [Vector(axis) * side for axis in ((1, 0, 0), (0, 1, 0), (0, 0, 1)) for side in (1, -1)]


def move_out(context: bpy.types.Context, head: bpy.types.Object) -> str:
    """Puts a new head in front of the solid that hides it, and returns that solid's name; empty where none does."""
    name = ""
    for _ in range(4):  # a solid may stand before another
        context.view_layer.update()
        solid = _around(context, head)
        if solid is None:
            break
        front = min((solid.matrix_world @ Vector(corner)).y for corner in solid.bound_box)
        back = max(corner.y for corner in corners(head))
        head.location.y += front - BESIDE - back
        name = name or solid.name
    context.view_layer.update()
    return name


def _around(context: bpy.types.Context, head: bpy.types.Object) -> bpy.types.Object | None:
    """The solid all around the head's middle: whatever way one looks out, its nearest face is seen from behind."""
    middle = sum(corners(head), Vector()) / 8
    others = [ob for ob in context.visible_objects or () if ob.type == "MESH" and ob != head]
    return next((ob for ob in others if _is_solid(ob) and _holds(context, ob, middle)), None)


def _is_solid(ob: bpy.types.Object) -> bool:
    return ob.display_type in ("SOLID", "TEXTURED") and 0 < max(ob.dimensions.to_tuple()) < LARGEST_SOLID


def _holds(context: bpy.types.Context, ob: bpy.types.Object, point: Vector) -> bool:
    inverse = ob.matrix_world.inverted_safe()
    origin = inverse @ point
    for direction in _DIRECTIONS:
        towards = (inverse.to_3x3() @ direction).normalized()
        hit, _place, normal, _face = ob.ray_cast(origin, towards, depsgraph=context.evaluated_depsgraph_get())
        if not hit or normal.dot(towards) <= 0:
            return False
    return True


def show(context: bpy.types.Context, head: bpy.types.Object) -> None:
    """Brings a new head, which alone is selected, into the 3D view where it is small or outside; nothing without one.

    A view through the camera stays.
    """
    area = context.area if context.area is not None and context.area.type == "VIEW_3D" else None
    if bpy.app.background or context.window is None or area is None:
        return
    region = next(region for region in area.regions if region.type == "WINDOW")
    space: Any = area.spaces.active
    if space.region_3d.view_perspective == "CAMERA" or _is_seen(region, space.region_3d, corners(head)):
        return
    override: Any = context.temp_override(window=context.window, area=area, region=region)
    with override:
        bpy.ops.view3d.view_selected()


def _is_seen(region: bpy.types.Region, view: Any, points: Sequence[Vector]) -> bool:
    seen: list[Any] = [location_3d_to_region_2d(region, view, point) for point in points]
    if any(point is None or not (0 <= point.x <= region.width and 0 <= point.y <= region.height) for point in seen):
        return False
    heights = [point.y for point in seen]
    return max(heights) - min(heights) > SMALLEST * region.height


def corners(ob: bpy.types.Object) -> list[Vector]:
    """The corners of an object's box in the world."""
    return [ob.matrix_world @ Vector(corner) for corner in ob.bound_box]
