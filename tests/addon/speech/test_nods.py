"""By what a speaker nods: its neck, or itself as a whole."""

from __future__ import annotations

import json
import math

import bpy
import numpy as np
import pytest
from key_tools import FIRST, fcurve, value
from mathutils import Euler

NECK = ("headNod", "headTilt", "headTurn")


@pytest.fixture
def make_necked(make_head):
    """`make_necked(name)`: a head with the controls of the built-in ones."""
    from dgtalker_engine.rig import POSE_NAMES, head_rig

    def make(name: str = "Ada") -> bpy.types.Object:
        head = make_head(name)
        head.dgtalker.rig = json.dumps(head_rig().to_json())
        for control in POSE_NAMES:
            block = head.shape_key_add(name=control)
            block.value, block.slider_min = 0.0, -1.0
        return head

    return make


def still(head) -> bool:
    return np.allclose(head.matrix_world, np.eye(4)) and not any(head.delta_rotation_euler)


def test_a_head_nods_over_its_neck_and_its_shoulders_stay(keys, make_necked, make_performance):
    """Turns are those of the rig's joint: 24, 22 and 30 degrees at 1."""
    head = make_necked()
    assert keys.write(head, make_performance(50, headRoll=0.0, headYaw=0.0), FIRST) == []
    assert value(head, "headNod", FIRST + 49) == pytest.approx(0.2 / math.radians(24), abs=1e-5)
    assert value(head, "headTurn", FIRST + 49) == 0.0
    assert still(head)
    assert head.animation_data is None


def test_her_pose_of_the_neck_is_what_nods_move_from(keys, make_necked, make_performance):
    head = make_necked()
    head.data.shape_keys.key_blocks["headNod"].value = -0.25
    keys.write(head, make_performance(50, headRoll=0.0, headYaw=0.0), FIRST)
    assert value(head, "headNod", FIRST + 49) == pytest.approx(0.2 / math.radians(24) - 0.25, abs=1e-5)
    keys.clear(head)
    assert value(head, "headNod", FIRST + 49) == pytest.approx(-0.25)


def test_a_nod_that_she_edited_stays_when_keys_are_made_anew(keys, make_necked, make_performance):
    head = make_necked()
    keys.write(head, make_performance(50), FIRST)
    bpy.context.scene.frame_set(FIRST + 20)
    block = head.data.shape_keys.key_blocks["headNod"]
    block.value = 0.75
    block.keyframe_insert("value")
    keys.write(head, make_performance(50, headPitch=-0.1), FIRST)
    assert value(head, "headNod", FIRST + 20) == pytest.approx(0.75)
    assert value(head, "headNod", FIRST + 49) < 0
    assert [edit.text for edit in keys.edits(head)] == [f"headNod {FIRST + 20}"]


def test_turn_object_turns_it_as_a_whole_and_there_and_back_loses_nothing(keys, make_necked, make_performance):
    head = make_necked()
    keys.write(head, make_performance(50), FIRST)
    by_neck = value(head, "headNod", FIRST + 49)
    head.dgtalker_speech.turns = True
    keys.write(head, make_performance(50), FIRST)
    assert [value(head, name, FIRST + 49) for name in NECK] == [0, 0, 0]
    assert tuple(head.delta_rotation_euler) == pytest.approx((0.2, -0.05, 0.1), abs=1e-5)
    head.dgtalker_speech.turns = False
    keys.write(head, make_performance(50), FIRST)
    assert value(head, "headNod", FIRST + 49) == pytest.approx(by_neck)
    assert still(head)


def test_a_head_whose_object_turned_before_goes_on_so_with_what_was_edited(keys, make_necked, make_performance):
    """As in files of earlier releases."""
    head = make_necked()
    head.dgtalker_speech.turns = True
    keys.write(head, make_performance(50), FIRST)
    head.dgtalker_speech.property_unset("turns")
    curve = fcurve(head, "delta_rotation_euler")
    curve.keyframe_points[25].co.y = 0.5
    curve.update()
    frame = round(curve.keyframe_points[25].co.x)
    assert keys.write(head, make_performance(50, headPitch=-0.2), FIRST) == []
    assert fcurve(head, "delta_rotation_euler").evaluate(frame) == pytest.approx(0.5)
    assert fcurve(head, "delta_rotation_euler").evaluate(FIRST + 49) == pytest.approx(-0.2, abs=1e-5)
    assert value(head, "headNod", FIRST + 49) == 0
    head.dgtalker_speech.turns = False
    notes = keys.write(head, make_performance(50), FIRST)
    assert any("stays as your own keys: turn X" in note for note in notes)


def test_a_head_that_should_turn_farther_than_its_neck_says_so(keys, make_necked, make_performance):
    head = make_necked()
    notes = keys.write(head, make_performance(50, headYaw=1.0), FIRST)
    assert any("less far than asked for" in note for note in notes)
    assert value(head, "headTurn", FIRST + 49) == 1.0


def test_a_constraint_that_turns_a_head_leaves_it_its_nods(keys, room, make_necked, make_performance):
    head = make_necked()
    target = bpy.data.objects.new("Target", None)
    target.location = (0, -3, 0)
    bpy.context.scene.collection.objects.link(target)
    constraint = head.constraints.new("TRACK_TO")
    constraint.target, constraint.track_axis, constraint.up_axis = target, "TRACK_NEGATIVE_Y", "UP_Z"
    keys.write(head, make_performance(50), FIRST)
    assert room("speech.keys.visibility").notes(head) == []
    assert value(head, "headNod", FIRST + 49) > 0.3


def test_other_programs_get_the_turns_of_the_neck_and_give_them_back(keys, make_necked, make_performance, tmp_path):
    head, other = make_necked(), make_necked("Bob")
    keys.write(head, make_performance(50), FIRST)
    bpy.context.view_layer.objects.active = head
    path = tmp_path / "out.json"
    bpy.ops.dgtalker.export_performance(filepath=str(path), format="json")
    content = json.loads(path.read_text(encoding="utf-8"))
    assert not set(NECK) & set(content["names"])
    last = dict(zip(content["names"], content["weights"][49], strict=True))
    assert [last[name] for name in ("headPitch", "headRoll", "headYaw")] == pytest.approx([0.2, -0.05, 0.1], abs=1e-3)
    bpy.context.view_layer.objects.active = other
    bpy.ops.dgtalker.import_performance(filepath=str(path), first=FIRST)
    for name in NECK:
        assert value(other, name, FIRST + 30) == pytest.approx(value(head, name, FIRST + 30), abs=1e-3)


@pytest.fixture
def hang():
    """`hang(head, holder, bone)`: the head hangs on an Empty or a bone, askew, and nods by it."""

    def on(head: bpy.types.Object, holder: bpy.types.Object, bone: str = "") -> None:
        bpy.context.view_layer.update()
        head.parent, head.parent_type = holder, "BONE" if bone else "OBJECT"
        head.parent_bone = bone
        head.rotation_euler = (0.2, -0.4, 0.9)
        head.dgtalker_speech.nod_target, head.dgtalker_speech.nod_bone = holder, bone
        bpy.context.view_layer.update()

    return on


@pytest.fixture
def empty():
    ob = bpy.data.objects.new("Neck", None)
    ob.rotation_euler = (0.3, 0.1, -0.7)
    bpy.context.scene.collection.objects.link(ob)
    return ob


@pytest.fixture
def armature():
    """An armature with a bone "neck" that leans and is posed."""
    ob = bpy.data.objects.new("Body", bpy.data.armatures.new("Body"))
    bpy.context.scene.collection.objects.link(ob)
    bpy.context.view_layer.objects.active = ob
    bpy.ops.object.mode_set(mode="EDIT")
    bone = ob.data.edit_bones.new("neck")
    bone.head, bone.tail, bone.roll = (0, 0, 1.4), (0, -0.05, 1.5), 0.3
    bpy.ops.object.mode_set(mode="OBJECT")
    ob.pose.bones["neck"].rotation_quaternion = (0.9, 0.3, 0.1, -0.2)
    return ob


def turn_of(head, frame) -> np.ndarray:
    """How the head stands turned at a frame, against where it stands before it speaks."""
    found = []
    for each in (FIRST - 8, frame):
        bpy.context.scene.frame_set(each)
        found.append(np.array(head.matrix_world.to_3x3()))
    return found[0].T @ found[1]


@pytest.mark.parametrize("mode", ["XYZ", "QUATERNION"])
@pytest.mark.parametrize("by_bone", [False, True])
def test_what_a_head_hangs_on_turns_it_in_its_own_axes(
    keys, make_necked, make_performance, hang, empty, armature, mode, by_bone
):
    head, holder = make_necked(), armature if by_bone else empty
    (holder.pose.bones["neck"] if by_bone else holder).rotation_mode = mode
    hang(head, holder, "neck" if by_bone else "")
    assert keys.write(head, make_performance(50), FIRST) == []
    assert [value(head, name, FIRST + 49) for name in NECK] == [0, 0, 0]
    assert not any(head.delta_rotation_euler)
    assert turn_of(head, FIRST + 49) == pytest.approx(np.array(Euler((0.2, -0.05, 0.1)).to_matrix()), abs=1e-5)


def test_what_turned_it_before_is_as_it_was_when_another_does(keys, make_necked, make_performance, hang, empty):
    head = make_necked()
    empty.delta_rotation_euler.y = 0.25
    hang(head, empty)
    keys.write(head, make_performance(50), FIRST)
    assert fcurve(empty, "delta_rotation_euler") is not None
    head.dgtalker_speech.nod_target = None
    keys.write(head, make_performance(50), FIRST)
    assert empty.animation_data.action is None
    assert tuple(empty.delta_rotation_euler) == pytest.approx((0, 0.25, 0))
    assert value(head, "headNod", FIRST + 49) > 0.3
    hang(head, empty)
    keys.write(head, make_performance(50), FIRST)
    keys.clear(head)
    assert empty.animation_data.action is None


def test_edits_of_a_bones_nods_stay_and_are_listed(keys, make_necked, make_performance, hang, armature):
    head = make_necked()
    hang(head, armature, "neck")
    armature.pose.bones["neck"].rotation_mode = "XYZ"
    keys.write(head, make_performance(50), FIRST)
    curve = fcurve(armature, 'pose.bones["neck"].rotation_euler')
    point = next(point for point in curve.keyframe_points if point.co.x == FIRST + 20)
    point.co.y = 0.75
    keys.write(head, make_performance(50, headPitch=-0.1), FIRST)
    assert curve.evaluate(FIRST + 20) == pytest.approx(0.75)
    assert [edit.text for edit in keys.edits(head)] == [f"turn X {FIRST + 20}"]


def test_a_bone_that_is_gone_is_said(keys, make_necked, make_performance, hang, armature):
    head = make_necked()
    hang(head, armature, "neck")
    head.dgtalker_speech.nod_bone = "nape"
    assert any("has no bone nape" in note for note in keys.write(head, make_performance(50), FIRST))
