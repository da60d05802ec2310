"""Passes: where, how far and whose each pixel is, beside Cycles and beside what Blender knows."""

from __future__ import annotations

import math

import bpy
import numpy as np
import pytest

SIZE = 128
NEW = bpy.app.version >= (5, 0)
OBJECT_INDEX, MATERIAL_INDEX = ("Object Index", "Material Index") if NEW else ("IndexOB", "IndexMA")


@pytest.fixture
def render_passes(tmp_path):
    """Renders several passes of a view layer to files of their own; float32 (H, W, channels) by name."""

    def go(read, *names, engine="DGTALKER"):
        scene = bpy.context.scene
        scene.render.engine = engine
        bpy.context.view_layer.update_render_passes()
        if NEW:
            tree = scene.compositing_node_group = bpy.data.node_groups.new("passes", "CompositorNodeTree")
        else:
            scene.use_nodes = True
            tree = scene.node_tree
            tree.nodes.clear()
        layers = tree.nodes.new("CompositorNodeRLayers")
        layers.scene = scene
        for i, name in enumerate(names):
            output = tree.nodes.new("CompositorNodeOutputFile")
            kind = {"VALUE": "FLOAT"}.get(layers.outputs[name].type, layers.outputs[name].type)
            if NEW:
                output.directory, output.file_name, output.format.media_type = str(tmp_path), f"{engine}{i}_", "IMAGE"
                target = output.inputs[output.file_output_items.new(kind, name).name]
            else:
                output.base_path, output.file_slots[0].path = str(tmp_path), f"{engine}{i}_"
                target = output.inputs[0]
            output.format.file_format, output.format.color_depth = "OPEN_EXR", "32"
            output.format.color_mode = "RGBA"
            tree.links.new(layers.outputs[name], target)
        assert bpy.ops.render.render() == {"FINISHED"}
        return {name: read(next(tmp_path.glob(f"{engine}{i}_*.exr"))) for i, name in enumerate(names)}

    return go


def test_positions_and_mist_are_those_of_cycles_at_the_same_depth(scene, add_head, ball_file, render_passes, read):
    """A flat wall where the ball is: its places follow from pixels and depth as the ball's do."""
    add_head(ball_file, (0.02, 0.3, 0.01))
    scene.camera.location, scene.camera.rotation_euler = (0.1, -1, 0.2), (1.45, 0.05, 0.1)
    layer = bpy.context.view_layer
    layer.use_pass_z = layer.use_pass_position = layer.use_pass_mist = True
    scene.world.mist_settings.start, scene.world.mist_settings.depth = 1.0, 2.0
    ours = render_passes(read, "Image", "Depth", "Position", "Mist")
    bpy.context.object.hide_render = True
    bpy.ops.mesh.primitive_plane_add(size=4, location=(0, 0.3, 0), rotation=(np.pi / 2, 0, 0))
    scene.cycles.samples = 1
    scene.cycles.device = "CPU"
    theirs = render_passes(read, "Depth", "Position", "Mist", engine="CYCLES")
    inside = ours["Image"][..., 3] > 0.98
    # the same ray, as far along as the ball is
    eye = np.array(scene.camera.matrix_world.translation)
    ratio = ours["Depth"][inside][:, :1] / theirs["Depth"][inside][:, :1]
    expected = eye + (theirs["Position"][inside][:, :3] - eye) * ratio
    # Cycles' one sample lies anywhere within the pixel filter
    assert np.abs(ours["Position"][inside][:, :3] - expected).max() < 0.02
    assert np.abs((ours["Position"][inside][:, :3] - expected).mean(0)).max() < 0.002
    assert not ours["Position"][~inside & (ours["Image"][..., 3] == 0)][:, :3].any()
    near = np.abs(ratio[:, 0] - 1) < 0.01
    assert np.abs(ours["Mist"][inside][near, 0] - theirs["Mist"][inside][near, 0]).max() < 0.02
    assert ours["Mist"][0, 0, 0] == 1


def test_indices_alphas_and_cryptomatte_tell_heads_apart(scene, add_head, ball_file, render_passes, read, room):
    near, far = add_head(ball_file, (-0.06, 0, 0)), add_head(ball_file, (0.12, 0.3, 0))
    near.name, far.name = "Nearer", "Farther"
    near.pass_index, far.pass_index = 3, 5
    layer = bpy.context.view_layer
    layer.use_pass_object_index = layer.use_pass_cryptomatte_object = True
    found = render_passes(read, "Image", OBJECT_INDEX, "Alpha Nearer", "Alpha Farther", "CryptoObject00")
    assert found[OBJECT_INDEX][64, 51, 0] == 3
    assert found[OBJECT_INDEX][64, 88, 0] == 5
    assert found[OBJECT_INDEX][0, 0, 0] == 0
    alpha, first, second = (
        found[name][..., -1 if name == "Image" else 0] for name in ("Image", "Alpha Nearer", "Alpha Farther")
    )
    np.testing.assert_allclose(first + second, alpha, atol=0.02)
    from dgtalker_engine.wire.cryptomatte import object_id

    crypto = found["CryptoObject00"]
    for name, covered in (("Nearer", first), ("Farther", second)):
        number = object_id(name)
        matte = sum(np.where(crypto[..., i] == np.float32(number), crypto[..., i + 1], 0) for i in (0, 2))
        np.testing.assert_allclose(matte, covered, atol=1e-6)


def test_normals_are_in_the_world_and_as_long_as_alpha(scene, add_head, ball_file, render_passes, read):
    """Those of the mesh, a triangle that faces the camera until the head is turned."""
    head = add_head(ball_file)
    head.rotation_euler = (0, 0, 0.5)
    head.scale = (1, -1, 1)
    bpy.context.view_layer.use_pass_normal = True
    found = render_passes(read, "Image", "Normal")
    alpha, normals = found["Image"][..., 3:], found["Normal"][..., :3]
    np.testing.assert_allclose(normals, alpha * (-math.sin(0.5), math.cos(0.5), 0), atol=0.01)


def test_vectors_are_those_of_cycles_for_a_wall_that_moves_alike(scene, add_head, ball_file, render_passes, read):
    """Parallel rays: all of both goes as far, whatever their shapes are."""
    scene.camera.data.type, scene.camera.data.ortho_scale = "ORTHO", 0.4
    bpy.ops.mesh.primitive_plane_add(size=4, rotation=(np.pi / 2, 0, 0))
    wall, head = bpy.context.object, add_head(ball_file)
    for ob, places in (
        (head, ((0, 0), (0.01, 0.02), (0.05, -0.01))),
        (wall, ((0, 0), (0.01, 0.02), (0.05, -0.01))),
        # for parallel rays of a camera that moves, Cycles 4.5 has other numbers in each pixel
        (scene.camera, ((0, 0), (0, 0.03 * NEW), (0, 0.03 * NEW))),
    ):
        start = ob.location.copy()
        for frame, (x, z) in enumerate(places, 1):
            ob.location = start[0] + x, start[1], start[2] + z
            ob.keyframe_insert("location", frame=frame)
    scene.frame_set(2)
    bpy.context.view_layer.use_pass_vector = True
    wall.hide_render = True
    ours = render_passes(read, "Image", "Vector")
    head.hide_render, wall.hide_render = True, False
    scene.cycles.samples, scene.cycles.device = 1, "CPU"
    theirs = render_passes(read, "Vector", engine="CYCLES")["Vector"]
    inside = ours["Image"][..., 3] > 0.98
    expected = theirs[inside][:, :3].mean(axis=0)
    assert np.abs(expected).min() > 1
    assert scene.frame_current == 2
    np.testing.assert_allclose(ours["Vector"][inside][:, :3], [expected] * inside.sum(), atol=0.05)


def test_cryptomatte_numbers_names_as_cycles_does(scene, room, render_passes, read):
    from dgtalker_engine.wire.cryptomatte import object_id

    bpy.ops.mesh.primitive_plane_add(size=4, location=(0, 0.3, 0), rotation=(np.pi / 2, 0, 0))
    bpy.context.view_layer.use_pass_cryptomatte_object = True
    scene.cycles.samples, scene.cycles.device = 1, "CPU"
    for name in ("Plane", "Rätsel 7", "abcd"):
        bpy.context.object.name = name
        crypto = render_passes(read, "CryptoObject00", engine="CYCLES")["CryptoObject00"]
        assert crypto[64, 64, 0] == np.float32(object_id(name))


def test_a_multilayer_file_holds_the_passes_and_cryptomatte_s_manifest(scene, add_head, ball_file, tmp_path):
    add_head(ball_file).name = "Robin"
    layer = bpy.context.view_layer
    layer.use_pass_z = layer.use_pass_position = layer.use_pass_object_index = layer.use_pass_cryptomatte_object = True
    if NEW:
        scene.render.image_settings.media_type = "MULTI_LAYER_IMAGE"
    scene.render.image_settings.file_format = "OPEN_EXR_MULTILAYER"
    scene.render.filepath = str(tmp_path / "frame.exr")
    assert bpy.ops.render.render(write_still=True) == {"FINISHED"}
    written = (tmp_path / "frame.exr").read_bytes()
    for text in ("Position.X", f"{OBJECT_INDEX}.X", "Alpha Robin.X", "CryptoObject00.r", "MurmurHash3_32", '{"Robin":'):
        assert text.encode() in written, text
