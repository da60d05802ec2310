"""The whole way with the real engine: strips, sound, performance, keys."""

from __future__ import annotations

import os
import re
import signal
import time
import wave

import bpy
import numpy as np
import pytest

SETTLE = 12


@pytest.fixture
def speech(room):
    return room("speech.animation")


@pytest.fixture
def curve(curve, spoken_frames):
    """`curve(head, name)`: a control on every frame that a head speaks, and the first of them."""
    return lambda head, name: (curve(head, name), spoken_frames(head).start)


def everything():
    """What an animator would notice of the file."""
    scene = bpy.context.scene
    return (
        sorted(ob.name for ob in bpy.data.objects),
        sorted(action.name for action in bpy.data.actions),
        [each.name for each in bpy.data.scenes],
        [
            [track.name for track in owner.animation_data.nla_tracks]
            for owner in (*bpy.data.objects, *bpy.data.shape_keys)
            if owner.animation_data
        ],
        (scene.frame_current, scene.frame_start, scene.frame_end),
        [(strip.name, strip.mute) for strip in scene.sequence_editor.strips_all],
    )


def seconds(path):
    with wave.open(str(path)) as file:
        return file.getnframes() / file.getframerate()


def test_a_head_speaks_its_strip(make_head, add_strip, voice, curve):
    head = make_head()
    add_strip(voice, frame=30, head=head)
    before = bpy.context.scene.frame_current
    assert bpy.ops.dgtalker.animate() == {"FINISHED"}
    assert bpy.context.scene.frame_current == before
    jaw, first = curve(head, "jawOpen")
    assert first == 30 - SETTLE
    assert len(jaw) == pytest.approx(seconds(voice) * 24 + 2 * SETTLE, abs=2)
    assert jaw[:6].max() < 0.05
    assert jaw[-3:].max() < 0.05
    assert jaw[SETTLE:-SETTLE].max() > 0.15
    bpy.context.scene.frame_set(first + len(jaw) // 2)
    assert any(head.delta_rotation_euler)


def test_function_and_operator_give_the_same_keys(speech, make_head, add_strip, voice, curve):
    head = make_head()
    add_strip(voice, head=head)
    bpy.ops.dgtalker.animate()
    by_operator = curve(head, "mouthFunnel")[0]
    bpy.ops.dgtalker.clear_speech()
    speech.animate(bpy.context, [head])
    assert np.array_equal(curve(head, "mouthFunnel")[0], by_operator)


def test_two_heads_speak_their_own_strips_that_overlap(make_head, add_strip, voice, tone, curve):
    ada, bob = make_head("Ada"), make_head("Bob")
    bob.dgtalker_speech.reaction = 0.0  # else he begins before his line
    add_strip(voice, frame=1, head=ada)
    add_strip(voice, frame=20, head=bob, name="answer").volume = 0.5
    bpy.ops.dgtalker.animate()
    first, second = curve(ada, "jawOpen"), curve(bob, "jawOpen")
    assert (first[1], second[1]) == (0, 20 - SETTLE)
    # At half the volume pauses begin up to 40 ms elsewhere, and the learned mouth follows them.
    assert np.corrcoef(first[0][1:40], second[0][SETTLE : SETTLE + 39])[0, 1] > 0.8


def test_amounts_of_a_strip_count(make_head, add_strip, voice, curve):
    head = make_head()
    strip = add_strip(voice, frame=30, head=head)
    strip.dgtalker.lips = strip.dgtalker.jaw = strip.dgtalker.head = strip.dgtalker.blinks = 0.0
    bpy.ops.dgtalker.animate()
    assert curve(head, "jawOpen")[0][SETTLE + 4 : -SETTLE - 4].max() == 0.0


def test_silence_gives_a_closed_living_face_and_says_so(speech, make_head, add_strip, tone, curve):
    head = make_head()
    add_strip(tone(seconds=8, level=0.0), frame=1, head=head)
    (note,) = speech.animate(bpy.context, [head])
    assert "No speech" in note
    assert curve(head, "jawOpen")[0].max() < 0.02
    assert curve(head, "eyeBlinkLeft")[0].max() > 0.9


def test_notes_name_frames_of_the_timeline(speech, make_head, add_strip, voice):
    head = make_head()
    add_strip(
        voice, frame=1000, head=head
    ).dgtalker.transcript = "nothing of this sort was ever uttered by anybody here"
    notes = speech.animate(bpy.context, [head])
    assert any(re.search(r"does not fit .* frame 10\d\d–frame 10\d\d", note) for note in notes), notes


def test_hand_keys_survive_animating_again(make_head, add_strip, voice):
    head = make_head()
    strip = add_strip(voice, frame=1, head=head)
    bpy.ops.dgtalker.animate()
    block = head.data.shape_keys.key_blocks["browInnerUp"]
    block.value = 0.77
    block.keyframe_insert("value", frame=5)
    strip.dgtalker.expression = 2.0
    bpy.ops.dgtalker.animate()
    bpy.context.scene.frame_set(5)
    assert block.value == pytest.approx(0.77)


def test_escape_leaves_everything_as_it_was(speech, make_head, add_strip, voice):
    head = make_head()
    add_strip(voice, head=head)
    before = everything()
    steps = speech.animate_steps(bpy.context, [head])
    pending = next(steps)
    pending.cancel()
    steps.close()
    assert everything() == before


def test_an_engine_that_is_killed_starts_again_and_finishes(room, speech, make_head, add_strip, voice, curve):
    head = make_head()
    add_strip(voice, head=head)
    steps = speech.animate_steps(bpy.context, [head])
    pending = next(steps)
    deadline = time.monotonic() + 60
    while pending.progress[0] == 0.0 and not pending.done and time.monotonic() < deadline:
        time.sleep(0.01)
    os.kill(room("bridge.engine").state().pid, signal.SIGKILL)
    with pytest.raises(StopIteration):
        next(steps)
    assert curve(head, "jawOpen")[0].max() > 0.15


def test_a_head_that_is_deleted_meanwhile_is_named(speech, make_head, add_strip, voice):
    head = make_head()
    add_strip(voice, head=head)
    steps = speech.animate_steps(bpy.context, [head])
    next(steps)
    bpy.data.objects.remove(head)
    with pytest.raises(Exception, match="Ada was deleted"):
        next(steps)


def test_animating_is_one_undo_step(make_head, add_strip, voice):
    add_strip(voice, head=make_head())
    bpy.ops.ed.undo_push(message="before")
    bpy.ops.dgtalker.animate("EXEC_DEFAULT", True)
    assert bpy.data.objects["Ada"].data.shape_keys.animation_data.action
    bpy.ops.ed.undo()
    assert bpy.data.objects["Ada"].data.shape_keys.animation_data is None
    assert not bpy.data.actions
    assert len(bpy.context.scene.sequence_editor.strips) == 1


def refusal(operator):
    with pytest.raises(RuntimeError) as error:
        operator()
    return str(error.value)


def test_animate_says_why_it_cannot(make_head, add_strip, tone):
    animate = bpy.ops.dgtalker.animate
    assert "no sound strips" in refusal(animate)
    strip = add_strip(tone(), name="Line 7")
    assert "has a speaker" in refusal(animate)
    strip.dgtalker.speaker = make_head()
    strip.mute = True
    assert "muted" in refusal(animate)
    strip.mute = False
    os.unlink(bpy.path.abspath(strip.sound.filepath))
    before = everything()
    assert "Line 7 is missing" in refusal(animate)
    assert everything() == before


def test_strips_before_frame_0_are_not_heard(make_head, add_strip, tone):
    add_strip(tone(seconds=1), frame=-500, head=make_head())
    assert "end before frame 0" in refusal(bpy.ops.dgtalker.animate)


def test_more_strips_than_one_message_holds_are_refused_before_they_are_mixed(make_head, add_strip, tone):
    head = make_head()
    for i in range(3):
        strip = add_strip(tone(), frame=1 + 60 * i, head=head, name=f"Line {i}")
        strip.dgtalker.transcript = "word " * 1_200_000
    assert "The 3 strips of Ada with their transcripts are too much" in refusal(bpy.ops.dgtalker.animate)


def test_a_function_says_that_nothing_is_heard(speech, make_head, add_strip, tone):
    head = make_head()
    add_strip(tone(), head=head).mute = True
    with pytest.raises(Exception, match="Nothing is heard of the sound strips of Ada"):
        speech.animate(bpy.context, [head])


def test_scenes_of_different_frame_rates_are_refused(make_head, add_strip, tone):
    head = make_head()
    add_strip(tone(), head=head)
    strips_scene, scene = bpy.context.scene, bpy.data.scenes.new("Heads")
    scene.collection.objects.link(head)
    scene.render.fps = 30
    if bpy.app.version < (5, 0):
        pytest.skip("the sequencer shows the window's scene")
    with bpy.context.temp_override(scene=scene, sequencer_scene=strips_scene):
        assert "different frame rates" in refusal(bpy.ops.dgtalker.animate)


def test_a_scene_that_is_stretched_in_time_is_refused(room, make_head, add_strip, tone):
    head = make_head()
    add_strip(tone(), head=head)
    scene = bpy.context.scene
    bpy.ops.dgtalker.animate()
    scene.render.frame_map_new = 200
    assert "stretched in time" in refusal(bpy.ops.dgtalker.animate)
    (hindrance,) = room("speech.keys.visibility").hindrances(head)
    assert "Scene is stretched in time" in hindrance.text
    assert hindrance.mend is None, "the render would become shorter"


def test_an_edit_that_plays_the_shot_at_other_frames_is_refused(room, make_head, tone):
    """A head stands in the scene Shot; the edit has the shot as a scene strip, and the sound."""
    head = make_head()
    shot = bpy.context.scene
    edit = bpy.data.scenes.new("Edit")
    edit.render.fps = shot.render.fps
    editor = edit.sequence_editor_create()
    editor.strips.new_sound("line", str(tone()), 1, 10).dgtalker.speaker = head
    played = editor.strips.new_scene("shot", shot, 2, 121)
    reason = room("speech.timeline.one_clock").reason
    assert "plays Scene 120 frames later" in reason(edit, shot, [head])
    start = "content_start" if bpy.app.version >= (5, 2) else "frame_start"
    setattr(played, start, shot.frame_start)
    assert reason(edit, shot, [head]) == ""
    setattr(played, start, shot.frame_start - 5)
    assert "plays Scene 5 frames earlier" in reason(edit, shot, [head])
    with bpy.context.temp_override(scene=edit, view_layer=edit.view_layers[0]):
        assert "plays Scene 5 frames earlier" in refusal(bpy.ops.dgtalker.animate)
    trimmed = "content_trim_start" if bpy.app.version >= (5, 2) else "animation_offset_start"
    setattr(played, trimmed, 7)  # as measured: the shot's first seven frames are not shown
    setattr(played, start, shot.frame_start + 7)
    assert reason(edit, shot, [head]) == ""
    setattr(played, start, shot.frame_start)
    assert "plays Scene 7 frames earlier" in reason(edit, shot, [head])
    edit.collection.objects.link(head)
    assert reason(edit, shot, [head]) == "", "in the edit itself the head's keys are at the edit's frames"


def test_a_strip_that_was_pasted_is_spoken_by_whom_it_was_copied_from(make_head, add_strip, tone, spoken_frames):
    ada, _ = make_head("Ada"), make_head("Bob")
    scene = bpy.context.scene
    strip = add_strip(tone(), frame=30, head=ada)
    strip.select = True
    window = bpy.context.window_manager.windows[0]
    area = window.screen.areas[0]
    area.ui_type = "SEQUENCE_EDITOR"
    if bpy.app.version >= (5, 0):
        bpy.context.workspace.sequencer_scene = scene
    region = next(region for region in area.regions if region.type == "WINDOW")
    with bpy.context.temp_override(window=window, screen=window.screen, area=area, region=region):
        bpy.ops.sequencer.copy()
        scene.frame_set(300)
        bpy.ops.sequencer.paste()
    pasted = next(other for other in scene.sequence_editor.strips if other != strip)
    assert pasted.dgtalker.speaker is None, "Blender pastes no objects"
    bpy.ops.dgtalker.animate()
    assert pasted.dgtalker.speaker == ada
    assert spoken_frames(ada).stop > 300
    pasted.dgtalker.speaker = None  # on purpose, this time
    bpy.ops.dgtalker.animate()
    assert pasted.dgtalker.speaker is None


def test_the_only_strip_cut_and_pasted_is_claimed_once_it_was_animated(
    speech, make_head, add_strip, tone, spoken_frames
):
    head = make_head()
    strip = add_strip(tone(), frame=30, head=head)
    forget_pointer(strip)
    assert strip.dgtalker.speaker is None
    steps = speech.animate_steps(bpy.context, [head])
    next(steps).cancel()
    steps.close()
    assert strip.dgtalker.speaker is None, "cancelled with ESC"
    bpy.ops.dgtalker.animate()
    assert strip.dgtalker.speaker == head
    usual = list(spoken_frames(head))
    forget_pointer(strip)
    assert "pasted" in " ".join(speech.animate(bpy.context, [head])), "the function does as the button"
    assert (strip.dgtalker.speaker, list(spoken_frames(head))) == (head, usual)


def forget_pointer(strip):
    """A strip as Blender pastes it: without the object that it points to."""
    properties = strip if bpy.app.version < (5, 0) else strip.bl_system_properties_get()
    del properties["dgtalker"]["speaker"]


def test_linked_duplicates_cannot_speak_apart(make_head, add_strip, tone):
    head = make_head()
    twin = head.copy()
    bpy.context.scene.collection.objects.link(twin)
    add_strip(tone("a"), head=head)
    add_strip(tone("b"), head=twin)
    assert "share their sliders" in refusal(bpy.ops.dgtalker.animate)


def test_a_linked_head_says_what_to_do(make_head, add_strip, tone, tmp_path):
    make_head()
    path = str(tmp_path / "library.blend")
    bpy.ops.wm.save_as_mainfile(filepath=path)
    bpy.ops.wm.read_homefile(use_factory_startup=True)
    with bpy.data.libraries.load(path, link=True) as (_, wanted):
        wanted.objects = ["Ada"]
    (head,) = wanted.objects
    bpy.context.scene.collection.objects.link(head)
    strip = add_strip(tone(), head=head)
    assert strip.dgtalker.speaker == head
    assert "linked from another file" in refusal(bpy.ops.dgtalker.animate)


def test_an_nla_strip_that_is_being_edited_is_not_disturbed(speech, make_head, add_strip, tone):
    head = make_head()
    add_strip(tone(), head=head)
    key = head.data.shape_keys
    animation = key.animation_data_create()
    track = animation.nla_tracks.new()
    key.key_blocks["jawOpen"].keyframe_insert("value", frame=1)
    track.strips.new("hand", 1, animation.action)
    animation.action = None
    track.strips[0].select = True
    animation.use_tweak_mode = True
    assert "is being edited" in refusal(bpy.ops.dgtalker.animate)


def test_the_only_head_can_be_given_every_strip(make_head, add_strip, tone):
    head = make_head()
    strips = [add_strip(tone(name)) for name in ("a", "b")]
    bpy.ops.dgtalker.assign_speaker()
    assert [strip.dgtalker.speaker for strip in strips] == [head, head]
    make_head("Bob")
    assert "Choose a head" in refusal(bpy.ops.dgtalker.assign_speaker)


def test_the_list_selects_the_sequencers_active_strip(add_strip, tone):
    strips = [add_strip(tone(name)) for name in ("a", "b")]
    bpy.context.window_manager.dgtalker_strip = 0
    assert bpy.context.scene.sequence_editor.active_strip == strips[0]
    bpy.context.scene.sequence_editor.active_strip = strips[1]
    assert bpy.context.window_manager.dgtalker_strip == 1


def line_in(scene: bpy.types.Scene, voice, frame: int, head: bpy.types.Object):
    strip = scene.sequence_editor_create().strips.new_sound("line", str(voice), 5, frame)
    strip.dgtalker.speaker = head
    return strip


def test_a_line_in_another_scene_is_kept_and_the_scene_is_named(speech, make_head, add_strip, voice, curve):
    head, first = make_head(), bpy.context.scene
    add_strip(voice, 10, head)
    assert bpy.ops.dgtalker.animate() == {"FINISHED"}
    before = curve(head, "jawOpen")
    bpy.ops.scene.new(type="LINK_COPY")
    line = line_in(bpy.context.scene, voice, 300, head)
    assert bpy.ops.dgtalker.animate() == {"CANCELLED"}
    with pytest.raises(speech.DGTalkerError, match=f"speaks its lines in {first.name}, .* nothing was changed"):
        speech.animate(bpy.context, [head])
    after = curve(head, "jawOpen")
    assert after[1] == before[1]
    assert np.array_equal(after[0], before[0])
    assert head.dgtalker_speech.scene == first.name
    # The ways out: this scene's line muted, or the other scene's speech cleared.
    line.mute = True
    bpy.context.window.scene = first
    assert bpy.ops.dgtalker.animate() == {"FINISHED"}
    bpy.ops.dgtalker.clear_speech()
    line.mute = False
    bpy.context.window.scene = next(scene for scene in bpy.data.scenes if scene != first)
    notes = speech.animate(bpy.context, [head])
    assert any(f"lines in {first.name} are not spoken" in note for note in notes)
    assert curve(head, "jawOpen")[1] > 200


def test_a_scene_that_was_renamed_still_keeps_its_line(speech, make_head, add_strip, voice):
    head, first = make_head(), bpy.context.scene
    add_strip(voice, 10, head)
    bpy.ops.dgtalker.animate()
    first.name = "Opening"
    bpy.ops.scene.new(type="LINK_COPY")
    line_in(bpy.context.scene, voice, 300, head)
    assert bpy.ops.dgtalker.animate() == {"CANCELLED"}


def test_a_scene_that_only_shows_the_head_is_in_nobodys_way(speech, make_head, add_strip, voice):
    head = make_head()
    add_strip(voice, 10, head)
    bpy.ops.scene.new(type="LINK_COPY")
    for strip in list(bpy.context.scene.sequence_editor.strips) if bpy.context.scene.sequence_editor else ():
        bpy.context.scene.sequence_editor.strips.remove(strip)
    bpy.context.window.scene = next(scene for scene in bpy.data.scenes if scene != bpy.context.scene)
    assert speech.animate(bpy.context, [head]) is not None
    add_strip(voice, 200, head)
    assert bpy.ops.dgtalker.animate() == {"FINISHED"}


@pytest.mark.skipif(bpy.app.version < (5, 0), reason="the sequencer has no scene of its own before Blender 5")
def test_music_in_the_shot_does_not_hide_the_dialogue_in_the_edit(speech, make_head, add_strip, tone, room):
    head = make_head()
    shot = bpy.context.scene
    add_strip(tone("music"), 1, None)
    edit = bpy.data.scenes.new("Edit")
    edit.render.fps = shot.render.fps
    strip = edit.sequence_editor_create().strips.new_sound("line", str(tone("line")), 1, 10)
    timeline = room("speech.timeline.strips").timeline
    with bpy.context.temp_override(sequencer_scene=edit):
        assert timeline(bpy.context) == shot  # nobody speaks anything yet
        strip.dgtalker.speaker = head
        assert timeline(bpy.context) == edit


def test_strips_of_the_sequencers_own_scene_are_spoken(speech, make_head, add_strip, tone, spoken_frames):
    head = make_head()
    add_strip(tone(), frame=30, head=head)
    edit, scene = bpy.context.scene, bpy.data.scenes.new("Heads")
    scene.collection.objects.link(head)
    edit.collection.objects.unlink(head)
    with bpy.context.temp_override(scene=scene, view_layer=scene.view_layers[0], sequencer_scene=edit):
        speech.animate(bpy.context, [head])
    assert spoken_frames(head).start == 30 - SETTLE


def test_what_the_animator_edits_survives_sliders_and_animating_again(make_head, add_strip, voice, curve):
    head = make_head()
    strip = add_strip(voice, frame=30, head=head)
    bpy.ops.dgtalker.animate()
    before, first = curve(head, "jawOpen")
    block = head.data.shape_keys.key_blocks["jawOpen"]
    block.value = 0.6
    block.keyframe_insert("value", frame=50)
    after, _ = curve(head, "jawOpen")
    assert np.flatnonzero(np.abs(after - before) > 1e-4).tolist() == [50 - first]
    strip.dgtalker.jaw = 0.0
    assert curve(head, "jawOpen")[0][50 - first] == pytest.approx(0.6)
    assert curve(head, "jawOpen")[0][60 - first :].max() == 0.0
    strip.dgtalker.jaw = 1.0
    bpy.ops.dgtalker.animate()
    again, _ = curve(head, "jawOpen")
    assert np.abs(again - after).max() < 1e-3


def test_a_line_that_was_given_to_another_head_is_spoken_by_that_one_alone(speech, make_head, add_strip, voice, curve):
    ada, bob = make_head("Ada"), make_head("Bob")
    strip = add_strip(voice, frame=30, head=ada)
    bpy.ops.dgtalker.animate()
    strip.dgtalker.speaker = bob
    notes = speech.animate(bpy.context, [bob])
    assert "Bob speaks the line that was Ada's" in " ".join(notes)
    assert curve(bob, "jawOpen")[0].max() > 0.15
    bpy.context.scene.frame_set(45)
    assert ada.data.shape_keys.key_blocks["jawOpen"].value == 0.0
    assert not ada.dgtalker_speech.take


@pytest.fixture
def copied(animated):
    """A head that speaks, its strip, and a copy of it: Shift D with the preference that duplicates actions, too."""
    head, strip = animated()
    copy = head.copy()
    copy.data = head.data.copy()
    bpy.context.scene.collection.objects.link(copy)
    for owner in (copy, copy.data.shape_keys):
        animation = owner.animation_data
        if animation and animation.action:
            slot = animation.action_slot.identifier
            animation.action = animation.action.copy()
            animation.action_slot = animation.action.slots[slot]
    return head, strip, copy


def test_clear_speech_leaves_a_copy_its_keys_and_says_so(copied, curve, keys, capfd):
    head, _, copy = copied
    usual, _ = curve(copy, "jawOpen")
    assert usual.max() > 0.1
    bpy.ops.dgtalker.clear_speech()
    assert "Ada.001, a copy of Ada, keeps its keys" in capfd.readouterr().out
    assert (keys.spoken(head), keys.spoken(copy)) == (False, True)
    assert np.array_equal(curve(copy, "jawOpen")[0], usual)
    bpy.ops.dgtalker.clear_speech()
    assert not keys.spoken(copy)


def test_a_copy_keeps_its_keys_when_the_original_is_animated_with_other_words(copied, speech, curve, keys):
    head, strip, copy = copied
    usual, _ = curve(copy, "jawOpen")
    strip.dgtalker.transcript = "Hello my favourite movie"
    speech.animate(bpy.context, [head])
    assert np.array_equal(curve(copy, "jawOpen")[0], usual)


def test_clear_speech_passes_over_a_head_that_is_linked_and_says_so(animated, make_head, keys, tmp_path, capfd):
    animated("Ada")
    bpy.ops.wm.save_as_mainfile(filepath=str(tmp_path / "ada.blend"), copy=True)
    with bpy.data.libraries.load(str(tmp_path / "ada.blend"), link=True) as (_, wanted):
        wanted.objects = ["Ada"]
    (linked,) = wanted.objects
    bpy.context.scene.collection.objects.link(linked)
    head = bpy.data.objects["Ada", None]
    assert bpy.ops.dgtalker.clear_speech() == {"FINISHED"}
    assert (keys.spoken(head), keys.spoken(linked)) == (False, True)
    assert "The speech of Ada stays. Ada is linked from another file" in capfd.readouterr().out
    assert not bpy.ops.dgtalker.clear_speech.poll()
