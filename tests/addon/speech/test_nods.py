"""By what a speaker nods: its neck, or itself as a whole."""

from __future__ import annotations

import json
import math

import bpy
import numpy as np
import pytest
from key_tools import FIRST, fcurve, value

NECK = ("headNod", "headTilt", "headTurn")


@pytest.fixture
def make_necked(make_head):
    """`make_necked(name)`: a head with the controls of the built-in ones."""
    from dgtalker_engine.rig import POSE_NAMES, head_rig

    def make(name: str = "Ada") -> bpy.types.Object:
        head = make_head(name)
        head.dgtalker.rig = json.dumps(head_rig().to_json())
        for control in POSE_NAMES:
            head.shape_key_add(name=control).slider_min = -1.0
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
