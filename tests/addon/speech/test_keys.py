from __future__ import annotations

import math
from types import SimpleNamespace

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


def fcurve(owner, path, index=0):
    animation = owner.animation_data
    bag = animation.action.layers[0].strips[0].channelbag(animation.action_slot)
    return bag.fcurves.find(path, index=index)


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


def test_one_key_on_every_slider_before_leaves_the_line_its_speech(keys, make_head, make_performance):
    head = make_head()
    for block in head.data.shape_keys.key_blocks[1:]:
        block.keyframe_insert("value", frame=20)
    assert keys.write(head, make_performance(50), FIRST) == []
    assert value(head, "jawOpen", 20) == 0.0
    assert value(head, "jawOpen", FIRST + 49) == 1.0
    assert len(keys.edits(head)) == 52


def test_keys_lie_in_the_action_that_editors_show(keys, make_head, make_performance):
    head = make_head()
    keys.write(head, make_performance(50), FIRST)
    for owner, count in ((head.data.shape_keys, 52), (head, 3)):
        animation = owner.animation_data
        assert not animation.nla_tracks
        (bag,) = animation.action.layers[0].strips[0].channelbags
        assert len(bag.fcurves) == count
        assert min(len(curve.keyframe_points) for curve in bag.fcurves) >= 50


def test_a_hand_key_changes_its_frame_and_nothing_else(keys, make_head, make_performance):
    head = make_head()
    performance = make_performance(50)
    keys.write(head, performance, FIRST)
    before = [value(head, "jawOpen", frame) for frame in range(FIRST, FIRST + 50)]
    key_action(head, "jawOpen", {32: 0.05})
    for _ in range(2):
        after = [value(head, "jawOpen", frame) for frame in range(FIRST, FIRST + 50)]
        assert [FIRST + i for i in range(50) if abs(after[i] - before[i]) > 1e-4] == [32]
        assert after[32 - FIRST] == pytest.approx(0.05)
        assert keys.write(head, performance, FIRST) == []
    keys.write(head, make_performance(50, jaw=0.5), FIRST)
    assert value(head, "jawOpen", 32) == pytest.approx(0.05)
    assert value(head, "jawOpen", 31) == pytest.approx(before[31 - FIRST], abs=1e-3)
    assert value(head, "jawOpen", 36) == pytest.approx(before[36 - FIRST] / 2, abs=1e-3)
    assert [edit.text for edit in keys.edits(head)] == ["jawOpen 32"]


def test_what_was_edited_is_listed_and_can_be_given_back(keys, make_head, make_performance):
    head = make_head()
    keys.write(head, make_performance(50), FIRST)
    key_action(head, "jawOpen", dict.fromkeys(range(20, 25), 0.9))
    curve = fcurve(head.data.shape_keys, 'key_blocks["mouthPucker"].value')
    for point in [point for point in curve.keyframe_points if 40 <= point.co.x <= 42][::-1]:
        curve.keyframe_points.remove(point)
    assert sorted(edit.text for edit in keys.edits(head)) == ["jawOpen 20–24", "mouthPucker 40–42"]
    keys.write(head, make_performance(50, jaw=0.5), FIRST)
    bpy.ops.object.select_all(action="DESELECT")
    bpy.context.view_layer.objects.active = head
    bpy.ops.dgtalker.discard_edit(edit="jawOpen 20–24")
    assert value(head, "jawOpen", 22) == pytest.approx(0.5 * 12 / 49, abs=1e-3)
    assert [edit.text for edit in keys.edits(head)] == ["mouthPucker 40–42"]
    bpy.ops.dgtalker.discard_edit()
    assert keys.edits(head) == []
    assert 41 in [round(point.co.x) for point in curve.keyframe_points]


class Drawn:
    """A layout that remembers its texts and its buttons."""

    def __init__(self):
        self.texts, self.buttons = [], []

    def panel(self, *_, **__):
        return self, self

    def column(self, **_):
        return self

    row = column

    def label(self, *, text="", **_):
        self.texts.append(text)

    def operator(self, name, *, text="", **_):
        self.buttons.append((name, text))
        return SimpleNamespace()


@pytest.fixture
def drawn(room):
    """`drawn(head)`: what the panel shows of a head's keys."""
    context = SimpleNamespace(
        region=SimpleNamespace(width=2000),
        preferences=SimpleNamespace(system=SimpleNamespace(ui_scale=1.0)),
    )

    def draw(head):
        room("speech.ui.key_panels")._forget()
        layout = Drawn()
        room("speech.ui.key_panels").draw(layout, context, head)
        return layout

    return draw


def test_the_panel_lists_edits_and_a_click_goes_there(keys, make_head, make_performance, drawn):
    head = make_head()
    keys.write(head, make_performance(50), FIRST)
    assert "Edits by Hand" in drawn(head).texts
    key_action(head, "jawOpen", {32: 0.05})
    layout = drawn(head)
    assert "Edits by Hand: 1" in layout.texts
    assert ("dgtalker.go_to_edit", "jawOpen 32") in layout.buttons
    assert ("dgtalker.discard_edit", "Discard All") in layout.buttons
    bpy.context.view_layer.objects.active = head
    bpy.ops.dgtalker.go_to_edit(frame=32)
    assert bpy.context.scene.frame_current == 32
    head.data.shape_keys.animation_data.action_influence = 0.5
    layout = drawn(head)
    assert "The action of Ada counts only 50 %." in layout.texts
    assert ("dgtalker.show_speech", "") in layout.buttons


def test_a_locked_range_stays_as_it_is(keys, make_head, make_performance):
    head = make_head()
    keys.write(head, make_performance(50), FIRST)
    bpy.context.view_layer.objects.active = head
    bpy.ops.dgtalker.lock_keys(first=20, last=30)
    locked = value(head, "jawOpen", 25)
    keys.write(head, make_performance(50, jaw=0.2), FIRST)
    assert value(head, "jawOpen", 25) == locked
    assert value(head, "jawOpen", 50) == pytest.approx(0.2 * 40 / 49, abs=1e-4)
    bpy.ops.dgtalker.discard_edit(edit="jawOpen 20–30")
    keys.write(head, make_performance(50, jaw=0.2), FIRST)
    assert value(head, "jawOpen", 25) == pytest.approx(0.2 * 15 / 49, abs=1e-4)
    assert bpy.ops.dgtalker.lock_keys(first=900, last=910) == {"CANCELLED"}


def test_baked_keys_are_hers_and_stay(keys, make_head, make_performance):
    head = make_head()
    keys.write(head, make_performance(50), FIRST)
    bpy.context.view_layer.objects.active = head
    bpy.ops.dgtalker.bake_keys()
    assert not keys.spoken(head)
    before = value(head, "jawOpen", 40)
    assert "and 52 more" in " ".join(keys.write(head, make_performance(50, jaw=0.1), FIRST))
    assert value(head, "jawOpen", 40) == before
    bpy.ops.dgtalker.discard_edit(kind="OWN")
    keys.write(head, make_performance(50, jaw=0.1), FIRST)
    assert value(head, "jawOpen", 40) == pytest.approx(0.1 * 30 / 49, abs=1e-4)
    keys.clear(head)
    assert value(head, "jawOpen", 40) == before, "Clear Speech brings back what was put away"


def test_a_damaged_ledger_is_said_and_baking_keeps_the_keys(keys, make_head, make_performance):
    head = make_head()
    keys.write(head, make_performance(50), FIRST)
    head.data.shape_keys.dgtalker_keys.ledger = "damaged"
    assert "Press Bake" in keys.locked_reason(head)
    bpy.context.view_layer.objects.active = head
    bpy.ops.dgtalker.bake_keys()
    assert keys.locked_reason(head) == ""
    assert value(head, "jawOpen", FIRST + 49) == 1.0


def test_another_action_hides_the_speech_and_a_button_mends_it(room, keys, make_head, make_performance):
    visibility = room("speech.keys.visibility")
    head = make_head()
    keys.write(head, make_performance(50), FIRST)
    assert visibility.notes(head) == []
    animation = head.data.shape_keys.animation_data
    speech = animation.action
    animation.action = bpy.data.actions.new("Corrections")
    assert "is in the action Ada Face, but Corrections is assigned" in " ".join(visibility.notes(head))
    bpy.context.view_layer.objects.active = head
    bpy.ops.dgtalker.show_speech()
    assert animation.action == speech
    assert visibility.notes(head) == []
    assert value(head, "jawOpen", FIRST + 49) == 1.0


@pytest.mark.parametrize("how", ["solo", "influence", "curve", "block", "pinned", "pushed"])
def test_what_hides_the_speech_is_named_and_mended(room, keys, make_head, make_performance, how):
    visibility = room("speech.keys.visibility")
    head = make_head()
    keys.write(head, make_performance(50), FIRST)
    key = head.data.shape_keys
    animation = key.animation_data
    if how == "solo":
        animation.nla_tracks.new().is_solo = True
    elif how == "influence":
        animation.action_influence = 0.1
    elif how == "curve":
        fcurve(key, 'key_blocks["jawOpen"].value').mute = True
    elif how == "block":
        key.key_blocks["jawOpen"].mute = True
    elif how == "pinned":
        head.show_only_shape_key = True
    else:
        track = animation.nla_tracks.new()
        strip = track.strips.new("pushed down", FIRST - 5, animation.action)
        strip.action_slot = animation.action_slot
        animation.action = None
        track.mute = True
    assert len(visibility.hindrances(head)) == 1
    bpy.context.view_layer.objects.active = head
    bpy.ops.dgtalker.show_speech()
    assert visibility.notes(head) == []
    assert value(head, "jawOpen", FIRST + 49) == pytest.approx(1.0)


def test_a_curve_that_a_modifier_changes_is_noticed_by_looking(room, keys, make_head, make_performance):
    head = make_head()
    keys.write(head, make_performance(50), FIRST)
    modifier = fcurve(head.data.shape_keys, 'key_blocks["jawOpen"].value').modifiers.new("GENERATOR")
    modifier.coefficients = (0.0, 0.0)
    (note,) = room("speech.keys.visibility").notes(head)
    assert "jawOpen" in note


def test_a_constraint_that_turns_the_head_is_named(room, keys, make_head, make_performance):
    head = make_head()
    constraint = head.constraints.new("TRACK_TO")
    constraint.target = bpy.context.scene.camera
    keys.write(head, make_performance(50), FIRST)
    assert "does not nod" in " ".join(room("speech.keys.visibility").notes(head))


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


def test_an_edit_stays_where_it_was_made_when_the_line_moves_away(keys, make_head, make_performance):
    head = make_head()
    keys.write(head, make_performance(50), FIRST)
    key_action(head, "jawOpen", {32: 0.8})
    keys.write(head, make_performance(50), 200)
    assert value(head, "jawOpen", 32) == pytest.approx(0.8)
    assert [value(head, "jawOpen", frame) for frame in (20, 45, 150)] == [0.0, 0.0, 0.0]


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


def test_clearing_keeps_edits_between_rest_and_says_so(keys, make_head, make_performance):
    head = make_head()
    keys.write(head, make_performance(50), FIRST)
    key_action(head, "jawOpen", {32: 0.8})
    (note,) = keys.clear(head)
    assert "jawOpen 32" in note
    assert value(head, "jawOpen", 32) == pytest.approx(0.8)
    assert value(head, "jawOpen", 20) == value(head, "jawOpen", 50) == 0.0


def test_keys_survive_saving_and_reopening(keys, make_head, make_performance, tmp_path):
    keys.write(make_head(), make_performance(50), FIRST)
    bpy.ops.wm.save_as_mainfile(filepath=str(tmp_path / "scene.blend"))
    bpy.ops.wm.open_mainfile(filepath=str(tmp_path / "scene.blend"))
    head = bpy.data.objects["Ada"]
    assert value(head, "jawOpen", FIRST + 49) == 1.0
    keys.write(head, make_performance(50, jaw=0.5), FIRST)
    assert value(head, "jawOpen", FIRST + 49) == 0.5


def test_edits_survive_saving_and_appending(keys, make_head, make_performance, tmp_path):
    head = make_head()
    keys.write(head, make_performance(50), FIRST)
    key_action(head, "jawOpen", {32: 0.05})
    path = str(tmp_path / "scene.blend")
    bpy.ops.wm.save_as_mainfile(filepath=path)
    for append in (False, True):
        if append:
            bpy.ops.wm.read_homefile(use_factory_startup=True)
            with bpy.data.libraries.load(path) as (_, wanted):
                wanted.objects = ["Ada"]
            bpy.context.scene.collection.objects.link(wanted.objects[0])
        else:
            bpy.ops.wm.open_mainfile(filepath=path)
        head = bpy.data.objects["Ada"]
        assert [edit.text for edit in keys.edits(head)] == ["jawOpen 32"]
        keys.write(head, make_performance(50, jaw=0.5), FIRST)
        assert value(head, "jawOpen", 32) == pytest.approx(0.05)
        assert value(head, "jawOpen", FIRST + 49) == 0.5


def test_undo_takes_edits_and_what_is_known_of_them_along(keys, make_head, make_performance):
    keys.write(make_head(), make_performance(50), FIRST)
    bpy.ops.ed.undo_push(message="Animate")
    key_action(bpy.data.objects["Ada"], "jawOpen", {32: 0.05})
    bpy.ops.ed.undo_push(message="I")
    keys.write(bpy.data.objects["Ada"], make_performance(50, jaw=0.5), FIRST)
    bpy.ops.ed.undo_push(message="Animate")
    bpy.ops.ed.undo()
    head = bpy.data.objects["Ada"]
    assert [edit.text for edit in keys.edits(head)] == ["jawOpen 32"]
    assert value(head, "jawOpen", FIRST + 49) == 1.0
    bpy.ops.ed.undo()
    head = bpy.data.objects["Ada"]
    assert keys.edits(head) == []
    keys.write(head, make_performance(50, jaw=0.5), FIRST)
    assert value(head, "jawOpen", 32) == pytest.approx(0.5 * 22 / 49, abs=1e-4)


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
