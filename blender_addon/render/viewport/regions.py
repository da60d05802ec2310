"""What the region that Blender is drawing shows: its view, and how heads look in it."""

from __future__ import annotations

from typing import Any, cast

import bpy
import numpy as np

from .drawing import Look
from .view import View, view_of

ENGINE = "DGTALKER"
_CLIP_PLANES = 4
"""That Blender's clipping border is made of."""


def drawn_by_engine(context: bpy.types.Context) -> bool:
    """Whether the region is a rendered view of ours, which has nothing but heads."""
    space = cast("bpy.types.SpaceView3D", context.space_data)
    return space.shading.type == "RENDERED" and context.scene.render.engine == ENGINE


def is_filmed() -> bool:
    """Whether Blender renders an animation of a viewport."""
    windows = bpy.context.window_manager.windows
    return any(operator.bl_idname == "RENDER_OT_opengl" for window in windows for operator in window.modal_operators)


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
    # Surfaces are invisible in Wireframe unless X-Ray is turned up; a head is nothing but surface.
    if shading.type == "WIREFRAME" or (shading.type == "SOLID" and shading.show_xray):
        opacity = shading.xray_alpha
    data = _data(context)
    planes: tuple[tuple[float, ...], ...] = ()
    if data.use_clip_planes:
        planes = tuple(tuple(plane) for plane in list(data.clip_planes)[:_CLIP_PLANES])
    frame = camera_frame(space, data, context.scene, context.region.width, context.region.height)
    darkened = _passepartout(space) if frame else 0.0
    return Look(opacity, planes, frame or (0.0, 0.0, 0.0, 0.0), darkened, depth=not drawn_by_engine(context))


def camera_frame(
    space: bpy.types.SpaceView3D, data: bpy.types.RegionView3D, scene: bpy.types.Scene, width: int, height: int
) -> tuple[float, float, float, float] | None:
    """x and y of the corners of the camera's picture in a region, pixels; None where the view is not a camera's."""
    camera: Any = space.camera
    if data.view_perspective != "CAMERA" or camera is None or camera.type != "CAMERA":
        return None
    matrix = np.array(data.window_matrix) @ np.array(data.view_matrix) @ np.array(camera.matrix_world.normalized())
    corners = np.array([(*corner, 1.0) for corner in camera.data.view_frame(scene=scene)]) @ matrix.T
    pixels = (corners[:, :2] / corners[:, 3:] + 1) / 2 * (width, height)
    (left, low), (right, high) = pixels.min(axis=0).tolist(), pixels.max(axis=0).tolist()
    return left, low, right, high


def _passepartout(space: bpy.types.SpaceView3D) -> float:
    """How dark it is outside the camera's picture."""
    camera: Any = space.camera
    shown = camera.data.show_passepartout and space.overlay.show_overlays
    return camera.data.passepartout_alpha if shown else 0.0


def _data(context: bpy.types.Context) -> bpy.types.RegionView3D:
    return cast("bpy.types.RegionView3D", context.region_data)
