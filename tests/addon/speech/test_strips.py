from __future__ import annotations

import os
import warnings

import bpy
import pytest


@pytest.fixture
def strips(room):
    return room("speech.timeline.strips")


def test_the_speaker_survives_renaming_saving_and_reopening(strips, make_head, tone, add_strip, tmp_path):
    strip = add_strip(tone(), head=make_head())
    strip.dgtalker.lips = 1.5
    strip.dgtalker.transcript = "hello"
    bpy.data.objects["Ada"].name = "Grace"
    bpy.ops.wm.save_as_mainfile(filepath=str(tmp_path / "scene.blend"))
    bpy.ops.wm.open_mainfile(filepath=str(tmp_path / "scene.blend"))
    strip = bpy.context.scene.sequence_editor.strips[0]
    assert strips.speaker(strip) == bpy.data.objects["Grace"]
    assert (strip.dgtalker.lips, strip.dgtalker.head, strip.dgtalker.transcript) == (1.5, 1.0, "hello")


def test_a_removed_head_speaks_nothing(strips, make_head, tone, add_strip):
    strip = add_strip(tone(), head=make_head())
    bpy.data.objects.remove(bpy.data.objects["Ada"])
    assert strip.dgtalker.speaker is None


def test_a_head_deleted_with_x_speaks_nothing(strips, make_head, tone, add_strip):
    head = make_head()
    strip = add_strip(tone(), head=head)
    head.select_set(True)
    bpy.ops.object.delete()
    assert strips.speaker(strip) is None
    assert strips.speaking(bpy.context.scene) == []


def test_a_deleted_head_leaves_the_file_although_a_strip_named_it(strips, make_head, tone, add_strip, tmp_path):
    kept, head = make_head("Bob"), make_head("Ada")
    for each in (kept, head):
        image = bpy.data.images.new(f"{each.name}.dgt", 1, 1)
        image.source = "FILE"
        image.pack(data=b"an avatar", data_len=9)
        each.dgtalker.avatar = image
    empty = bpy.data.objects.new("Turntable", None)
    bpy.context.scene.collection.objects.link(empty)
    empty.dgtalker_speech.nods_for = head
    add_strip(tone("a"), head=head), add_strip(tone("b"), head=kept)
    bpy.ops.object.select_all(action="DESELECT")
    head.select_set(True)
    bpy.ops.object.delete()
    bpy.ops.wm.save_as_mainfile(filepath=str(tmp_path / "scene.blend"))
    bpy.ops.wm.open_mainfile(filepath=str(tmp_path / "scene.blend"))
    assert "Bob" in bpy.data.objects
    assert "Ada" not in bpy.data.objects
    assert [image.name for image in bpy.data.images if image.name.endswith(".dgt")] == ["Bob.dgt"]
    first, second = bpy.context.scene.sequence_editor.strips
    assert strips.speaker(second) == bpy.data.objects["Bob"]
    assert strips.speaker(first) is None
    again = make_head("Ada")
    assert strips.speaker(first) == again


def test_undo_after_saving_brings_a_deleted_head_back_to_its_line(strips, make_head, tone, add_strip, tmp_path):
    head = make_head()
    add_strip(tone(), head=head)
    bpy.ops.ed.undo_push(message="before")
    bpy.ops.object.select_all(action="DESELECT")
    head.select_set(True)
    bpy.ops.object.delete()
    bpy.ops.ed.undo_push(message="deleted")
    bpy.ops.wm.save_as_mainfile(filepath=str(tmp_path / "scene.blend"))
    assert "Ada" not in bpy.data.objects
    bpy.ops.ed.undo()
    (strip,) = bpy.context.scene.sequence_editor.strips
    assert strips.speaker(strip) == bpy.data.objects["Ada"]
    assert bpy.data.objects["Ada"].data.shape_keys.key_blocks["jawOpen"].value == 0.0


def test_strips_inside_metas_are_found_where_they_are_heard(strips, tone, add_strip, trim):
    strip = add_strip(tone(seconds=4), frame=10)
    meta = bpy.context.scene.sequence_editor.strips.new_meta("scene", 5, 1)
    strip.move_to_meta(meta)
    trim(meta, 1, 60)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        (sound,) = strips.sound_strips(bpy.context.scene)
    assert (sound.span.start, sound.span.end, sound.audible) == (10, 60, True)
    meta.channels[strip.channel].mute = True
    (sound,) = strips.sound_strips(bpy.context.scene)
    assert not sound.audible


def test_a_strip_before_frame_0_is_heard_from_frame_0(strips, tone, add_strip):
    add_strip(tone(seconds=4), frame=-48)
    (sound,) = strips.sound_strips(bpy.context.scene)
    assert (sound.span.start, sound.span.end) == (0, 48)


def test_a_missing_file_is_named_with_its_strip(strips, tone, add_strip):
    path = tone("gone")
    strip = add_strip(path, name="Line 7")
    path.unlink()
    assert "Line 7" in strips.problem(strip)
    assert "gone.wav" in strips.problem(strip)
    with pytest.raises(Exception, match=r"Line 7.*gone\.wav"):
        strips.sample_rate(strip)


def test_a_file_that_is_no_sound_is_named_with_its_strip(strips, add_strip, tmp_path):
    path = tmp_path / "letter.wav"
    path.write_bytes(b"RIFF, dear Sir or Madam, this is not sound")
    with pytest.raises(Exception, match="cannot read the sound of the strip letter"):
        strips.sample_rate(add_strip(path))


def test_a_pipe_in_place_of_a_sound_is_not_waited_for(room, make_head, add_strip, tone, tmp_path):
    os.mkfifo(tmp_path / "pipe.wav")
    strip = add_strip(tone(), head=make_head())
    strip.sound.filepath = str(tmp_path / "pipe.wav")
    assert room("speech.timeline.sound_identity").digest(strip.sound) == ""
    with pytest.raises(RuntimeError, match="missing"):
        bpy.ops.dgtalker.animate()


def test_a_packed_sound_needs_no_file(strips, tone, add_strip):
    path = tone(rate=22050)
    strip = add_strip(path)
    strip.sound.pack()
    path.unlink()
    assert strips.problem(strip) == ""
    assert strips.sample_rate(strip) == 22050
