"""Render ▸ Head Animation: the engine writes what F12 would, and only what has changed."""

from __future__ import annotations

import json
import os
import signal
import struct
import tempfile
import zlib
from pathlib import Path

import bpy
import numpy as np
import pytest

LAST = 5


@pytest.fixture
def animated(scene, add_head, ball_file, tmp_path):
    """A ball that moves over five frames, seen by two cameras that markers bind."""
    head = add_head(ball_file, (0.02, 0, 0))
    slide = head.data.shape_keys.key_blocks["slide"]
    for frame in range(1, LAST + 1):
        slide.value = 0.1 * (frame - 1)
        slide.keyframe_insert("value", frame=frame)
    scene.frame_start, scene.frame_end = 1, LAST
    other = bpy.data.objects.new("Other", scene.camera.data.copy())
    other.location, other.rotation_euler = (0, -0.8, 0.02), scene.camera.rotation_euler
    scene.collection.objects.link(other)
    for frame, camera in ((1, scene.camera), (4, other)):
        scene.timeline_markers.new(camera.name, frame=frame).camera = camera
    set_output(scene, tmp_path / "heads_")
    scene.frame_set(2)
    return scene


def set_output(scene, path, file_format="PNG", mode="RGBA", depth="8"):
    settings = scene.render.image_settings
    if bpy.app.version >= (5, 0):
        media = {"OPEN_EXR_MULTILAYER": "MULTI_LAYER_IMAGE", "FFMPEG": "VIDEO"}
        settings.media_type = media.get(file_format, "IMAGE")
    settings.file_format = file_format
    settings.color_mode = mode
    settings.color_depth = depth
    scene.render.filepath = str(path)


def render_heads() -> None:
    assert bpy.ops.dgtalker.render_head_animation() == {"FINISHED"}


def blender_files(scene, folder: Path) -> list[Path]:
    """What Ctrl-F12 writes."""
    before = scene.render.filepath
    scene.render.filepath = str(folder / Path(before).name)
    assert bpy.ops.render.render(animation=True) == {"FINISHED"}
    scene.render.filepath = before
    return sorted(folder.iterdir())


def pixels(path: Path) -> np.ndarray:
    image = bpy.data.images.load(str(path), check_existing=False)
    if path.suffix == ".png":
        image.colorspace_settings.name = "Non-Color"
    image.alpha_mode = "CHANNEL_PACKED"
    numbers = np.empty(image.size[0] * image.size[1] * image.channels, np.float32)
    image.pixels.foreach_get(numbers)
    return numbers.reshape(image.size[1], image.size[0], -1)


def assert_same_pictures(ours: list[Path], theirs: list[Path], tolerance: float) -> None:
    assert [path.name for path in ours] == [path.name for path in theirs]
    for one, other in zip(ours, theirs, strict=True):
        a, b = pixels(one), pixels(other)
        assert a.shape == b.shape
        # Blender keeps colours where nothing is seen; nobody sees them.
        seen = (a[..., 3:] > 0) | (b[..., 3:] > 0)
        assert np.abs(np.where(seen, a - b, 0)).max() <= tolerance, one.name
        assert seen.any()


def ours(scene) -> list[Path]:
    return sorted(Path(scene.render.filepath).parent.glob("heads_*"))


@pytest.mark.parametrize(
    ("kind", "mode", "depth", "settings", "tolerance"),
    [
        ("PNG", "RGBA", "8", {}, 1.01 / 255),
        ("PNG", "RGB", "8", {"film_transparent": False}, 1.01 / 255),
        ("PNG", "RGBA", "16", {"use_border": True, "border_min_x": 0.3, "border_max_y": 0.6}, 2 / 65535),
        ("PNG", "RGBA", "8", {"use_border": True, "border_min_x": 0.3, "use_crop_to_border": True}, 1.01 / 255),
        ("PNG", "RGBA", "8", {"use_motion_blur": True, "motion_blur_shutter": 1.0}, 1.01 / 255),
        ("PNG", "RGB", "16", {"resolution_percentage": 50, "pixel_aspect_x": 1.5}, 2 / 65535),
        ("OPEN_EXR", "RGBA", "16", {}, 1e-6),
        ("OPEN_EXR", "RGB", "32", {}, 1e-6),
    ],
)
def test_the_pictures_are_those_of_ctrl_f12(animated, tmp_path, kind, mode, depth, settings, tolerance):
    for name, value in settings.items():
        setattr(animated.render, name, value)
    set_output(animated, tmp_path / "heads_####", kind, mode, depth)
    render_heads()
    assert animated.frame_current == 2
    files = ours(animated)
    assert len(files) == LAST
    assert_same_pictures(files, blender_files(animated, tmp_path / "blender"), tolerance)


@pytest.mark.parametrize("view", ["AgX", "Filmic", "Standard"])
def test_view_transforms_are_those_of_ctrl_f12(animated, tmp_path, view):
    animated.view_settings.view_transform = view
    animated.view_settings.exposure = 0.7
    animated.frame_end = 2
    render_heads()
    assert_same_pictures(ours(animated), blender_files(animated, tmp_path / "blender"), 1.01 / 255)


def test_stereoscopic_pictures_are_those_of_ctrl_f12(animated, tmp_path, room):
    animated.frame_end = 2
    animated.render.use_multiview = True
    animated.render.use_motion_blur = True
    for each in (*bpy.data.cameras,):
        each.stereo.convergence_mode, each.stereo.interocular_distance = "PARALLEL", 0.1
    render_heads()
    assert len(ours(animated)) == 4
    left, right, *_ = map(pixels, ours(animated))
    assert np.abs(left - right).max() > 0.5, "both eyes see the same"
    assert_same_pictures(ours(animated), blender_files(animated, tmp_path / "blender"), 1.01 / 255)
    render_heads()
    assert room("render.head_animation.job").last.kept == 4


def test_a_multilayer_file_has_the_layers_of_ctrl_f12(animated, tmp_path):
    animated.view_layers[0].use_pass_z = True
    animated.frame_end = 1
    set_output(animated, tmp_path / "heads_", "OPEN_EXR_MULTILAYER", "RGBA", "16")
    if hasattr(animated.render.image_settings, "use_exr_interleave"):
        animated.render.image_settings.use_exr_interleave = True
    render_heads()
    (one,), (other,) = ours(animated), blender_files(animated, tmp_path / "blender")
    assert kind_of(one) == kind_of(other) == "MULTILAYER"
    mine, theirs = exr_channels(one), exr_channels(other)
    assert list(mine) == list(theirs) == [*(f"ViewLayer.Combined.{name}" for name in "ABGR"), "ViewLayer.Depth.Z"]
    for name, values in mine.items():
        np.testing.assert_allclose(values, theirs[name], rtol=1e-6)
    assert (mine["ViewLayer.Depth.Z"] < 2).any()


PASSES = ("z", "mist", "position", "normal", "vector", "object_index", "material_index", "cryptomatte_object")


@pytest.fixture
def layered(animated, add_head, ball_file, put_in, tmp_path):
    """Two balls on two view layers, the second of which has other passes and excludes the farther one."""
    near = bpy.context.object
    near.active_material.pass_index = 4
    far = add_head(ball_file, (0.12, 0.3, 0))
    near.name, far.name = "Nearer", "Rätsel 7"
    near.pass_index, far.pass_index = 3, 5
    bpy.ops.mesh.primitive_cube_add(size=0.06, location=(0.02, -0.3, 0))
    put_in(bpy.context.object, "Before")
    put_in(far, "Far")
    first, second = animated.view_layers[0], animated.view_layers.new("Second")
    animated.view_layers.new("Off").use = False
    for name in PASSES:
        setattr(first, f"use_pass_{name}", True)
    second.use_pass_normal = second.use_pass_cryptomatte_object = True
    second.pass_cryptomatte_depth = 2
    for name in ("Far", "Before"):
        second.layer_collection.children[name].exclude = True
    animated.frame_end = 2
    set_output(animated, tmp_path / "heads_", "OPEN_EXR_MULTILAYER", "RGBA", "16")
    if hasattr(animated.render.image_settings, "use_exr_interleave"):
        animated.render.image_settings.use_exr_interleave = True
    return animated


@pytest.mark.parametrize(
    "settings",
    [
        {},
        {"film_transparent": False, "use_motion_blur": True},
        {"use_multiview": True, "use_border": True, "border_min_x": 0.3},
    ],
    ids=["plain", "opaque and blurred", "stereoscopic with a border"],
)
def test_all_passes_of_several_view_layers_are_those_of_ctrl_f12(layered, tmp_path, settings):
    for name, value in settings.items():
        setattr(layered.render, name, value)
    render_heads()
    files, theirs = ours(layered), blender_files(layered, tmp_path / "blender")
    assert [file.name for file in files] == [file.name for file in theirs]
    assert kind_of(files[0]) == "MULTILAYER"
    for one, other in zip(files, theirs, strict=True):
        (mine, about), (expected, header) = exr_file(one), exr_file(other)
        assert list(mine) == list(expected)
        for name, values in mine.items():
            assert values.dtype == expected[name].dtype, name
            theirs_there = expected[name]
            if name.endswith("Depth.Z"):  # outside a border 4.5 has 1e11
                theirs_there = np.minimum(theirs_there, 1e10)
            np.testing.assert_allclose(values, theirs_there, rtol=1e-5, atol=1e-6, err_msg=name)
        mattes = {name: text for name, text in header.items() if name.startswith("cryptomatte/")}
        assert len(mattes) == 8
        assert {name: text for name, text in about.items() if name.startswith("cryptomatte/")} == mattes
    assert (mine["Second.Combined.R"] != mine["ViewLayer.Combined.R"]).any()
    assert_mattes_are_read(mine, about)


def test_holdouts_of_a_view_layer_are_those_of_ctrl_f12_and_only_changed_frames_are_made_again(
    layered, tmp_path, room, put_in
):
    near, far, second = layered.objects["Nearer"], layered.objects["Rätsel 7"], layered.view_layers["Second"]
    put_in(near, "Near")
    second.layer_collection.children["Far"].exclude = False
    second.layer_collection.children["Near"].holdout = True
    render_heads()
    for one, other in zip(ours(layered), blender_files(layered, tmp_path / "blender"), strict=True):
        (mine, _), (expected, _) = exr_file(one), exr_file(other)
        assert list(mine) == list(expected)
        for name, values in mine.items():
            np.testing.assert_allclose(values, expected[name], rtol=1e-5, atol=1e-6, err_msg=name)
        hole = mine["ViewLayer.Alpha Nearer.X"] > 0.95
        assert hole.sum() > 50
        assert mine["Second.Combined.A"][hole].max() < 0.06
        assert mine["Second.Combined.A"].max() > 0.2
    for frame, is_holdout in ((1, False), (2, True)):
        far.is_holdout = is_holdout
        far.keyframe_insert("is_holdout", frame=frame)
    render_heads()
    job = room("render.head_animation.job").last
    assert (job.rendered, job.kept) == (1, 1)


def assert_mattes_are_read(channels, header):
    """As another program does: the manifest's numbers, looked for in every rank."""
    for layer, names in (("ViewLayer", {"Nearer", "Rätsel 7"}), ("Second", {"Nearer"})):
        (key,) = (name[:-5] for name, text in header.items() if name.endswith("/name") and text.startswith(layer))
        assert header[f"{key}/name"] == f"{layer}.CryptoObject"
        manifest = json.loads(header[f"{key}/manifest"])
        assert set(manifest) == names
        ranks = sorted(name[:-2] for name in channels if name.startswith(f"{layer}.CryptoObject") and name[-1] == "r")
        for name, digits in manifest.items():
            number = np.uint32(int(digits, 16)).view(np.float32)
            matte = sum(
                np.where(channels[f"{rank}.{which}"] == number, channels[f"{rank}.{covers}"], 0)
                for rank in ranks
                for which, covers in ("rg", "ba")
            )
            assert matte.max() > 0.9, name
            if layer == "ViewLayer":
                np.testing.assert_allclose(matte, channels[f"{layer}.Alpha {name}.X"], atol=1e-6)


def test_a_file_of_one_layer_is_rendered_again_when_a_pass_is_switched_on(layered, room):
    def counts():
        render_heads()
        job = room("render.head_animation.job").last
        return job.rendered, job.kept

    assert counts() == (2, 0)
    assert counts() == (0, 2)
    layered.view_layers["Second"].use_pass_mist = True
    assert counts() == (2, 0)
    layered.world.mist_settings.depth = 3
    assert counts() == (2, 0)
    layered.objects["Rätsel 7"].pass_index = 6
    assert counts() == (2, 0)
    layered.view_layers["Second"].layer_collection.children["Before"].exclude = False
    assert counts() == (2, 0)
    ours(layered)[1].unlink()
    assert counts() == (1, 1)
    layered.render.use_overwrite = False
    ours(layered)[0].write_bytes(b"mine")
    assert counts() == (0, 2)


def test_plain_files_hold_the_first_view_layer_s_picture_as_with_ctrl_f12(layered, tmp_path):
    set_output(layered, tmp_path / "heads_")
    render_heads()
    assert_same_pictures(ours(layered), blender_files(layered, tmp_path / "blender"), 1.01 / 255)


def test_nothing_stays_of_view_layers_that_were_read(layered, watched, room, tmp_path, monkeypatch):
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))
    layered.frame_end = 60
    kept = []

    def is_pressed():
        kept.extend(tmp_path.glob("dgtalker-*/9.json"))
        return bool(kept)

    watched(is_pressed)
    assert bpy.ops.dgtalker.render_head_animation() == {"CANCELLED"}
    assert kept
    assert not list(tmp_path.glob("dgtalker-*"))
    assert room("render.head_animation.job").current is None
    assert ours(layered) == []


def kind_of(path: Path) -> str:
    """What Blender takes a file for, once it has looked into it."""
    image = bpy.data.images.load(str(path), check_existing=False)
    _ = tuple(image.size)
    return image.type


def exr_channels(path: Path) -> dict[str, np.ndarray]:
    return exr_file(path)[0]


def exr_file(path: Path) -> tuple[dict[str, np.ndarray], dict[str, str]]:
    """The channels of a file of one part, packed with ZIP, (H, W), and the texts in its header."""
    data = path.read_bytes()
    place, attributes, kinds = 8, {}, {}
    while data[place]:
        name, kind, rest = data[place:].split(b"\0", 2)
        (length,) = struct.unpack("<I", rest[:4])
        place += len(name) + len(kind) + 6 + length
        attributes[name], kinds[name] = data[place - length : place], kind
    left, top, right, bottom = struct.unpack("<4i", attributes[b"dataWindow"])
    width, height = right - left + 1, bottom - top + 1
    texts = {name.decode(): text.decode() for name, text in attributes.items() if kinds[name] == b"string"}
    channels, described = [], attributes[b"channels"]
    while described != b"\0":
        name, described = described.split(b"\0", 1)
        channels.append((name.decode(), "<f2" if described[0] == 1 else "<f4"))
        described = described[16:]
    found = {name: [] for name, _ in channels}
    for offset in struct.unpack(f"<{-(-height // 16)}Q", data[place + 1 : place + 1 + 8 * -(-height // 16)]):
        first, length = struct.unpack("<iI", data[offset : offset + 8])
        lines = min(16, height - first)
        packed = data[offset + 8 : offset + 8 + length]
        size = lines * width * sum(int(code[-1]) for _, code in channels)
        if length < size:
            steps = np.frombuffer(zlib.decompress(packed), "u1").astype(np.int64)
            values = ((np.cumsum(steps - 128) + 128) & 255).astype("u1")
            half = (size + 1) // 2
            raw = np.empty(size, "u1")
            raw[::2], raw[1::2] = values[:half], values[half:]
            packed = raw.tobytes()
        at = 0
        for _ in range(lines):
            for name, code in channels:
                found[name].append(np.frombuffer(packed, code, width, at))
                at += width * int(code[-1])
    return {name: np.stack(lines) for name, lines in found.items()}, texts


def test_only_what_has_changed_is_rendered_again(animated, room):
    render_heads()
    files = ours(animated)
    first = [path.read_bytes() for path in files]
    files[1].unlink()
    files[2].write_bytes(first[2][:-200])
    render_heads()
    job = room("render.head_animation.job").last
    assert (job.rendered, job.kept) == (2, 3)
    assert [path.read_bytes() for path in files] == first
    keyed_curve().keyframe_points[2].co.y = 0.9
    times = {path: path.stat().st_mtime_ns for path in files}
    render_heads()
    assert [path.name for path in files if path.stat().st_mtime_ns != times[path]] == ["heads_0003.png"]


def keyed_curve():
    action = next(action for action in bpy.data.actions if action.slots[0].target_id_type == "KEY")
    return action.layers[0].strips[0].channelbag(action.slots[0]).fcurves[0]


def test_files_are_left_alone_where_the_scene_says_so(animated, room):
    path = Path(animated.render.filepath)
    mine = path.with_name("heads_0003.png")
    mine.write_bytes(b"mine")
    animated.render.use_overwrite = False
    animated.render.use_placeholder = True
    render_heads()
    job = room("render.head_animation.job").last
    assert (job.rendered, job.kept) == (4, 1)
    assert mine.read_bytes() == b"mine"
    assert len(ours(animated)) == LAST
    assert all(each.stat().st_size > 100 for each in ours(animated) if each != mine)
    render_heads()
    note = room("render.head_animation.job").last.note
    assert note == f"0 of 5 frames rendered, 5 kept as they were, in {mine.parent}"


def test_an_engine_that_is_killed_leaves_no_placeholder_unfilled(animated, room, watched):
    animated.frame_end = 20
    animated.render.use_overwrite = False
    animated.render.use_placeholder = True
    engine = room("bridge.engine")
    killed = []

    def kill():
        if not killed and any(not file.stat().st_size for file in ours(animated)):
            killed.append(engine.state().pid)
            os.kill(killed[0], signal.SIGKILL)
        return False

    watched(kill)
    render_heads()
    assert killed
    assert len(ours(animated)) == 20
    assert all(room("render.whole_files").is_whole(file) for file in ours(animated))


def test_placeholders_that_nobody_fills_are_removed(animated, room, watched):
    animated.frame_end = 60
    animated.render.use_placeholder = True
    watched(lambda: any(not file.stat().st_size for file in ours(animated)))
    assert bpy.ops.dgtalker.render_head_animation() == {"CANCELLED"}
    assert all(file.stat().st_size for file in ours(animated))


def test_a_message_is_no_larger_than_batches_are_counted(animated, room, add_head, ball_file):
    add_head(ball_file, (-0.2, 0, 0))
    depsgraph = bpy.context.evaluated_depsgraph_get()
    bpy.ops.mesh.primitive_cube_add(size=0.2, location=(0, -0.3, 0))
    shot, _ = room("render.shot").frame_shot(depsgraph, animated.camera.evaluated_get(depsgraph), (128, 128))
    size = len(shot.to_json())
    assert size <= room("render.head_animation.batch").size_of(shot) <= 4 * size


def test_frame_step_and_relative_paths(animated, tmp_path, room):
    bpy.ops.wm.save_as_mainfile(filepath=str(tmp_path / "shot.blend"))
    animated = bpy.context.scene
    animated.frame_step = 2
    animated.render.filepath = "//out/heads_##"
    render_heads()
    names = sorted(path.name for path in (tmp_path / "out").iterdir())
    assert names == ["heads_01.png", "heads_03.png", "heads_05.png"]
    bpy.ops.wm.open_mainfile(filepath=bpy.data.filepath)
    assert room("render.head_animation.job").last is None, "another file says what was done in this one"


def refusals():
    yield "file for each view", use_side_by_side
    yield "compositor", use_compositor
    yield "No view layer", lambda scene: setattr(scene.view_layers[0], "use", False)
    yield "burn", lambda scene: setattr(scene.render, "use_stamp", True)
    yield "not JPEG", lambda scene: set_output(scene, "/tmp/x", "JPEG", "RGB")
    yield "panoramic", lambda scene: setattr(scene.camera.data, "type", "PANO")


def use_side_by_side(scene):
    scene.render.use_multiview = True
    scene.render.image_settings.views_format = "STEREO_3D"


def use_compositor(scene):
    if bpy.app.version >= (5, 0):
        tree = scene.compositing_node_group = bpy.data.node_groups.new("own", "CompositorNodeTree")
        tree.nodes.new("CompositorNodeRLayers")
    else:
        scene.use_nodes = True


@pytest.mark.parametrize(("words", "ask"), [*refusals()], ids=lambda each: each if isinstance(each, str) else "")
def test_what_is_not_done_is_refused_before_anything_is_rendered(animated, words, ask):
    ask(animated)
    with pytest.raises(RuntimeError, match=words):
        bpy.ops.dgtalker.render_head_animation()
    assert ours(animated) == [] or Path(animated.render.filepath).parent == Path("/tmp")


def test_another_engine_is_a_reason_not_to(animated):
    animated.render.engine = "CYCLES"
    with pytest.raises(RuntimeError, match="choose DGTalker"):
        bpy.ops.dgtalker.render_head_animation()


def test_a_file_that_cannot_be_written_fails_loudly(animated, room):
    Path(animated.render.filepath).with_name("heads_0002.png").mkdir()
    with pytest.raises(RuntimeError, match=r"heads_0002\.png cannot be written"):
        bpy.ops.dgtalker.render_head_animation()
    assert room("render.head_animation.job").current is None
    assert animated.frame_current == 2


@pytest.fixture
def watched(room, monkeypatch):
    """Lets a job ask a test whether ESC was pressed: without a window nobody can press it."""
    job = room("render.head_animation.job")
    run = job.Job.run

    def watch(is_pressed):
        class Pressed:
            def __init__(self, owner):
                self._owner = owner

            def __getattr__(self, name):
                return getattr(self._owner, name)

            def test_break(self):
                return is_pressed()

        monkeypatch.setattr(job.Job, "run", lambda self, owner, depsgraph: run(self, Pressed(owner), depsgraph))

    return watch


def test_esc_leaves_whole_files(animated, room, watched):
    animated.frame_end = 400
    job = room("render.head_animation.job")
    watched(lambda: any(ours(animated)))
    assert bpy.ops.dgtalker.render_head_animation() == {"CANCELLED"}
    is_whole = room("render.whole_files").is_whole
    files = ours(animated)
    assert 0 < len(files) < 400
    assert all(is_whole(path) for path in files)
    assert job.current is None
    assert animated.frame_current == 2


def test_f12_afterwards_is_f12(animated, render):
    render_heads()
    assert render("single.png").shape == (128, 128, 4)
