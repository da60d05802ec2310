"""An actor's face in a video onto heads and other rigs, beside what they speak."""

from __future__ import annotations

import os
import subprocess
from pathlib import Path
from types import SimpleNamespace

import bpy
import numpy as np
import pytest

FILM = """
import sys
sys.path.insert(0, sys.argv[1])
import made_videos, numpy
made_videos.write_video(sys.argv[2], made_videos.talking(32), sound=0.1 * numpy.ones(12480), sound_start=0.5)
"""
"""Sound that begins half a second late. Pictures at 25 a second: jaws open every 8 of them, and eyes are shut in the
9th and 10th of every 16."""


@pytest.fixture(scope="module")
def film(tmp_path_factory) -> Path:
    """A built-in head that talks and blinks, filmed by the engine."""
    path = tmp_path_factory.mktemp("film") / "actor.mp4"
    tools = Path(__file__).resolve().parents[2] / "engine"
    engine = os.environ["DGTALKER_ENGINE_PYTHON"]
    ready = subprocess.run([engine, "-I", "-m", "dgtalker_engine.capture.ready"], capture_output=True, text=True)
    if ready.returncode:
        pytest.skip(ready.stdout)
    subprocess.run([engine, "-I", "-c", FILM, str(tools), str(path)], check=True)
    return path


def select(ob: bpy.types.Object) -> None:
    bpy.context.view_layer.objects.active = ob
    ob.select_set(True)


def played(ob: bpy.types.Object, name: str, frames: range) -> np.ndarray:
    values = []
    for frame in frames:
        bpy.context.scene.frame_set(frame)
        values.append(ob.data.shape_keys.key_blocks[name].value)
    return np.array(values)


def sounds() -> list[bpy.types.Strip]:
    editor = bpy.context.scene.sequence_editor
    return [strip for strip in editor.strips_all if strip.type == "SOUND"] if editor else []


def test_a_head_does_what_the_actor_does(make_head, film):
    bpy.context.scene.render.fps = 25
    head = make_head()
    select(head)
    assert bpy.ops.dgtalker.performance_from_video(filepath=str(film), first=101) == {"FINISHED"}
    jaws = np.tile([0.0, 0.2, 0.4, 0.6, 0.6, 0.4, 0.2, 0.0], 4)
    assert np.corrcoef(played(head, "jawOpen", range(101, 133)), jaws)[0, 1] > 0.9
    blink = played(head, "eyeBlinkLeft", range(101, 133))
    assert blink[9:11].max() > 0.9 < blink[25:27].max()
    (strip,) = sounds()
    assert Path(strip.sound.filepath).name == film.name
    begins = strip.left_handle if hasattr(strip, "left_handle") else strip.frame_final_start
    assert begins == 101 + 11, "as late as in the film, less the silence with which the encoder begins"


def test_without_sound_amounts_act_at_once_and_removing_lays_the_head_to_rest(make_head, film):
    bpy.context.scene.render.fps = 25
    head = make_head()
    select(head)
    bpy.ops.dgtalker.performance_from_video(filepath=str(film), first=1, add_sound=False)
    assert not sounds(), "it is added only where it is wanted"
    natural = played(head, "jawOpen", range(1, 33)).max()
    head.dgtalker_speech.recorded_jaw = 0.5
    assert played(head, "jawOpen", range(1, 33)).max() == pytest.approx(natural / 2, abs=0.05)
    head.dgtalker_speech.recorded_head = 0.0
    bpy.context.scene.frame_set(10)
    assert tuple(head.delta_rotation_euler) == pytest.approx((0.0, 0.0, 0.0), abs=1e-6)
    bpy.ops.dgtalker.remove_recording()
    assert played(head, "jawOpen", range(1, 33)).max() == 0.0
    with pytest.raises(RuntimeError, match="plays no imported performance"):
        bpy.ops.dgtalker.remove_recording()


def test_it_is_punched_in_over_speech_and_hand_keys_stay(animated, film):
    head, strip = animated()
    block = head.data.shape_keys.key_blocks["browInnerUp"]
    block.value = 0.6
    block.keyframe_insert("value", frame=40)
    speech = range(30, 78)
    before = played(head, "jawOpen", speech)
    select(head)
    bpy.ops.dgtalker.performance_from_video(filepath=str(film), first=60, add_sound=False)
    after = played(head, "jawOpen", speech)
    assert np.allclose(after[:20], before[:20], atol=1e-6)
    assert not np.allclose(after[32:], before[32:], atol=0.05)
    assert played(head, "browInnerUp", range(40, 41))[0] == pytest.approx(0.6)
    strip.dgtalker.jaw = 0.0
    quiet = played(head, "jawOpen", speech)
    assert quiet[4:20].max() == 0.0
    assert np.allclose(quiet[30:], after[30:], atol=1e-6)
    bpy.ops.dgtalker.performance_from_video(filepath=str(film), first=200, add_sound=False)
    strip.dgtalker.jaw = 1.0
    assert np.allclose(played(head, "jawOpen", speech), before, atol=1e-6)
    bpy.ops.dgtalker.animate()
    assert played(head, "jawOpen", range(200, 230)).max() > 0.1
    bpy.ops.dgtalker.clear_speech()
    assert not head.dgtalker_speech.recording


def test_what_cannot_be_used_is_said_and_changes_nothing(make_head, tmp_path):
    head = make_head()
    select(head)
    with pytest.raises(RuntimeError, match="There is no video"):
        bpy.ops.dgtalker.performance_from_video(filepath=str(tmp_path / "none.mp4"))
    (tmp_path / "bad.mp4").write_bytes(b"no video at all")
    with pytest.raises(RuntimeError, match="cannot be read"):
        bpy.ops.dgtalker.performance_from_video(filepath=str(tmp_path / "bad.mp4"))
    assert not head.dgtalker_speech.recording
    assert head.data.shape_keys.animation_data is None


def test_a_scene_that_is_deleted_meanwhile_is_named_and_nothing_is_changed(room, make_head, film):
    head = make_head()
    select(head)
    other = bpy.data.scenes.new("Other")
    other.collection.objects.link(head)
    steps = work(room, film)
    next(steps).wait()
    bpy.data.scenes.remove(bpy.context.scene)
    with pytest.raises(room("speech.animation").DGTalkerError, match="The scene Scene was deleted"):
        next(steps)
    assert not head.dgtalker_speech.recording


def test_an_undo_meanwhile_does_not_lose_the_scene(room, make_head, film):
    name = make_head().name
    select(bpy.data.objects[name])
    bpy.ops.ed.undo_push(message="a head")
    bpy.context.scene.frame_end = 99
    bpy.ops.ed.undo_push(message="a longer scene")
    steps = work(room, film)
    next(steps).wait()
    bpy.ops.ed.undo()
    assert next(steps, "done") == "done"
    assert bpy.data.objects[name].dgtalker_speech.recording
    assert bpy.context.scene.sequence_editor.strips_all


def test_a_take_that_is_damaged_keeps_the_recording_as_it_was(animated, film):
    head, _ = animated()
    select(head)
    bpy.ops.dgtalker.performance_from_video(filepath=str(film), first=60, add_sound=False)
    recording, first = head.dgtalker_speech.recording, head.dgtalker_speech.recording_first
    before = played(head, "jawOpen", range(30, 90))
    head.dgtalker_speech.take = "damaged"
    with pytest.raises(RuntimeError):
        bpy.ops.dgtalker.performance_from_video(filepath=str(film), first=10, add_sound=False)
    with pytest.raises(RuntimeError):
        bpy.ops.dgtalker.remove_recording()
    assert (head.dgtalker_speech.recording, head.dgtalker_speech.recording_first) == (recording, first)
    assert np.array_equal(played(head, "jawOpen", range(30, 90)), before)


def work(room, film):
    """The steps of the operator, as a window does them."""
    operators = room("speech.ui.video_operators")
    own = SimpleNamespace(filepath=str(film), first=1, add_sound=True, report=lambda *said: None)
    return operators.PerformanceFromVideo.work(own, bpy.context)


def test_the_file_menu_offers_it(room):
    assert room("speech.ui.video_operators").draw_import in bpy.types.TOPBAR_MT_file_import._dyn_ui_initialize()
