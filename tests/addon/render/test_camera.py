"""Blender's camera as a Shot's, against Blender's own projection."""

from __future__ import annotations

import itertools
from dataclasses import replace

import bpy
import numpy as np
import pytest
from mathutils import Euler, Matrix, Vector

POINTS = np.random.default_rng(0).uniform(-2, 2, (50, 3))


def shot_pixels(shot_camera) -> np.ndarray:
    """(50, 2) by the engine's conventions."""
    x, y, z, _ = np.reshape(shot_camera.world_to_camera, (4, 4)) @ np.c_[POINTS, np.ones(50)].T
    K = np.reshape(shot_camera.K, (3, 3))
    z = np.ones_like(z) if shot_camera.orthographic else z
    return np.stack([K[0, 0] * x / z + K[0, 2], K[1, 1] * y / z + K[1, 2]], axis=-1)


def add_camera(**settings) -> bpy.types.Object:
    view = bpy.context.scene.camera
    for name, value in settings.items():
        setattr(view.data, name, value)
    view.matrix_world = Matrix.LocRotScale(Vector((1, -7, 3)), Euler((1.2, 0.1, 0.15)), None)
    return view


SIZES = [(1920, 1080, 100), (1080, 1920, 37), (512, 512, 50)]
ASPECTS = [(1.0, 1.0), (1.5, 1.0), (1.0, 2.0)]


@pytest.mark.parametrize("kind", ["PERSP", "ORTHO"])
@pytest.mark.parametrize("fit", ["AUTO", "HORIZONTAL", "VERTICAL"])
@pytest.mark.parametrize("shift", [(0, 0), (0.13, -0.21)])
def test_points_land_where_blender_puts_them(room, project, kind, fit, shift):
    view = add_camera(
        type=kind,
        sensor_fit=fit,
        sensor_width=36,
        sensor_height=20,
        lens=47,
        ortho_scale=6.3,
        shift_x=shift[0],
        shift_y=shift[1],
        clip_start=0.2,
        clip_end=500,
    )
    bpy.context.view_layer.update()
    for (full_width, full_height, percentage), aspect in itertools.product(SIZES, ASPECTS):
        width, height = room("render.camera").picture_size(full_width, full_height, percentage)
        found, _ = room("render.camera").shot_camera(view, width, height, aspect)
        np.testing.assert_allclose(shot_pixels(found), project(POINTS, view, width, height, aspect), atol=0.1)
        assert (found.near, found.far) == pytest.approx((0.2, 500))


@pytest.mark.parametrize("scale", [(2.5, 2.5, 2.5), (1, 3, 0.5), (-1, 1, 1), (1, 1, -2)])
def test_a_scaled_or_mirrored_camera_sees_what_blender_sees(room, project, scale):
    view = add_camera()
    view.scale = scale
    bpy.context.view_layer.update()
    found, _ = room("render.camera").shot_camera(view, 640, 480)
    np.testing.assert_allclose(shot_pixels(found), project(POINTS, view, 640, 480, (1, 1)), atol=0.1)


def test_a_parented_and_driven_camera_sees_what_blender_sees(room, project):
    view = add_camera()
    parent = bpy.data.objects.new("rig", None)
    bpy.context.scene.collection.objects.link(parent)
    parent.matrix_world = Matrix.LocRotScale(Vector((0.3, -1, 0)), Euler((0.1, 0.2, 0.3)), Vector((1, 2, 0.7)))
    view.parent = parent
    view.data.driver_add("lens").driver.expression = "31"
    bpy.context.view_layer.update()
    evaluated = view.evaluated_get(bpy.context.evaluated_depsgraph_get())
    found, shear = room("render.camera").shot_camera(evaluated, 640, 480)
    assert found.K[0] == pytest.approx(31 / 36 * 640)
    found = replace(found, world_to_camera=np.array(found.world_to_camera).reshape(4, 4) @ shear)
    np.testing.assert_allclose(shot_pixels(found), project(POINTS, view, 640, 480, (1, 1)), atol=0.1)


def test_panoramic_and_custom_cameras_are_refused(room):
    error = room("render.camera").DGTalkerError
    view = add_camera(type="PANO")
    with pytest.raises(error, match=r"panoramic.*Perspective"):
        room("render.camera").shot_camera(view, 640, 480)
    if "CUSTOM" in bpy.types.Camera.bl_rna.properties["type"].enum_items:
        view.data.type = "CUSTOM"
        with pytest.raises(error, match=r"custom.*Perspective"):
            room("render.camera").shot_camera(view, 640, 480)


def test_a_camera_without_size_is_refused(room):
    view = add_camera()
    view.scale = (0, 0, 0)
    bpy.context.view_layer.update()
    with pytest.raises(room("render.camera").DGTalkerError, match="scale of zero"):
        room("render.camera").shot_camera(view, 640, 480)


def test_sizes_and_borders_round_like_blender(room):
    """Blender's own figures: what begin_result() gives an engine, noted from a real render."""
    heard = []

    class Listener(bpy.types.RenderEngine):
        bl_idname = "TEST_LISTENER"
        bl_label = "Listener"

        def render(self, depsgraph):
            result = self.begin_result(0, 0, self.resolution_x, self.resolution_y)
            heard.append((self.resolution_x, self.resolution_y, result.resolution_x, result.resolution_y))
            self.end_result(result)

    bpy.utils.register_class(Listener)
    try:
        scene = bpy.context.scene
        scene.render.engine = "TEST_LISTENER"
        scene.render.use_border = True
        for width, percentage, left, right in [(1921, 33, 0.29, 0.57), (100, 100, 0.29, 0.58), (700, 51, 0.1, 0.7)]:
            scene.render.resolution_x = scene.render.resolution_y = width
            scene.render.resolution_percentage = percentage
            scene.render.border_min_x, scene.render.border_max_x = left, right
            scene.render.border_min_y, scene.render.border_max_y = left, right
            bpy.ops.render.render()
            border = (scene.render.border_min_x, scene.render.border_max_x) * 2
            size = room("render.camera").picture_size(width, width, percentage)
            assert (*size, *room("render.camera").border_region(border, *size)[2:]) == heard.pop()
    finally:
        bpy.utils.unregister_class(Listener)
