"""What the region that Blender is drawing shows: its view, and how heads look in it."""

from __future__ import annotations

from typing import Any, cast

import bpy
import numpy as np
from mathutils import Vector

from .drawing import Look
from .view import View, view_of

ENGINE = "DGTALKER"
_CLIP_PLANES = 4
"""That Blender's clipping border is made of."""


def drawn_by_engine(context: bpy.types.Context) -> bool:
    """Whether the region is a rendered view of ours, which has nothing but heads."""
    space = cast("bpy.types.SpaceView3D", context.space_data)
    return space.shading.type == "RENDERED" and context.scene.render.engine == ENGINE


def current_view(context: bpy.types.Context) -> View:
    region, data = context.region, _data(context)
    return view_of(np.array(data.window_matrix), np.array(data.view_matrix), region.width, region.height)


def to_clip(context: bpy.types.Context) -> np.ndarray:
    """From the world to the region's clip space, (4, 4)."""
    data = _data(context)
    return np.array(data.window_matrix, np.float64) @ np.array(data.view_matrix, np.float64)


def look_of(context: bpy.types.Context) -> Look:
    space = cast("bpy.types.SpaceView3D", context.space_data)
    shading = space.shading
    opacity = 1.0
    if shading.type == "WIREFRAME" and shading.show_xray_wireframe:
        opacity = shading.xray_alpha_wireframe
    elif shading.type == "SOLID" and shading.show_xray:
        opacity = shading.xray_alpha
    data = _data(context)
    planes: tuple[tuple[float, ...], ...] = ()
    if data.use_clip_planes:
        planes = tuple(tuple(plane) for plane in list(data.clip_planes)[:_CLIP_PLANES])
    frame, darkened = _camera_frame(context, space, data)
    return Look(opacity, planes, frame, darkened, depth=not drawn_by_engine(context))


def _camera_frame(
    context: bpy.types.Context, space: bpy.types.SpaceView3D, data: bpy.types.RegionView3D
) -> tuple[tuple[float, float, float, float], float]:
    """The camera's picture in the region, and how dark it is outside."""
    nothing = (0.0, 0.0, 0.0, 0.0), 0.0
    camera: Any = space.camera
    if data.view_perspective != "CAMERA" or camera is None or camera.type != "CAMERA":
        return nothing
    lens = camera.data
    if not (lens.show_passepartout and space.overlay.show_overlays):
        return nothing
    matrix, place = to_clip(context), camera.matrix_world.normalized()
    corners = [matrix @ (*(place @ corner), 1.0) for corner in lens.view_frame(scene=context.scene)]
    size = Vector((context.region.width, context.region.height))
    pixels = [(corner[:2] / corner[3] + 1) / 2 * np.array(size) for corner in corners]
    low, high = np.min(pixels, axis=0), np.max(pixels, axis=0)
    return (low[0], low[1], high[0], high[1]), lens.passepartout_alpha


def _data(context: bpy.types.Context) -> bpy.types.RegionView3D:
    return cast("bpy.types.RegionView3D", context.region_data)
