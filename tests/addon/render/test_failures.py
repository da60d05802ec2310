"""What can go wrong in a render: one clear message, no blank frame, nothing lost."""

from __future__ import annotations

import contextlib
import os
import shutil
import signal
import subprocess
import sys
import threading
import time

import bpy
import numpy as np
import pytest


@pytest.fixture
def fails(tmp_path):
    """Renders an animation that must stop at its first frame, and returns the message."""

    def go(match: str) -> None:
        scene = bpy.context.scene
        scene.frame_start, scene.frame_end = 1, 3
        scene.render.filepath = str(tmp_path / "never_")
        with pytest.raises(RuntimeError, match=match):
            bpy.ops.render.render(animation=True)
        with pytest.raises(RuntimeError, match=match):
            bpy.ops.render.render(write_still=True)
        assert list(tmp_path.iterdir()) == []
        assert scene.frame_current <= 1

    return go


def test_a_panoramic_camera(room, scene, add_head, ball_file, fails):
    add_head(ball_file)
    scene.camera.data.type = "PANO"
    fails(r"panoramic camera.*Perspective or Orthographic")
    assert "panoramic" in room("render.engine").last_error.message
    scene.camera.data.type = "PERSP"
    bpy.ops.render.render()
    assert room("render.engine").last_error is None


def test_no_camera(scene, add_head, ball_file, fails):
    add_head(ball_file)
    scene.camera = None
    fails("camera")


def test_an_avatar_that_was_deleted(scene, add_head, ball_file, fails):
    head = add_head(ball_file)
    bpy.data.images.remove(head.dgtalker.avatar)
    fails(rf"{head.name} has lost its avatar.*Add the head again")


def test_a_place_that_is_not_a_number(scene, add_head, ball_file, fails):
    head = add_head(ball_file)
    head.location.x = float("nan")
    fails(rf"place of {head.name} is not a finite number.*drivers")


def test_the_last_error_tells_what_the_compositor_hides(room, scene, add_head, ball_file, render_pass):
    """Blender says FINISHED when the second scene of a compositor fails, and writes nothing."""
    add_head(ball_file)
    scene.camera.data.type = "PANO"
    main = bpy.data.scenes.new("Main")
    main.render.engine = "DGTALKER"
    main.render.resolution_x = main.render.resolution_y = 128
    camera = bpy.data.objects.new("Camera", bpy.data.cameras.new("Camera"))
    main.collection.objects.link(camera)
    main.camera = camera
    bpy.context.window.scene = main
    assert render_pass("ViewLayer", "Alpha", scene) is None
    assert "panoramic" in room("render.engine").last_error.message


def test_no_engine_installed(room, scene, add_head, ball_file, fails, render, monkeypatch):
    add_head(ball_file)
    engine = room("bridge.engine")
    engine.configure(python="/nowhere/python")
    try:
        fails("engine")
    finally:
        room("preferences").configure_engine()
    assert render().any()


def test_a_read_only_output_folder(scene, add_head, ball_file, tmp_path):
    add_head(ball_file)
    blocked = tmp_path / "file"
    blocked.write_text("not a folder")
    scene.render.filepath = str(blocked / "frame.png")
    with pytest.raises(RuntimeError, match=r"(?i)cannot|could not|failed|not a directory"):
        bpy.ops.render.render(write_still=True)
    assert blocked.read_text() == "not a folder"


@pytest.mark.skipif(not sys.platform.startswith("linux"), reason="only Linux has a folder that nobody may write to")
def test_a_folder_that_nobody_may_write_to(scene, add_head, ball_file):
    """Even root may not: permissions would not stop these tests where they run as root."""
    add_head(ball_file)
    scene.frame_start, scene.frame_end = 1, 3
    scene.render.filepath = "/sys/frame_"
    for how in ({"animation": True}, {"write_still": True}):
        with pytest.raises(RuntimeError, match="cannot save: '/sys/frame_"):
            bpy.ops.render.render(**how)
    assert scene.frame_current <= 1


def test_a_full_disk(scene, add_head, ball_file, fails, monkeypatch):
    """Blender itself says that it saved a frame of which the disk took only a part."""
    add_head(ball_file)
    usage = shutil.disk_usage
    monkeypatch.setattr(shutil, "disk_usage", lambda path: usage(path)._replace(free=20_000))
    fails(r"disk.*is full.*Make room")


def test_an_animation_onto_a_disk_that_fills_up(room, scene, add_head, ball_file, tmp_path):
    """A real disk: what is on it in the end is whole, and the animation says why it stopped."""
    is_whole = room("render.whole_files").is_whole
    folder = tmp_path / "disk"
    folder.mkdir()
    if subprocess.run(["mount", "-t", "tmpfs", "-o", "size=1600k", "tmpfs", folder], capture_output=True).returncode:
        pytest.skip("this user may not mount a file system")
    try:
        add_head(ball_file)
        choose(scene.render.image_settings, "OPEN_EXR", "32")
        scene.frame_start, scene.frame_end = 1, 50
        scene.render.filepath = str(folder / "frame_")
        with pytest.raises(RuntimeError, match=r"disk.*is full.*Make room"):
            bpy.ops.render.render(animation=True)
        written = sorted(folder.iterdir())
        assert 2 < len(written) < 40
        assert all(map(is_whole, written))
    finally:
        subprocess.run(["umount", folder], check=True)


def choose(settings, file_format: str, depth: str) -> None:
    if bpy.app.version >= (5, 0):
        settings.media_type = "MULTI_LAYER_IMAGE" if file_format == "OPEN_EXR_MULTILAYER" else "IMAGE"
    settings.file_format = file_format
    settings.color_depth = depth
    settings.color_mode = "RGBA"
    settings.compression = 0
    settings.tiff_codec = "NONE"


@pytest.mark.parametrize(
    ("file_format", "depth", "bytes_per_pixel"),
    [("PNG", "8", 4), ("PNG", "16", 8), ("OPEN_EXR", "32", 16), ("OPEN_EXR_MULTILAYER", "32", 36)],
)
def test_room_is_asked_for_what_the_format_writes(
    room, scene, add_head, ball_file, monkeypatch, tmp_path, file_format, depth, bytes_per_pixel
):
    """A disk that has less than a frame's pixels is full, one that has twice as much is not; passes count."""
    add_head(ball_file)
    scene.view_layers[0].use_pass_z = True
    scene.render.filepath = str(tmp_path / "frame_")
    choose(scene.render.image_settings, file_format, depth)
    check, usage, pixels = room("render.output").check_room, shutil.disk_usage, 2000 * 2000
    monkeypatch.setattr(shutil, "disk_usage", lambda path: usage(path)._replace(free=pixels * bytes_per_pixel))
    with pytest.raises(room("render.engine").DGTalkerError, match="is full"):
        check(scene, 1, 2000, 2000)
    monkeypatch.setattr(shutil, "disk_usage", lambda path: usage(path)._replace(free=2 * pixels * bytes_per_pixel))
    check(scene, 1, 2000, 2000)


def test_room_is_asked_for_what_the_compositor_writes_beside_the_frame(room, scene, monkeypatch, tmp_path):
    (tmp_path / "other disk").mkdir()
    if bpy.app.version >= (5, 0):
        tree = scene.compositing_node_group = bpy.data.node_groups.new("more", "CompositorNodeTree")
    else:
        scene.use_nodes = True
        tree = scene.node_tree
    output = tree.nodes.new("CompositorNodeOutputFile")
    setattr(output, "directory" if bpy.app.version >= (5, 0) else "base_path", str(tmp_path / "other disk"))
    scene.render.filepath = str(tmp_path / "frame_")
    usage = shutil.disk_usage
    full = {tmp_path / "other disk"}
    monkeypatch.setattr(
        shutil, "disk_usage", lambda path: usage(path)._replace(free=10_000 if path in full else 10_000_000_000)
    )
    with pytest.raises(room("render.engine").DGTalkerError, match="other disk is full"):
        room("render.output").check_room(scene, 1, 128, 128)
    output.mute = True
    room("render.output").check_room(scene, 1, 128, 128)


@pytest.fixture
def cut_off():
    """`with cut_off(most)`: no file grows beyond some bytes, as on a disk that somebody else fills up meanwhile.

    Not until a test's end: what pytest prints may go into a file, too.
    """
    resource = pytest.importorskip("resource")  # not on Windows
    limit = resource.getrlimit(resource.RLIMIT_FSIZE)

    @contextlib.contextmanager
    def cut(most):
        resource.setrlimit(resource.RLIMIT_FSIZE, (most, limit[1]))
        try:
            yield
        finally:
            resource.setrlimit(resource.RLIMIT_FSIZE, limit)

    return cut


@pytest.mark.parametrize(("file_format", "depth"), [("PNG", "16"), ("TIFF", "16"), ("BMP", "8"), ("OPEN_EXR", "32")])
def test_a_frame_that_was_cut_off_does_not_pass_for_finished(
    room, scene, add_head, ball_file, cut_off, tmp_path, file_format, depth
):
    """The disk fills up while Blender writes: what is there afterwards is whole, and the next frame says it."""
    add_head(ball_file)
    choose(scene.render.image_settings, file_format, depth)
    scene.frame_start, scene.frame_end = 1, 3
    scene.render.filepath = str(tmp_path / "frame_")
    scene.frame_set(1)
    bpy.ops.render.render(write_still=True)
    (written,) = tmp_path.iterdir()
    whole = written.stat().st_size
    written.unlink()
    with cut_off(whole // 2), contextlib.suppress(RuntimeError):
        bpy.ops.render.render(animation=True)
    assert list(tmp_path.iterdir()) == []
    assert scene.frame_current < 3
    with cut_off(whole // 2), contextlib.suppress(RuntimeError):
        bpy.ops.render.render(write_still=True)
    assert list(tmp_path.iterdir()) == []


def test_the_render_after_one_that_was_cut_off_goes_on(room, scene, add_head, ball_file, cut_off, tmp_path, render):
    add_head(ball_file)
    choose(scene.render.image_settings, "PNG", "8")
    scene.render.filepath = str(tmp_path / "cut.png")
    with cut_off(1000):
        bpy.ops.render.render(write_still=True)
    assert "cut off" in room("render.engine").last_error.message
    assert render().any()
    assert room("render.engine").last_error is None


def test_files_of_other_engines_are_left_alone(scene, tmp_path):
    scene.render.engine = "BLENDER_WORKBENCH"
    output = tmp_path / "frame.png"
    output.write_bytes(b"\x89PNG\r\n\x1a\n, half of it")
    for handler in bpy.app.handlers.render_init:
        handler(scene, None)
    scene.render.filepath = str(output)
    for handler in bpy.app.handlers.render_write:
        handler(scene, None)
    assert output.exists()


def test_a_mistake_in_the_path_s_template_stops_writing_only(scene, add_head, ball_file, tmp_path):
    add_head(ball_file)
    scene.render.filepath = str(tmp_path / "{nobody_knows}" / "frame.png")
    assert bpy.ops.render.render() == {"FINISHED"}
    with pytest.raises(RuntimeError, match="nobody_knows") as error:
        bpy.ops.render.render(animation=True)
    assert "fault of DGTalker" not in str(error.value)


def test_cancelling_is_quick_and_the_next_frame_is_rendered(room, scene, add_head, ball_file, render):
    add_head(ball_file)
    room("bridge.engine").stop()
    with pytest.raises(room("render.engine").Cancelled):
        room("render.shot").frame_shot(
            bpy.context.evaluated_depsgraph_get(), scene.camera, (128, 128), should_cancel=lambda: True
        )
    whole = render()
    shot, _ = room("render.shot").frame_shot(bpy.context.evaluated_depsgraph_get(), scene.camera, (3300, 3300))
    started = time.monotonic()
    with pytest.raises(room("render.engine").Cancelled):
        room("render.picture").render(shot, should_cancel=lambda: time.monotonic() - started > 0.02)
    np.testing.assert_array_equal(render(), whole)


def test_an_engine_killed_between_frames(room, scene, add_head, ball_file, render):
    add_head(ball_file)
    whole = render()
    os.kill(room("bridge.engine").state().pid, signal.SIGKILL)
    np.testing.assert_array_equal(render(), whole)


def test_an_engine_killed_during_an_animation(room, scene, add_head, ball_file, render, read, tmp_path):
    add_head(ball_file)
    whole = render()
    engine = room("bridge.engine")
    killed = []
    finished = threading.Event()

    def kill():
        while not finished.wait(0.05):
            pid = engine.state().pid
            if pid and pid not in killed and len(killed) < 2:
                killed.append(pid)
                os.kill(pid, signal.SIGKILL)
                time.sleep(1)

    killer = threading.Thread(target=kill)
    scene.frame_start, scene.frame_end = 1, 40
    scene.render.filepath = str(tmp_path / "killed_")
    killer.start()
    try:
        assert bpy.ops.render.render(animation=True) == {"FINISHED"}
    finally:
        finished.set()
        killer.join()
    frames = sorted(tmp_path.glob("killed_*.png"))
    assert len(killed) == 2
    assert len(frames) == 40
    for frame in frames:
        np.testing.assert_array_equal(read(frame), whole)
