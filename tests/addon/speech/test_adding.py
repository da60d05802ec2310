"""Add Sound: a strip at the current frame that the selected head speaks, and the sequencer shows it."""

from __future__ import annotations

import bpy
import pytest


def select(head: bpy.types.Object) -> None:
    bpy.context.view_layer.objects.active = head


def strips() -> list[bpy.types.Strip]:
    return list(bpy.context.scene.sequence_editor.strips)


def test_the_selected_head_speaks_a_sound_that_begins_at_the_current_frame(make_head, voice):
    make_head("Ada")
    bea = make_head("Bea")
    select(bea)
    bpy.context.scene.frame_set(42)
    assert bpy.ops.dgtalker.add_sound(filepath=str(voice)) == {"FINISHED"}
    (strip,) = strips()
    assert (strip.name, strip.dgtalker.speaker, strip.frame_start, strip.channel) == ("voice", bea, 42, 1)
    assert bpy.context.scene.sequence_editor.active_strip == strip
    assert bpy.ops.dgtalker.animate.poll()


def test_the_only_head_speaks_it_and_of_several_none(make_head, voice):
    select(None)
    ada = make_head("Ada")
    bpy.ops.dgtalker.add_sound(filepath=str(voice))
    make_head("Bea")
    bpy.ops.dgtalker.add_sound(filepath=str(voice))
    assert [strip.dgtalker.speaker for strip in strips()] == [ada, None]


def test_sounds_take_the_lowest_channel_that_is_free(make_head, voice):
    for frame in (1, 10, 200):
        bpy.context.scene.frame_set(frame)
        bpy.ops.dgtalker.add_sound(filepath=str(voice))
    assert [(strip.frame_start, strip.channel) for strip in strips()] == [(1, 1), (10, 2), (200, 1)]


def test_no_sound_lands_on_a_channel_that_is_muted_or_locked(make_head, voice):
    channels = bpy.context.scene.sequence_editor_create().channels
    channels[1].mute = channels[2].lock = True
    bpy.ops.dgtalker.add_sound(filepath=str(voice))
    assert [strip.channel for strip in strips()] == [3]


def test_a_file_that_is_no_sound_changes_nothing(make_head, tmp_path):
    path = tmp_path / "notes.wav"
    path.write_text("no sound")
    with pytest.raises(RuntimeError, match=r"no sound in notes\.wav"):
        bpy.ops.dgtalker.add_sound(filepath=str(path))
    with pytest.raises(RuntimeError, match="is not there"):
        bpy.ops.dgtalker.add_sound(filepath=str(tmp_path / "none.wav"))
    editor = bpy.context.scene.sequence_editor
    assert editor is None or not len(editor.strips)


@pytest.mark.skipif(bpy.app.version < (5, 0), reason="the sequencer always shows the window's scene")
def test_the_empty_scene_that_the_sequencer_shows_gives_way(make_head, voice, room):
    make_head("Ada")
    empty = bpy.data.scenes.new("Edit")
    bpy.context.workspace.sequencer_scene = empty
    adding = room("speech.timeline.adding")
    assert adding.shown_elsewhere(bpy.context) == empty
    bpy.ops.dgtalker.add_sound(filepath=str(voice))
    assert bpy.context.workspace.sequencer_scene == bpy.context.scene
    assert len(strips()) == 1


@pytest.mark.skipif(bpy.app.version < (5, 0), reason="the sequencer always shows the window's scene")
def test_another_cut_stays_in_the_sequencer_and_a_button_leads_back(make_head, voice, tone):
    make_head("Ada")
    edit = bpy.data.scenes.new("Edit")
    edit.sequence_editor_create().strips.new_sound("music", str(tone()), 1, 1)
    bpy.context.workspace.sequencer_scene = edit
    bpy.ops.dgtalker.add_sound(filepath=str(voice))
    assert len(strips()) == 1
    assert bpy.context.workspace.sequencer_scene == edit
    bpy.ops.dgtalker.show_timeline()
    assert bpy.context.workspace.sequencer_scene == bpy.context.scene
