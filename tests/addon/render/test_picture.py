"""What comes out of F12: where things are, their colours, alpha, depth, border."""

from __future__ import annotations

import bpy
import numpy as np
import pytest
from mathutils import Euler, Matrix, Vector

SIZE = 128


def srgb(linear: np.ndarray) -> np.ndarray:
    return np.where(linear <= 0.0031308, linear * 12.92, 1.055 * np.maximum(linear, 1e-9) ** (1 / 2.4) - 0.055)


def world_points(head: bpy.types.Object, points: np.ndarray) -> np.ndarray:
    bpy.context.view_layer.update()
    return (np.array(head.matrix_world) @ np.c_[points, np.ones(len(points))].T)[:3].T


def same_places(found: np.ndarray, expected: np.ndarray) -> bool:
    return len(found) == len(expected) and np.abs(found - expected[expected[:, 0].argsort()]).max() < 0.1


@pytest.mark.parametrize("kind", ["PERSP", "ORTHO"])
def test_gaussians_land_where_blender_projects_them(scene, add_head, lamps_file, lamps, render, spots, project, kind):
    head = add_head(lamps_file, (0.02, 0.1, 0.03))
    head.rotation_euler = (0.1, 0.2, 0.4)
    head.delta_rotation_euler = (0.2, 0, -0.1)
    data = scene.camera.data
    data.type, data.lens, data.ortho_scale, data.shift_x, data.shift_y = kind, 45, 0.9, 0.05, 0.04
    scene.camera.matrix_world = Matrix.LocRotScale(Vector((0.1, -0.9, 0.05)), Euler((1.5, 0.1, 0.15)), Vector((2,) * 3))
    picture = render(resolution_x=300, resolution_y=200, resolution_percentage=67, pixel_aspect_x=1.25)
    assert picture.shape == (134, 201, 4)
    expected = project(world_points(head, lamps), scene.camera, 201, 134, (1.25, 1))
    assert same_places(spots(picture), expected)


def test_the_picture_is_neither_mirrored_nor_upside_down(scene, add_head, ball_file, render):
    add_head(ball_file, (0.15, 0, 0.1))
    alpha = render()[..., 3]
    row, column = (np.arange(SIZE) @ alpha.sum(axis=axis) / alpha.sum() for axis in (1, 0))
    assert column > SIZE / 2 + 10, "+X, the head's own left, is on the right from the front"
    assert row < SIZE / 2 - 10, "+Z is up"


def test_f12_writes_the_engines_own_picture(room, scene, add_head, ball_file, render):
    add_head(ball_file)
    picture = render()
    shot, warnings = room("render.shot").frame_shot(
        bpy.context.evaluated_depsgraph_get(), scene.camera, (SIZE, SIZE), None
    )
    rgba = room("render.picture").render(shot).rgba
    alpha = rgba[..., 3:]
    straight = np.where(alpha > 0, rgba[..., :3] / np.maximum(alpha, 1e-6), 0)
    solid = alpha[..., 0] > 0.1
    assert warnings == []
    np.testing.assert_allclose(picture[..., 3], rgba[..., 3], atol=1 / 255)
    np.testing.assert_allclose(picture[solid, :3], srgb(straight[solid]), atol=2 / 255)


def test_colours_are_exact_under_the_standard_view(scene, add_head, ball_file, render):
    add_head(ball_file)
    picture = render()
    assert picture[SIZE // 2, SIZE // 2, 3] == 1
    soft = (picture[..., 3] > 0.2) & (picture[..., 3] < 0.8)
    assert soft.sum() > 50
    np.testing.assert_allclose(picture[SIZE // 2, SIZE // 2, :3], (0.8, 0.4, 0.2), atol=1 / 255)
    np.testing.assert_allclose(picture[soft, :3] - np.array([0.8, 0.4, 0.2]), 0, atol=3 / 255)


def test_the_world_stands_behind_the_heads_unless_the_film_is_transparent(scene, add_head, ball_file, render):
    add_head(ball_file)
    if bpy.app.version < (5, 0):
        scene.world.use_nodes = True
    background = scene.world.node_tree.nodes["Background"]
    background.inputs["Color"].default_value = (0.1, 0.2, 0.4, 1)
    background.inputs["Strength"].default_value = 1.5
    clear = render()
    filled = render(film_transparent=False)
    assert clear[0, 0].tolist() == [0, 0, 0, 0]
    np.testing.assert_allclose(filled[0, 0], [*srgb(np.array([0.15, 0.3, 0.6])), 1], atol=1 / 255)
    assert np.all(filled[..., 3] == 1)
    np.testing.assert_allclose(filled[SIZE // 2, SIZE // 2, :3], (0.8, 0.4, 0.2), atol=1.5 / 255)


def test_a_world_that_is_a_texture_warns_and_uses_its_display_colour(room, scene, render, capfd):
    if bpy.app.version < (5, 0):
        scene.world.use_nodes = True
    tree = scene.world.node_tree
    tree.links.new(tree.nodes.new("ShaderNodeTexSky").outputs["Color"], tree.nodes["Background"].inputs["Color"])
    scene.world.color = (0.5, 0.25, 0.125)
    picture = render(film_transparent=False)
    assert "not one plain colour" in "".join(capfd.readouterr())
    np.testing.assert_allclose(picture[5, 5, :3], srgb(np.array([0.5, 0.25, 0.125])), atol=1 / 255)


def test_a_scene_without_heads_gives_an_empty_picture(scene, render):
    assert not render().any()
    assert render(film_transparent=False)[..., 3].min() == 1


def test_the_render_border_is_a_piece_of_the_whole(scene, add_head, ball_file, render):
    add_head(ball_file, (0.03, 0, 0.02))
    whole = render()
    render_settings = scene.render
    render_settings.use_border = True
    render_settings.border_min_x, render_settings.border_max_x = 0.41, 0.83
    render_settings.border_min_y, render_settings.border_max_y = 0.29, 0.62
    cropped = render(use_crop_to_border=True)
    left, right, bottom, top = 52, 106, 37, 79
    np.testing.assert_array_equal(cropped, whole[SIZE - top : SIZE - bottom, left:right])
    framed = render(use_crop_to_border=False)
    assert framed.shape == whole.shape
    np.testing.assert_array_equal(framed[SIZE - top : SIZE - bottom, left:right], cropped)
    framed[SIZE - top : SIZE - bottom, left:right] = 0
    assert not framed.any()


def test_large_pictures_are_rendered_in_bands_without_seams(room, scene, add_head, ball_file, render, monkeypatch):
    add_head(ball_file)
    whole = render()
    picture = room("render.picture")
    monkeypatch.setattr(picture.bands, "__defaults__", (SIZE * 24 * 37,))
    np.testing.assert_array_equal(render(), whole)


def test_depth_is_planar_and_far_where_nothing_is(scene, add_head, ball_file, render_pass):
    add_head(ball_file, (0, 0.5, 0))
    bpy.context.view_layer.use_pass_z = True
    depth = render_pass("ViewLayer", "Depth")
    assert depth.shape == (SIZE, SIZE)
    # The ball's radius is about a tenth of a metre, its middle 1.5 m away.
    assert depth[SIZE // 2, SIZE // 2] == pytest.approx(1.44, abs=0.06)
    assert depth[0, 0] == pytest.approx(1e10, rel=1e-3)


def test_another_working_colour_space_shows_the_same_colours(scene, add_head, ball_file, render):
    if bpy.app.version < (5, 0):
        pytest.skip("Blender's working space is always linear Rec.709 here")
    add_head(ball_file)
    bpy.ops.wm.set_working_color_space(working_space="Linear Rec.2020")
    picture = render()
    np.testing.assert_allclose(picture[SIZE // 2, SIZE // 2, :3], (0.8, 0.4, 0.2), atol=1.5 / 255)
