from __future__ import annotations

import math

import bpy
import numpy as np
import pytest
from mathutils import Euler

FIRST = 10


@pytest.fixture
def keys(room):
    return room("speech.keys.keyframes")


@pytest.fixture
def make_performance():
    """`make_performance(frames)`: the jaw opens from 0 to 1, the tongue stays, the head nods and turns."""
    from dgtalker_engine.performance import Performance
    from dgtalker_engine.rig import ARKIT_NAMES, HEAD_NAMES

    def make(frames: int = 50, jaw: float = 1.0, **moves: float) -> Performance:
        ramp = np.linspace(0, 1, frames, dtype=np.float32)
        names = ARKIT_NAMES + HEAD_NAMES
        weights = np.zeros((frames, len(names)), np.float32)
        moves = {"jawOpen": jaw, "headPitch": 0.2, "headYaw": 0.1, "headRoll": -0.05, **moves}
        for name, value in moves.items():
            weights[:, names.index(name)] = ramp * value
        return Performance(24.0, names, weights)

    return make


def value(head, name, frame, subframe=0.0):
    bpy.context.scene.frame_set(frame, subframe=subframe)
    return head.data.shape_keys.key_blocks[name].value


def key_action(head, name, values):
    """Hand keys of the animator on one control: `values` by frame."""
    block = head.data.shape_keys.key_blocks[name]
    for frame, number in values.items():
        block.value = number
        block.keyframe_insert("value", frame=frame)


def tracks(owner):
    return [track.name for track in owner.animation_data.nla_tracks]


def test_controls_follow_the_performance_on_every_frame_and_between(keys, make_head, make_performance):
    head = make_head()
    assert keys.write(head, make_performance(50), FIRST) == []
    assert value(head, "jawOpen", FIRST) == 0.0
    assert value(head, "jawOpen", FIRST + 49) == 1.0
    assert value(head, "jawOpen", FIRST + 7) == pytest.approx(7 / 49, abs=1e-5)
    assert value(head, "jawOpen", FIRST + 7, 0.5) == pytest.approx(7.5 / 49, abs=1e-5)
    assert value(head, "tongueOut", FIRST + 30) == 0.0


def test_the_first_and_last_frame_hold(keys, make_head, make_performance):
    head = make_head()
    keys.write(head, make_performance(50), FIRST)
    assert value(head, "jawOpen", 0) == 0.0
    assert value(head, "jawOpen", 500) == 1.0


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


def test_hand_keys_stay_on_top_and_survive_regenerating(keys, make_head, make_performance):
    head = make_head()
    key_action(head, "jawOpen", {1: 0.25, 30: 0.25})
    key = head.data.shape_keys
    action, blend = key.animation_data.action, key.animation_data.action_blend_type
    for frames in (50, 80, 20):
        keys.write(head, make_performance(frames, mouthPucker=0.5), FIRST)
        assert key.animation_data.action == action
        assert key.animation_data.action_blend_type == blend
        assert value(head, "jawOpen", 15) == 0.25
        assert value(head, "mouthPucker", FIRST + frames - 1) == pytest.approx(0.5)


def test_added_hand_keys_add_to_the_speech(keys, make_head, make_performance):
    head = make_head()
    keys.write(head, make_performance(50), FIRST)
    animation = head.data.shape_keys.animation_data
    animation.action = bpy.data.actions.new("Corrections")
    animation.action_blend_type = "ADD"
    key_action(head, "tongueOut", {1: 0.25})
    assert value(head, "tongueOut", 20) == pytest.approx(0.25)
    assert value(head, "jawOpen", FIRST + 49) == 1.0
    keys.write(head, make_performance(50, jaw=0.5), FIRST)
    assert animation.action_blend_type == "ADD"
    assert value(head, "jawOpen", FIRST + 49) == 0.5


def test_the_track_lies_below_the_animators_tracks(keys, make_head, make_performance):
    head = make_head()
    key_action(head, "jawOpen", {1: 0.7, 30: 0.7})
    other = make_head("Bob")
    for owner in (head.data.shape_keys, head, other):
        animation = owner.animation_data or owner.animation_data_create()
        for name in ("Block", "Polish"):
            track = animation.nla_tracks.new()
            track.name = name
    animation = head.data.shape_keys.animation_data
    animation.nla_tracks[0].strips.new("hand", 1, animation.action)
    animation.action = None
    bpy.ops.object.select_all(action="DESELECT")
    places = [area.ui_type for area in bpy.context.window_manager.windows[0].screen.areas]
    assert keys.write(head, make_performance(50), FIRST) == []
    for owner in (head.data.shape_keys, head):
        assert tracks(owner) == ["Speech", "Block", "Polish"]
    assert tracks(other) == ["Block", "Polish"]
    assert value(head, "jawOpen", 20) == pytest.approx(0.7)
    assert value(head, "mouthClose", 20) == 0.0
    assert [area.ui_type for area in bpy.context.window_manager.windows[0].screen.areas] == places


def test_regenerating_rewrites_the_same_action_and_moves_the_clip(keys, make_head, make_performance):
    head = make_head()
    keys.write(head, make_performance(50), FIRST)
    actions = set(bpy.data.actions)
    head.data.shape_keys.animation_data.nla_tracks[0].name = "Voice"
    for first, frames in ((FIRST, 90), (40, 30), (0, 300)):
        keys.write(head, make_performance(frames), first)
        (strip,) = head.data.shape_keys.animation_data.nla_tracks[0].strips
        assert (strip.frame_start, strip.frame_end) == (first, first + frames - 1)
        assert (strip.action_frame_start, strip.action_frame_end) == (first, first + frames - 1)
        assert strip.scale == 1.0
        assert value(head, "jawOpen", first + frames - 1) == 1.0
    assert set(bpy.data.actions) == actions
    assert tracks(head.data.shape_keys) == ["Voice"]


def test_a_duplicated_head_gets_clips_of_its_own(keys, make_head, make_performance):
    head = make_head()
    keys.write(head, make_performance(50), FIRST)
    twin = head.copy()
    twin.data = head.data.copy()
    bpy.context.scene.collection.objects.link(twin)
    keys.write(twin, make_performance(50, jaw=0.5), FIRST)
    assert value(head, "jawOpen", FIRST + 49) == 1.0
    assert value(twin, "jawOpen", FIRST + 49) == 0.5


def test_what_drivers_move_is_left_alone(keys, make_head, make_performance):
    head = make_head()
    key = head.data.shape_keys
    key.key_blocks["jawOpen"].driver_add("value").driver.expression = "0.125"
    (note,) = keys.write(head, make_performance(50), FIRST)
    assert "jawOpen" in note
    assert value(head, "jawOpen", FIRST + 40) == 0.125
    assert [driver.data_path for driver in key.animation_data.drivers] == ['key_blocks["jawOpen"].value']


def test_renamed_and_deleted_shape_keys_are_named_and_the_others_move(keys, make_head, make_performance):
    head = make_head()
    head.data.shape_keys.key_blocks["tongueOut"].name = "tongue"
    head.shape_key_remove(head.data.shape_keys.key_blocks["cheekPuff"])
    (note,) = keys.write(head, make_performance(50), FIRST)
    assert "tongueOut" in note
    assert "cheekPuff" in note
    assert value(head, "jawOpen", FIRST + 49) == 1.0


def test_clearing_removes_only_what_was_generated(keys, make_head, make_performance):
    head = make_head()
    key_action(head, "browInnerUp", {1: 0.25})
    keys.write(head, make_performance(50), FIRST)
    value(head, "jawOpen", FIRST + 49)
    keys.clear(head)
    assert tracks(head.data.shape_keys) == tracks(head) == []
    assert [action.name for action in bpy.data.actions] == [head.data.shape_keys.animation_data.action.name]
    assert value(head, "jawOpen", FIRST + 49) == 0.0
    assert value(head, "browInnerUp", 1) == 0.25
    assert tuple(head.delta_rotation_euler) == (0, 0, 0)


def test_keys_survive_saving_and_reopening(keys, make_head, make_performance, tmp_path):
    keys.write(make_head(), make_performance(50), FIRST)
    bpy.ops.wm.save_as_mainfile(filepath=str(tmp_path / "scene.blend"))
    bpy.ops.wm.open_mainfile(filepath=str(tmp_path / "scene.blend"))
    head = bpy.data.objects["Ada"]
    assert value(head, "jawOpen", FIRST + 49) == 1.0
    keys.write(head, make_performance(50, jaw=0.5), FIRST)
    assert value(head, "jawOpen", FIRST + 49) == 0.5
    assert tracks(head.data.shape_keys) == ["Speech"]


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
    keys.write(head, make_performance(50, jaw=0.5), FIRST)
    assert value(head, "jawOpen", FIRST + 49) == 0.5
    assert tracks(head) == ["Speech"]
