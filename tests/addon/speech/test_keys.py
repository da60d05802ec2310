"""Performances become plain keys of the head's actions, and go again."""

from __future__ import annotations

import math

import bpy
import numpy as np
import pytest
from key_tools import FIRST, fcurve, key_action, value
from mathutils import Euler


def test_controls_follow_the_performance_on_every_frame_and_between(keys, make_head, make_performance):
    head = make_head()
    assert keys.write(head, make_performance(50), FIRST) == []
    assert value(head, "jawOpen", FIRST) == 0.0
    assert value(head, "jawOpen", FIRST + 49) == 1.0
    assert value(head, "jawOpen", FIRST + 7) == pytest.approx(7 / 49, abs=1e-5)
    assert value(head, "jawOpen", FIRST + 7, 0.5) == pytest.approx(7.5 / 49, abs=1e-5)
    assert value(head, "tongueOut", FIRST + 30) == 0.0


def test_before_and_after_the_speech_the_face_rests(keys, make_head, make_performance):
    head = make_head()
    key = head.data.shape_keys
    key.key_blocks["jawOpen"].value = 0.1
    head.delta_rotation_euler.z = 0.5
    keys.write(head, make_performance(50), FIRST)
    for frame in (-100, FIRST - 5, FIRST + 49 + 5, 500):
        assert value(head, "jawOpen", frame) == pytest.approx(0.1)
        assert tuple(head.delta_rotation_euler) == pytest.approx((0, 0, 0.5))


@pytest.mark.parametrize("mode", ["XYZ", "ZYX", "QUATERNION"])
@pytest.mark.parametrize("placed", [(0.0, 0.0, 0.0), (0.3, -0.2, math.pi / 2)])
def test_the_head_turns_in_its_own_axes_wherever_it_faces(keys, make_head, make_performance, mode, placed):
    head = make_head()
    head.rotation_mode = mode
    own = Euler(placed).to_matrix()
    if mode == "QUATERNION":
        head.rotation_quaternion = own.to_quaternion()
    else:
        head.rotation_euler = own.to_euler(mode)
    keys.write(head, make_performance(50), FIRST)
    bpy.context.scene.frame_set(FIRST + 49)
    wanted = own @ Euler((0.2, -0.05, 0.1)).to_matrix()
    assert np.allclose(head.matrix_world.to_3x3(), wanted, atol=1e-5)


def test_a_head_that_is_turned_by_keys_nods_in_its_own_axes(keys, make_head, make_performance):
    head = make_head()
    for frame, angle in ((FIRST, 0.0), (FIRST + 49, math.pi / 2)):
        head.rotation_euler.z = angle
        head.keyframe_insert("rotation_euler", frame=frame)
    keys.write(head, make_performance(50), FIRST)
    bpy.context.scene.frame_set(FIRST + 49)
    wanted = Euler((0, 0, math.pi / 2)).to_matrix() @ Euler((0.2, -0.05, 0.1)).to_matrix()
    assert np.allclose(head.matrix_world.to_3x3(), wanted, atol=1e-5)


def test_placing_the_head_stays_free(keys, make_head, make_performance):
    head = make_head()
    keys.write(head, make_performance(50), FIRST)
    head.location = (1, 2, 3)
    head.rotation_euler = (0, 0, 1)
    head.keyframe_insert("location", frame=1)
    bpy.context.scene.frame_set(FIRST + 20)
    assert tuple(head.location) == (1, 2, 3)
    assert tuple(head.rotation_euler) == (0, 0, 1)
    assert head.delta_rotation_euler.x == pytest.approx(0.2 * 20 / 49, abs=1e-5)


def test_keys_from_before_stay_and_win_and_survive_regenerating(keys, make_head, make_performance):
    head = make_head()
    key_action(head, "jawOpen", {20: 0.25, 30: 0.25, 300: 0.5})
    key = head.data.shape_keys
    action, blend = key.animation_data.action, key.animation_data.action_blend_type
    for frames in (50, 80, 20):
        notes = keys.write(head, make_performance(frames, mouthPucker=0.5), FIRST)
        assert key.animation_data.action == action
        assert key.animation_data.action_blend_type == blend
        assert value(head, "jawOpen", 25) == 0.25
        assert value(head, "jawOpen", 300) == 0.5
        assert value(head, "mouthPucker", FIRST + frames - 1) == pytest.approx(0.5)
        assert notes == ["Keys that Ada had before stay instead of speech: jawOpen 20–30."]


def test_modifiers_of_a_curve_act_once(keys, make_head, make_performance):
    head = make_head()
    key_action(head, "jawOpen", {1: 0.2, 300: 0.2})
    modifier = fcurve(head.data.shape_keys, 'key_blocks["jawOpen"].value').modifiers.new("GENERATOR")
    modifier.use_additive = True
    modifier.coefficients = (0.1, 0.0)
    for last in (50, 80):
        keys.write(head, make_performance(last, jaw=0.5), FIRST)
        assert value(head, "jawOpen", FIRST) == pytest.approx(0.3, abs=1e-4)
        assert value(head, "jawOpen", FIRST + last - 1) == pytest.approx(0.8, abs=1e-4)
        assert not modifier.mute


def test_one_key_on_every_slider_before_leaves_the_line_its_speech(keys, make_head, make_performance):
    head = make_head()
    for block in head.data.shape_keys.key_blocks[1:]:
        block.keyframe_insert("value", frame=20)
    assert keys.write(head, make_performance(50), FIRST) == []
    assert value(head, "jawOpen", 20) == 0.0
    assert value(head, "jawOpen", FIRST + 49) == 1.0
    assert len(keys.edits(head)) == 52


def test_speech_that_was_pushed_down_is_made_anew_where_it_plays(keys, make_head, make_performance):
    head = make_head()
    keys.write(head, make_performance(50), FIRST)
    animation = head.data.shape_keys.animation_data
    action = animation.action
    strip = animation.nla_tracks.new().strips.new("pushed down", FIRST - 5, action)
    strip.action_slot = animation.action_slot
    animation.action = None
    assert keys.write(head, make_performance(90, jaw=0.5), FIRST) == []
    assert animation.action is None
    assert strip.action == action
    assert value(head, "jawOpen", FIRST + 89) == pytest.approx(0.5)
    assert value(head, "jawOpen", FIRST + 120) == 0.0, "the strip plays the way back to rest, too"


def test_a_strip_that_was_cut_in_the_nla_plays_the_new_take_once(keys, make_head, make_performance):
    """Pushed down, then cut in two with Y; the new take begins before the old one and ends after it."""
    head = make_head()
    keys.write(head, make_performance(50), FIRST + 20)
    animation = head.data.shape_keys.animation_data
    track = animation.nla_tracks.new()
    strip = track.strips.new("pushed down", int(animation.action.frame_range[0]), animation.action)
    strip.action_slot = animation.action_slot
    animation.action = None
    track.select = strip.select = True
    bpy.context.scene.frame_set(FIRST + 45)
    window = bpy.context.window_manager.windows[0]
    area = window.screen.areas[0]
    area.ui_type = "NLA_EDITOR"
    region = next(region for region in area.regions if region.type == "WINDOW")
    with bpy.context.temp_override(window=window, screen=window.screen, area=area, region=region):
        bpy.ops.nla.split()
    assert len(track.strips) == 2
    assert keys.write(head, make_performance(90, jaw=0.5), FIRST) == []
    assert len(track.strips) == 2
    played = [value(head, "jawOpen", FIRST + frame) for frame in (0, 10, 40, 60, 89)]
    assert played == pytest.approx([0.5 * frame / 89 for frame in (0, 10, 40, 60, 89)], abs=1e-4)
    assert value(head, "jawOpen", FIRST + 100) == 0.0
    assert value(head, "jawOpen", FIRST + 150) == 0.0


def test_speech_that_was_trimmed_in_the_nla_stays_trimmed(keys, make_head, make_performance):
    head = make_head()
    keys.write(head, make_performance(50), FIRST + 20)
    animation = head.data.shape_keys.animation_data
    first, last = animation.action.frame_range
    strip = animation.nla_tracks.new().strips.new("pushed down", int(first), animation.action)
    strip.action_slot = animation.action_slot
    animation.action = None
    strip.action_frame_end = last - 20
    strip.frame_start_ui, strip.action_frame_start = first + 10, first + 10
    trimmed = strip.action_frame_start, strip.action_frame_end, strip.frame_start, strip.frame_end
    for jaw in (0.4, 0.5):
        keys.write(head, make_performance(90, jaw=jaw), FIRST)
        assert (strip.action_frame_start, strip.action_frame_end, strip.frame_start, strip.frame_end) == trimmed


def test_what_nla_strips_of_the_animator_move_is_left_to_them(keys, make_head, make_performance):
    head = make_head()
    key_action(head, "jawOpen", {1: 0.7, 30: 0.7})
    animation = head.data.shape_keys.animation_data
    strip = animation.nla_tracks.new().strips.new("hand", 1, animation.action)
    strip.action_slot = animation.action_slot
    animation.action = None
    (note,) = keys.write(head, make_performance(50, mouthPucker=0.5), FIRST)
    assert note == "NLA strips of Ada keep moving jawOpen."
    assert [track.name for track in animation.nla_tracks] == ["NlaTrack"]
    assert value(head, "jawOpen", 20) == pytest.approx(0.7)
    assert value(head, "mouthPucker", FIRST + 49) == pytest.approx(0.5)


def test_regenerating_rewrites_the_same_action_and_nothing_stays_behind(keys, make_head, make_performance):
    head = make_head()
    keys.write(head, make_performance(50), FIRST)
    actions = set(bpy.data.actions)
    for first, frames in ((FIRST, 90), (400, 30), (0, 300)):
        keys.write(head, make_performance(frames), first)
        assert keys.span(head) == range(first, first + frames)
        assert value(head, "jawOpen", first + frames - 1) == 1.0
        times = [point.co.x for point in fcurve(head.data.shape_keys, 'key_blocks["jawOpen"].value').keyframe_points]
        assert first - 6 < min(times)
        assert max(times) < first + frames + 6
    assert set(bpy.data.actions) == actions


@pytest.mark.parametrize("whole", [False, True])
def test_a_duplicated_head_gets_keys_of_its_own(keys, make_head, make_performance, whole):
    head = make_head()
    keys.write(head, make_performance(50), FIRST)
    key_action(head, "mouthPucker", {32: 0.8})
    if whole:
        bpy.ops.object.select_all(action="DESELECT")
        head.select_set(True)
        bpy.context.view_layer.objects.active = head
        bpy.ops.object.duplicate()
        twin = bpy.context.object
    else:
        twin = head.copy()
        twin.data = head.data.copy()
        bpy.context.scene.collection.objects.link(twin)
    notes = keys.write(twin, make_performance(50, jaw=0.5), FIRST)
    assert ("shared its action with" in " ".join(notes)) != whole
    assert value(head, "jawOpen", FIRST + 49) == 1.0
    assert value(twin, "jawOpen", FIRST + 49) == 0.5
    assert value(twin, "mouthPucker", 32) == pytest.approx(0.8)
    assert [edit.text for edit in keys.edits(twin)] == ["mouthPucker 32"]


def test_heads_with_slots_of_one_action_are_written_apart(keys, make_head, make_performance):
    ada, bob = make_head("Ada"), make_head("Bob")
    action = bpy.data.actions.new("Both")
    for head in (ada, bob):
        animation = head.data.shape_keys.animation_data_create()
        animation.action = action
        animation.action_slot = action.slots.new("KEY", head.name)
    keys.write(ada, make_performance(50), FIRST)
    keys.write(bob, make_performance(50, jaw=0.5), FIRST)
    assert ada.data.shape_keys.animation_data.action == bob.data.shape_keys.animation_data.action == action
    assert value(ada, "jawOpen", FIRST + 49) == 1.0
    assert value(bob, "jawOpen", FIRST + 49) == 0.5
    keys.clear(ada)
    assert value(bob, "jawOpen", FIRST + 49) == 0.5
    assert value(ada, "jawOpen", FIRST + 49) == 0.0


def test_what_drivers_move_is_left_alone(keys, make_head, make_performance):
    head = make_head()
    key = head.data.shape_keys
    key.key_blocks["jawOpen"].driver_add("value").driver.expression = "0.125"
    (note,) = keys.write(head, make_performance(50), FIRST)
    assert "jawOpen" in note
    assert value(head, "jawOpen", FIRST + 40) == 0.125
    assert [driver.data_path for driver in key.animation_data.drivers] == ['key_blocks["jawOpen"].value']


def test_a_face_that_drivers_move_altogether_has_no_generated_keys(room, keys, make_head, make_performance):
    head = make_head()
    key = head.data.shape_keys
    keys.write(head, make_performance(50), FIRST)
    for block in key.key_blocks[1:]:
        block.driver_add("value").driver.expression = "0.125"
    for _ in range(2):
        assert "Drivers of Ada keep moving" in " ".join(keys.write(head, make_performance(50), FIRST))
        assert key.animation_data.action is None
        assert room("speech.keys.visibility").elsewhere_reason(head) == "", "sliders go on turning the head"
    assert keys.clear(head) == []


def test_a_linked_action_without_a_slot_is_replaced_by_a_copy(keys, make_head, make_performance, tmp_path):
    path = str(tmp_path / "library.blend")
    bpy.data.libraries.write(path, {bpy.data.actions.new("Linked")}, fake_user=True)
    with bpy.data.libraries.load(path, link=True) as (_, wanted):
        wanted.actions = ["Linked"]
    head = make_head()
    animation = head.data.shape_keys.animation_data_create()
    animation.action = wanted.actions[0]
    keys.write(head, make_performance(50), FIRST)
    assert animation.action.library is None
    assert value(head, "jawOpen", FIRST + 49) == 1.0


def test_renamed_and_deleted_shape_keys_are_named_and_the_others_move(keys, make_head, make_performance):
    head = make_head()
    head.data.shape_keys.key_blocks["tongueOut"].name = "tongue"
    head.shape_key_remove(head.data.shape_keys.key_blocks["cheekPuff"])
    (note,) = keys.write(head, make_performance(50), FIRST)
    assert "tongueOut" in note
    assert "cheekPuff" in note
    assert value(head, "jawOpen", FIRST + 49) == 1.0


def test_clearing_brings_back_what_was_there_before(keys, make_head, make_performance):
    head = make_head()
    head.data.shape_keys.key_blocks["mouthSmileLeft"].value = 0.3
    head.delta_rotation_euler.z = 0.5
    key_action(head, "browInnerUp", {1: 0.25, 30: 0.5})
    keys.write(head, make_performance(50, mouthSmileLeft=0.5), FIRST)
    assert value(head, "mouthSmileLeft", FIRST + 49) == pytest.approx(0.8)
    assert head.delta_rotation_euler.z > 0.55
    assert keys.clear(head) == []
    assert [action.name for action in bpy.data.actions] == [head.data.shape_keys.animation_data.action.name]
    assert value(head, "jawOpen", FIRST + 49) == 0.0
    assert value(head, "mouthSmileLeft", FIRST + 49) == pytest.approx(0.3)
    assert value(head, "browInnerUp", 1) == 0.25
    assert value(head, "browInnerUp", 30) == 0.5
    assert len(fcurve(head.data.shape_keys, 'key_blocks["browInnerUp"].value').keyframe_points) == 2
    assert tuple(head.delta_rotation_euler) == pytest.approx((0, 0, 0.5))


def test_keys_survive_saving_and_reopening(keys, make_head, make_performance, tmp_path):
    keys.write(make_head(), make_performance(50), FIRST)
    bpy.ops.wm.save_as_mainfile(filepath=str(tmp_path / "scene.blend"))
    bpy.ops.wm.open_mainfile(filepath=str(tmp_path / "scene.blend"))
    head = bpy.data.objects["Ada"]
    assert value(head, "jawOpen", FIRST + 49) == 1.0
    keys.write(head, make_performance(50, jaw=0.5), FIRST)
    assert value(head, "jawOpen", FIRST + 49) == 0.5


def test_a_name_with_quotes_is_animated(keys, make_head):
    import json

    from dgtalker_engine.performance import Performance
    from dgtalker_engine.rig import Control, Rig

    head = make_head()
    head.dgtalker.rig = json.dumps(Rig((Control('jaw"\\x', "lip"),)).to_json())
    head.shape_key_add(name='jaw"\\x')
    keys.write(head, Performance(24.0, ('jaw"\\x',), np.array([[0.0], [1.0]], np.float32)), FIRST)
    assert value(head, 'jaw"\\x', FIRST + 1) == 1.0


def test_an_overridden_head_is_animated_and_keeps_it(room, keys, make_head, make_performance, tmp_path):
    make_head()
    library, path = str(tmp_path / "library.blend"), str(tmp_path / "shot.blend")
    bpy.ops.wm.save_as_mainfile(filepath=library)
    bpy.ops.wm.read_homefile(use_factory_startup=True)
    with bpy.data.libraries.load(library, link=True) as (_, wanted):
        wanted.objects = ["Ada"]
    head = wanted.objects[0].override_create(remap_local_usages=True)
    bpy.context.scene.collection.objects.link(head)
    room("head.add").make_editable(head)
    keys.write(head, make_performance(50), FIRST)
    bpy.ops.wm.save_as_mainfile(filepath=path)
    bpy.ops.wm.open_mainfile(filepath=path)
    head = next(ob for ob in bpy.context.scene.objects if ob.name == "Ada")
    assert head.override_library
    assert value(head, "jawOpen", FIRST + 49) == 1.0
    assert head.delta_rotation_euler.x == pytest.approx(0.2, abs=1e-5)
    assert keys.edits(head) == []
    assert keys.write(head, make_performance(50, jaw=0.5, headPitch=0.1), FIRST) == []
    assert value(head, "jawOpen", FIRST + 49) == 0.5
    assert head.delta_rotation_euler.x == pytest.approx(0.1, abs=1e-5)
