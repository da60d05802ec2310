"""Live: a head follows a voice while it is heard, and keeps it."""

from __future__ import annotations

import time
from pathlib import Path

import bpy
import numpy as np
import pytest


@pytest.fixture
def saved(tmp_path):
    """A .blend in a folder of its own."""
    folder = tmp_path / "film"
    folder.mkdir()
    bpy.context.scene.render.fps = 25
    bpy.ops.wm.save_as_mainfile(filepath=str(folder / "shot.blend"))
    return folder


def sounds() -> list[bpy.types.Strip]:
    editor = bpy.context.scene.sequence_editor
    return [strip for strip in editor.strips_all if strip.type == "SOUND"] if editor else []


def start_of(strip: bpy.types.Strip) -> float:
    return strip.left_handle if hasattr(strip, "left_handle") else strip.frame_final_start


def select(ob: bpy.types.Object) -> None:
    bpy.context.view_layer.objects.active = ob
    ob.select_set(True)


def jaw(head: bpy.types.Object) -> bpy.types.ShapeKey:
    return head.data.shape_keys.key_blocks["jawOpen"]


def test_sliders_follow_the_voice_and_come_back(room, make_head, voice, saved):
    head = make_head()
    select(head)
    smile = head.data.shape_keys.key_blocks["mouthSmileLeft"]
    smile.value = 0.3
    lips = room("speech.live_lips").LiveLips(bpy.context, head, file=str(voice))
    seen = []
    while not lips.feed.done:
        lips.tick()
        seen.append((jaw(head).value, smile.value))
        time.sleep(1 / 60)
    jaws, smiles = np.array(seen).T
    assert jaws.max() > 0.1
    assert len(np.unique(jaws)) > 20
    assert smiles.min() >= 0.3 - 1e-6
    lips.let_go()
    assert jaw(head).value == 0.0
    assert smile.value == pytest.approx(0.3)
    assert not sounds()


def test_stop_keeps_the_sound_as_a_strip_with_keys_and_undo_takes_both_away(make_head, voice, saved, curve):
    head = make_head()
    select(head)
    bpy.context.scene.frame_set(40)
    bpy.ops.ed.undo_push(message="a head")
    assert bpy.ops.dgtalker.live(file=str(voice)) == {"FINISHED"}
    (strip,) = sounds()
    assert start_of(strip) == 40
    assert strip.dgtalker.speaker == head
    path = Path(bpy.path.abspath(strip.sound.filepath))
    assert path.parent == saved
    assert curve(head, "jawOpen").max() > 0.1
    assert head.data.shape_keys.animation_data.action is not None
    bpy.ops.ed.undo_push(message="Live")
    bpy.ops.ed.undo()
    head = bpy.data.objects["Ada"]
    assert not sounds()
    assert head.data.shape_keys.animation_data is None
    assert jaw(head).value == 0.0
    assert path.is_file()


def test_animate_listens_to_it_properly_and_other_lines_stay(animated, voice, saved, curve):
    head, line = animated(frame=30)
    before = curve(head, "jawOpen")[:48]
    select(head)
    bpy.context.scene.frame_set(120)
    assert bpy.ops.dgtalker.live(file=str(voice)) == {"FINISHED"}
    assert np.allclose(curve(head, "jawOpen")[:40], before[:40], atol=1e-3)
    live = curve(head, "jawOpen")
    assert live[90:130].max() > 0.1
    strip = next(strip for strip in sounds() if strip != line)
    assert not len(strip.dgtalker.words)
    bpy.ops.dgtalker.animate()
    assert len(strip.dgtalker.words)
    assert not np.allclose(curve(head, "jawOpen")[90:130], live[90:130], atol=0.02)


def test_a_file_saved_meanwhile_has_the_animators_sliders_and_animate_waits(room, make_head, voice, saved):
    head = make_head()
    select(head)
    head.data.shape_keys.key_blocks["mouthSmileLeft"].value = 0.3
    jaw(head).keyframe_insert("value", frame=1)
    lips = room("speech.live_lips").LiveLips(bpy.context, head, file=str(voice))
    copy = str(saved / "copy.blend")
    while jaw(head).value < 0.1:
        assert not lips.feed.done
        time.sleep(1 / 60)
        lips.tick()
    bpy.ops.wm.save_as_mainfile(filepath=copy, copy=True)
    assert "follows a microphone" in room("speech.animation").disabled_reason(bpy.context, [head])
    lips.let_go()
    with bpy.data.libraries.load(copy) as (_, wanted):
        wanted.objects = [head.name]
    blocks = wanted.objects[0].data.shape_keys.key_blocks
    assert blocks["jawOpen"].value == 0.0
    assert blocks["mouthSmileLeft"].value == pytest.approx(0.3)


def test_an_undo_to_a_moment_while_it_listened_brings_the_animators_sliders(room, make_head, voice, saved):
    head = make_head()
    select(head)
    name, smile = head.name, head.data.shape_keys.key_blocks["mouthSmileLeft"]
    smile.value = 0.3
    bpy.ops.ed.undo_push(message="before")
    lips = room("speech.live_lips").LiveLips(bpy.context, head, file=str(voice))
    while jaw(head).value < 0.05 and not lips.feed.done:
        lips.tick()
        time.sleep(1 / 60)
    assert jaw(head).value >= 0.05
    bpy.ops.ed.undo_push(message="meanwhile")
    lips.let_go()
    bpy.ops.ed.undo_push(message="Live")
    bpy.ops.ed.undo()
    head = bpy.data.objects[name]
    assert jaw(head).value == 0.0
    assert head.data.shape_keys.key_blocks["mouthSmileLeft"].value == pytest.approx(0.3)


def test_keyed_sliders_are_as_keyed_afterwards(room, make_head, voice, saved):
    head = make_head()
    select(head)
    jaw(head).value = 0.5
    jaw(head).keyframe_insert("value", frame=1)
    bpy.context.scene.frame_set(1)
    lips = room("speech.live_lips").LiveLips(bpy.context, head, file=str(voice))
    while lips.feed.latest is None:
        assert not lips.feed.done
        time.sleep(1 / 60)
    lips.tick()
    lips.let_go()
    assert jaw(head).value == pytest.approx(0.5)


def test_a_recording_that_somebody_else_made_at_the_same_moment_stays(room, make_head, voice, saved, monkeypatch):
    head, taken = make_head(), saved / "taken.wav"
    select(head)
    taken.write_bytes(b"mine")
    monkeypatch.setattr(room("speech.live_lips"), "_new_file", lambda head: taken)
    with pytest.raises(RuntimeError, match="cannot be written"):
        bpy.ops.dgtalker.live(file=str(voice))
    assert taken.read_bytes() == b"mine"
    assert not sounds()


def test_what_cannot_be_heard_is_said_and_changes_nothing(make_head, saved, tmp_path):
    head = make_head()
    select(head)
    with pytest.raises(RuntimeError, match="There is no sound file"):
        bpy.ops.dgtalker.live(file=str(tmp_path / "none.wav"))
    assert not sounds()
    assert head.data.shape_keys.animation_data is None
    assert not list(saved.glob("*.wav"))


def test_before_the_file_is_saved_recordings_go_to_the_extensions_folder(make_head, voice):
    select(make_head())
    assert bpy.ops.dgtalker.live(file=str(voice), seconds=0.5) == {"FINISHED"}
    (strip,) = sounds()
    assert Path(strip.sound.filepath).parent.name == "recordings"
