"""What can go wrong in a render: one clear message, no blank frame, nothing lost."""

from __future__ import annotations

import os
import shutil
import signal
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


def test_stereo(scene, add_head, ball_file, fails):
    add_head(ball_file)
    scene.render.use_multiview = True
    fails("does not render stereo")


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
        engine.configure(python=os.environ["DGTALKER_ENGINE_PYTHON"])
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
    shot, _ = room("render.shot").frame_shot(bpy.context.evaluated_depsgraph_get(), scene.camera, (3600, 3600))
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
