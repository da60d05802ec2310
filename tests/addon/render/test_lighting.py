"""Heads in the scene's light, beside a white sphere that Cycles draws in it."""

from __future__ import annotations

import math

import bpy
import numpy as np
import pytest

SIZE = 24
DOWN_X = (0.0, math.pi / 2, 0.0)
"""Turns what looks along -Z so that it looks along -X."""


@pytest.fixture
def dark(scene):
    """The scene without lamps and with a black world."""
    for ob in [ob for ob in scene.objects if ob.type in ("LIGHT", "MESH")]:
        bpy.data.objects.remove(ob)
    background = scene.world.node_tree.nodes["Background"]
    background.inputs["Color"].default_value, background.inputs["Strength"].default_value = (0, 0, 0, 1), 1
    return scene


def add_lamp(kind, location, rotation=DOWN_X, **settings):
    light = bpy.data.lights.new(kind, kind)
    for name, value in settings.items():
        setattr(light, name, value)
    ob = bpy.data.objects.new(kind, light)
    ob.location, ob.rotation_euler = location, rotation
    bpy.context.scene.collection.objects.link(ob)
    return ob


def set_world(scene, colour):
    scene.world.node_tree.nodes["Background"].inputs["Color"].default_value = (*colour, 1)


def add_environment(scene, turn):
    """A sky that is bright around +X, or where a turn about Z takes that."""
    image = bpy.data.images.new("sky", 64, 32, float_buffer=True)
    pixels = np.full((32, 64, 4), 0.2, np.float32)
    pixels[..., 3], pixels[10:26, 24:40, :3] = 1, (4, 3, 1)
    image.pixels.foreach_set(pixels.ravel())
    tree = scene.world.node_tree
    texture, mapping, place = (
        tree.nodes.new(f"ShaderNode{kind}") for kind in ("TexEnvironment", "Mapping", "TexCoord")
    )
    texture.image, mapping.inputs["Rotation"].default_value = image, (0, 0, turn)
    tree.links.new(place.outputs["Generated"], mapping.inputs["Vector"])
    tree.links.new(mapping.outputs["Vector"], texture.inputs["Vector"])
    tree.links.new(texture.outputs["Color"], tree.nodes["Background"].inputs["Color"])


def from_cycles(scene, place, read, folder):
    """A white sphere as a camera beside it sees it, linear (H, W, 3), and where it is."""
    bpy.ops.mesh.primitive_uv_sphere_add(segments=64, ring_count=32, radius=0.02, location=place)
    bpy.ops.object.shade_smooth()
    material = bpy.data.materials.new("white")
    if bpy.app.version < (5, 0):
        material.use_nodes = True
    tree = material.node_tree
    tree.nodes.clear()
    shader, output = tree.nodes.new("ShaderNodeBsdfDiffuse"), tree.nodes.new("ShaderNodeOutputMaterial")
    shader.inputs["Color"].default_value = (1, 1, 1, 1)
    tree.links.new(shader.outputs[0], output.inputs["Surface"])
    bpy.context.object.data.materials.append(material)
    scene.camera.data.type, scene.camera.data.ortho_scale = "ORTHO", 0.044
    scene.camera.location = np.add(place, (0, -1, 0))
    scene.render.engine, scene.cycles.device, scene.cycles.samples = "CYCLES", "CPU", 32
    scene.cycles.use_denoising = scene.cycles.use_adaptive_sampling = False
    settings = scene.render
    settings.resolution_x = settings.resolution_y = SIZE
    settings.image_settings.file_format, settings.image_settings.color_depth = "OPEN_EXR", "32"
    settings.filepath = str(folder / "sphere.exr")
    assert bpy.ops.render.render(write_still=True) == {"FINISHED"}
    return read(folder / "sphere.exr")


@pytest.mark.parametrize(
    ("kind", "settings"),
    [
        ("SUN", {"energy": 4.0, "color": (1, 0.5, 0.25)}),
        ("POINT", {"energy": 100.0, "exposure": 1.0}),
        ("SPOT", {"energy": 200.0, "spot_size": 0.5, "spot_blend": 0.5}),
        ("AREA", {"energy": 60.0, "shape": "RECTANGLE", "size": 1.5, "size_y": 0.5, "use_temperature": True}),
        ("SKY", {}),
    ],
)
def test_both_sides_of_a_head_get_as_much_light_as_a_sphere_in_cycles(dark, room, read, tmp_path, kind, settings):
    place = (0.3, 0.2, 0.1)
    if kind == "SKY":
        add_environment(dark, 0.6)
    else:
        set_world(dark, (0.05, 0.1, 0.2))
        add_lamp(kind, (1.8, 0.2, 0.1), **settings)
    matrix = np.eye(4)
    matrix[:3, 3] = place
    depsgraph = bpy.context.evaluated_depsgraph_get()
    found = room("render.lighting").scene_light(depsgraph)
    assert not found.warnings
    light = np.reshape(found.of(matrix, 1.0), (9, 3))
    picture = from_cycles(dark, place, read, tmp_path)
    rows, columns = (np.indices((SIZE, SIZE)) + 0.5 - SIZE / 2) * 0.044 / SIZE / 0.02
    inside = rows**2 + columns**2 < 0.85
    normals = np.stack([columns, -np.sqrt(np.maximum(1 - rows**2 - columns**2, 0)), -rows], -1)[inside]
    ours = np.maximum(room("render.harmonics").basis(normals) @ light, 0)
    theirs = picture[inside][:, :3]
    for side in (normals[:, 0] > 0, normals[:, 0] < 0):
        np.testing.assert_allclose(ours[side].mean(axis=0), theirs[side].mean(axis=0), rtol=0.12, atol=0.02)


def test_the_slider_blends_from_the_head_s_own_light_to_the_scene_s_and_can_be_keyed(dark, add_head, ball_file, render):
    head = add_head(ball_file)
    set_world(dark, (1, 1, 1))
    own = render(film_transparent=True)
    head.dgtalker.scene_light = 1
    np.testing.assert_allclose(render(), own, atol=0.01)  # in a white world
    set_world(dark, (0.25, 0.5, 0))
    scenes = render()
    seen = own[..., 3] > 0.9
    linear = [np.where(each <= 0.04045, each / 12.92, ((each + 0.055) / 1.055) ** 2.4)[seen] for each in (own, scenes)]
    np.testing.assert_allclose(linear[1][:, :3], linear[0][:, :3] * (0.25, 0.5, 0), atol=0.01)
    for frame, amount in ((1, 0.0), (2, 1.0)):
        head.dgtalker.scene_light = amount
        assert head.keyframe_insert("dgtalker.scene_light", frame=frame)
    for frame, expected in ((1, own), (2, scenes)):
        dark.frame_set(frame)
        np.testing.assert_array_equal(render(), expected)


def test_a_lamp_lights_the_side_that_faces_it_and_textures_are_named(dark, add_head, ball_file, render, room):
    add_head(ball_file).dgtalker.scene_light = 1  # its mesh is a triangle that faces the camera
    lamp = add_lamp("SUN", (0, 0, 0), (math.pi / 2, 0, 0), energy=math.pi / 2, color=(1, 0, 0))
    before = render()
    lamp.rotation_euler = (-math.pi / 2, 0, 0)
    behind = render()
    seen = before[..., 3] > 0.9
    assert before[seen][:, 0].mean() > 3 * behind[seen][:, 0].mean() > 0
    assert not before[seen][:, 1:3].any()
    add_environment(dark, 0)
    dark.world.node_tree.nodes["Mapping"].inputs["Scale"].default_value = (2, 1, 1)
    found = room("render.lighting").scene_light(bpy.context.evaluated_depsgraph_get())
    assert "viewport display colour" in found.warnings[0]
