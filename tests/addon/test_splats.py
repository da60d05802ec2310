"""Splats of other programs in Blender: imported, drawn by F12 and in one frame, and heads exported to them."""

from __future__ import annotations

import json
import struct
from typing import Any

import bpy
import numpy as np
import pytest

SIZE = 96


def ball_ply(path, count=400, colour=(0.8, 0.4, 0.2)):
    """A ball of 0.05 m, 0.4 m to the right of a file's origin and 0.2 m above it, where Y points down."""
    names = ["x", "y", "z", "nx", "ny", "nz", "f_dc_0", "f_dc_1", "f_dc_2", "opacity"]
    names.extend(f"{name}_{i}" for name, many in (("scale", 3), ("rot", 4)) for i in range(many))
    rows = np.zeros((count, len(names)), "<f4")
    rows[:, :3] = np.random.default_rng(1).normal(0, 0.025, (count, 3)) + np.array((0.4, -0.2, 0))
    rows[:, 6:9] = (np.array(colour) - 0.5) / 0.28209479
    rows[:, 9:14] = (6.0, *[np.log(0.015)] * 3, 1.0)
    lines = [f"property float {name}" for name in names]
    header = "\n".join(["ply", "format binary_little_endian 1.0", f"element vertex {count}", *lines, "end_header\n"])
    path.write_bytes(header.encode() + rows.tobytes())
    return path


@pytest.fixture
def render(tmp_path):
    """F12 from 2 m before the origin, without light: float32 (H, W, 4), straight alpha, top row first."""
    scene: Any = bpy.context.scene
    scene.render.engine = "DGTALKER"
    scene.render.resolution_x = scene.render.resolution_y = SIZE
    scene.render.film_transparent = True
    scene.view_settings.view_transform = "Standard"
    scene.camera.location, scene.camera.rotation_euler = (0, -2, 0), (np.pi / 2, 0, 0)
    scene.camera.data.lens = 50

    def go(name="frame.png"):
        bpy.context.scene.render.filepath = str(tmp_path / name)
        assert bpy.ops.render.render(write_still=True) == {"FINISHED"}
        image = bpy.data.images.load(str(tmp_path / name))
        pixels = np.empty(SIZE * SIZE * 4, np.float32)
        image.pixels.foreach_get(pixels)
        return pixels.reshape(SIZE, SIZE, 4)[::-1]

    return go


def middle(picture):
    """Where what is seen lies: pixels from the left and from the top."""
    alpha = picture[..., 3]
    assert alpha.max() > 0.9
    rows, columns = np.mgrid[:SIZE, :SIZE] + 0.5
    return float((alpha * columns).sum() / alpha.sum()), float((alpha * rows).sum() / alpha.sum())


def import_ball(tmp_path, **options):
    assert bpy.ops.dgtalker.import_splats(filepath=str(ball_ply(tmp_path / "ball.ply")), **options) == {"FINISHED"}
    return bpy.context.object


def test_f12_draws_an_import_where_it_stands_in_its_colours(tmp_path, render, room):
    ob = import_ball(tmp_path)
    assert ob.name == "ball"
    assert tuple(ob.location) == (0, 0, 0)
    picture = render()
    x, y = middle(picture)
    focal = 50 / 36 * SIZE
    assert abs(x - (SIZE / 2 + focal * 0.4 / 2)) < 1
    assert abs(y - (SIZE / 2 - focal * 0.2 / 2)) < 1
    assert np.allclose(picture[round(y), round(x), :3], (0.8, 0.4, 0.2), atol=0.04)
    corners = np.array([ob.matrix_world @ vertex.co for vertex in ob.data.vertices])
    assert np.allclose(corners.mean(axis=0), (0.4, 0, 0.2), atol=0.01), "the mesh that stands for it"
    ob.location.x = -0.4
    assert abs(middle(render("moved.png"))[0] - SIZE / 2) < 1


def test_axes_and_scale_are_those_of_blenders_importers(tmp_path, render):
    ob = import_ball(tmp_path, forward_axis="Y", up_axis="Z", global_scale=0.5)
    corners = np.array([vertex.co for vertex in ob.data.vertices])
    assert np.allclose(corners.mean(axis=0), (0.2, -0.1, 0), atol=0.01)


def test_an_import_is_kept_in_the_file_and_speaks_not(tmp_path, render, room):
    import_ball(tmp_path)
    before = render()
    bpy.ops.wm.save_as_mainfile(filepath=str(tmp_path / "scene.blend"))
    (tmp_path / "ball.ply").unlink()
    bpy.ops.wm.open_mainfile(filepath=str(tmp_path / "scene.blend"))
    ob = bpy.data.objects["ball"]
    assert np.abs(render("again.png") - before).max() < 0.01
    assert room("head.model").is_head(ob)
    assert not room("speech.timeline.speakers").is_speaker(ob)
    assert room("speech.timeline.speakers").in_scene(bpy.context.scene) == []
    assert room("head.add").consent_lines(ob)[0].startswith("Consent unknown")


def test_what_moves_sliders_is_not_offered_for_an_import(tmp_path):
    ob = import_ball(tmp_path)
    for name in ("reset_sliders", "key_all", "mirror_sliders", "animate"):
        assert not getattr(bpy.ops.dgtalker, name).poll(), name
    assert bpy.ops.dgtalker.restore_controls() == {"FINISHED"}
    assert [block.name for block in ob.data.shape_keys.key_blocks] == ["Basis"]


def test_one_frame_shows_imports_among_meshes(tmp_path, render):
    import_ball(tmp_path)
    scene = bpy.context.scene
    scene.render.engine = "CYCLES"
    scene.cycles.device, scene.cycles.samples, scene.cycles.use_denoising = "CPU", 1, False
    bpy.ops.mesh.primitive_cube_add(size=0.1, location=(-0.4, 0, 0))
    assert bpy.ops.dgtalker.heads_with_cycles() == {"FINISHED"}
    alpha = render()[..., 3]
    assert alpha[:, : SIZE // 2].max() > 0.9, "the cube"
    assert alpha[:, SIZE // 2 :].max() > 0.9, "the splats"


def test_a_broken_file_changes_nothing(tmp_path):
    path = tmp_path / "broken.ply"
    path.write_bytes(ball_ply(tmp_path / "ball.ply").read_bytes()[:900])
    objects = len(bpy.data.objects)
    with pytest.raises(RuntimeError, match=r"broken\.ply: The PLY file ends before"):
        bpy.ops.dgtalker.import_splats(filepath=str(path))
    with pytest.raises(RuntimeError, match="cannot be read"):
        bpy.ops.dgtalker.import_splats(filepath=str(tmp_path / "none.ply"))
    assert len(bpy.data.objects) == objects


@pytest.mark.parametrize("kind", ["ply", "spz", "glb"])
def test_a_pose_goes_out_and_comes_in_as_it_was(tmp_path, render, kind):
    assert bpy.ops.dgtalker.add_head() == {"FINISHED"}
    head = bpy.context.object
    head.location, head.rotation_euler = (0.1, 0.3, -0.05), (0, 0, 0.4)
    head.scale = (1.5, 1.5, 1.5)
    head.data.shape_keys.key_blocks["jawOpen"].value = 0.8
    bpy.context.view_layer.update()
    before = render("head.png")
    path = tmp_path / f"robin.{kind}"
    assert bpy.ops.dgtalker.export_splats(filepath=str(path)) == {"FINISHED"}
    assert path.stat().st_size > 100_000
    bpy.data.objects.remove(head)
    assert bpy.ops.dgtalker.import_splats(filepath=str(path)) == {"FINISHED"}
    after = render("splats.png")
    premultiplied = [picture[..., :3] * picture[..., 3:] for picture in (before, after)]
    assert np.abs(before[..., 3] - after[..., 3]).mean() < 0.002
    assert np.abs(premultiplied[0] - premultiplied[1]).mean() < (0.006 if kind == "spz" else 0.003)


def test_a_bent_head_goes_out_bent(tmp_path, render):
    bpy.ops.dgtalker.add_head()
    head = bpy.context.object
    bend = head.modifiers.new("Bend", "SIMPLE_DEFORM")
    bend.deform_method, bend.angle, bend.deform_axis = "BEND", 1.2, "Y"
    bpy.context.view_layer.update()
    before = render("head.png")[..., 3]
    assert bpy.ops.dgtalker.export_splats(filepath=str(tmp_path / "bent.ply"), format="ply") == {"FINISHED"}
    bpy.data.objects.remove(head)
    bpy.ops.dgtalker.import_splats(filepath=str(tmp_path / "bent.ply"))
    assert np.abs(before - render("splats.png")[..., 3]).mean() < 0.003


def test_export_says_why_not(tmp_path):
    assert not bpy.ops.dgtalker.export_splats.poll()
    bpy.ops.dgtalker.add_head()
    (tmp_path / "folder.ply").mkdir()
    with pytest.raises(RuntimeError, match="cannot be written"):
        bpy.ops.dgtalker.export_splats(filepath=str(tmp_path / "folder.ply"), format="ply")


def test_blenders_gltf_exporter_gives_the_mesh_with_its_shapes_and_their_animation(tmp_path):
    bpy.ops.dgtalker.add_head()
    head = bpy.context.object
    key = head.data.shape_keys
    for frame, value in ((1, 0.0), (12, 1.0)):
        key.key_blocks["jawOpen"].value = value
        key.key_blocks["jawOpen"].keyframe_insert("value", frame=frame)
    bpy.context.scene.frame_end = 12
    path = tmp_path / "robin.glb"
    settings = {"use_selection": True, "export_morph": True, "export_animations": True}
    assert bpy.ops.export_scene.gltf(filepath=str(path), export_format="GLB", **settings) == {"FINISHED"}
    data = path.read_bytes()
    length = struct.unpack_from("<I", data, 12)[0]
    document, body = json.loads(data[20 : 20 + length]), data[20 + length + 8 :]
    (mesh,) = document["meshes"]
    names = mesh["extras"]["targetNames"]
    assert {"jawOpen", "eyeBlinkLeft", "mouthSmileRight"} <= set(names)
    assert len(mesh["primitives"][0]["targets"]) == len(names) == len(mesh["weights"])
    samplers = [
        animation["samplers"][channel["sampler"]]
        for animation in document["animations"]
        for channel in animation["channels"]
        if channel["target"]["path"] == "weights"
    ]
    accessor = document["accessors"][samplers[0]["output"]]
    start = document["bufferViews"][accessor["bufferView"]].get("byteOffset", 0)
    last = np.frombuffer(body, "<f4", accessor["count"], start).reshape(-1, len(names))[-1]
    assert last[names.index("jawOpen")] == 1
    square = [value for name, value in zip(names, last, strict=True) if "jawOpen" in name and name != "jawOpen"]
    assert max(square) == 1, "a corrective, which a driver moves"
