"""By what a speaker nods: its neck, itself as a whole, or an Empty or a bone that it hangs on."""

from __future__ import annotations

import json
import math
from types import SimpleNamespace
from unittest.mock import MagicMock

import bpy
import numpy as np
import pytest
from key_tools import FIRST, fcurve, value
from mathutils import Euler

NECK = ("headNod", "headTilt", "headTurn")


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
    assert any("stays as your own keys: Ada turn X" in note for note in notes)


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
    assert [edit.text for edit in keys.edits(head)] == [f"Body neck turn X {FIRST + 20}"]


def test_a_bone_that_is_gone_is_said(keys, make_necked, make_performance, hang, armature):
    head = make_necked()
    hang(head, armature, "neck")
    head.dgtalker_speech.nod_bone = "nape"
    assert any("has no bone nape" in note for note in keys.write(head, make_performance(50), FIRST))


def twin_of(head: bpy.types.Object) -> bpy.types.Object:
    """As Shift-D makes it, with sliders of its own."""
    twin = head.copy()
    twin.data = head.data.copy()
    bpy.context.scene.collection.objects.link(twin)
    return twin


def test_a_copy_of_a_head_leaves_the_original_its_nods(keys, make_necked, make_performance, hang, empty):
    head = make_necked()
    hang(head, empty)
    keys.write(head, make_performance(50), FIRST)
    before = turn_of(head, FIRST + 49)
    twin = twin_of(head)
    notes = keys.write(twin, make_performance(50, headPitch=-0.3), FIRST)
    assert f"Ada nods by Neck already: {twin.name} cannot." in notes
    keys.clear(twin)
    assert turn_of(head, FIRST + 49) == pytest.approx(before)
    keys.clear(head)
    assert keys.write(twin, make_performance(50), FIRST) == []
    assert fcurve(empty, "delta_rotation_euler") is not None


def test_copies_of_a_head_and_its_empty_nod_by_themselves(keys, make_necked, make_performance, hang, empty):
    head = make_necked()
    hang(head, empty)
    keys.write(head, make_performance(50), FIRST)
    for ob in bpy.context.scene.objects:
        ob.select_set(True)
    bpy.ops.object.duplicate()
    twin = next(ob for ob in bpy.context.scene.objects if ob.type == "MESH" and ob != head)
    assert twin.dgtalker_speech.nod_target != empty
    assert not any("already" in note for note in keys.write(twin, make_performance(50, headPitch=-0.3), FIRST))
    keys.clear(twin)
    assert fcurve(empty, "delta_rotation_euler") is not None


def test_a_deleted_empty_is_said_and_speech_goes_on(keys, room, make_necked, make_performance, hang, empty):
    head = make_necked()
    hang(head, empty)
    keys.write(head, make_performance(50), FIRST)
    bpy.context.scene.collection.objects.unlink(empty)
    said = "Neck was deleted: Ada does not nod. Clear Nods Move."
    assert room("speech.keys.nods").target_problem(head) == said
    assert said in keys.write(head, make_performance(50), FIRST)
    assert value(head, "jawOpen", FIRST + 49) == pytest.approx(1.0)
    assert empty.animation_data.action is None


def test_turns_whose_keys_were_deleted_are_forgotten_once_they_are_not_wanted(
    keys, room, make_necked, make_performance
):
    head = make_necked()
    head.dgtalker_speech.turns = True
    keys.write(head, make_performance(50), FIRST)
    head.animation_data.action = None
    head.dgtalker_speech.turns = False
    assert room("speech.keys.visibility").elsewhere_reason(head)
    keys.write(head, make_performance(50), FIRST)
    assert room("speech.keys.visibility").elsewhere_reason(head) == ""
    assert value(head, "headNod", FIRST + 49) > 0.3


def test_an_empty_whose_nla_strip_is_edited_is_not_written_to(keys, make_necked, make_performance, hang, empty):
    head = make_necked()
    hang(head, empty)
    empty.keyframe_insert("location", frame=1)
    animation = empty.animation_data
    track, action = animation.nla_tracks.new(), animation.action
    strip = track.strips.new("Walk", 1, action)
    animation.action = None
    strip.select = track.select = True
    animation.nla_tracks.active = track
    animation.use_tweak_mode = True
    assert "An NLA strip of Neck is being edited" in keys.locked_reason(head)


def test_what_is_known_of_an_empty_and_damaged_costs_the_nods_only(keys, make_necked, make_performance, hang, empty):
    head = make_necked()
    hang(head, empty)
    empty.dgtalker_ledger = "broken"
    assert any(note.startswith("Neck: ") for note in keys.write(head, make_performance(50), FIRST))
    assert value(head, "jawOpen", FIRST + 49) == pytest.approx(1.0)


def test_a_constraint_on_the_bone_that_nods_is_said(keys, room, make_necked, make_performance, hang, armature, empty):
    head = make_necked()
    hang(head, armature, "neck")
    keys.write(head, make_performance(50), FIRST)
    constraint = armature.pose.bones["neck"].constraints.new("COPY_ROTATION")
    constraint.target = empty
    assert any("turns neck: Ada does not nod." in note for note in room("speech.keys.visibility").notes(head))
    armature.pose.bones["neck"].constraints.remove(constraint)
    armature.pose.bones["neck"].rotation_mode = "XYZ"
    assert any("rotation mode of neck was changed" in note for note in room("speech.keys.visibility").notes(head))


def test_baked_nods_leave_the_empty_to_others(keys, make_necked, make_performance, hang, empty):
    head, other = make_necked(), make_necked("Bob")
    hang(head, empty)
    keys.write(head, make_performance(50), FIRST)
    keys.bake(head)
    hang(other, empty)
    assert not any("already" in note for note in keys.write(other, make_performance(50), FIRST))


def test_turns_on_a_track_of_the_first_release_are_kept_where_something_else_nods(
    keys, make_head, make_performance, hang, empty
):
    head = make_head()
    keys.write(head, make_performance(50), FIRST)
    animation = head.animation_data
    action, slot = animation.action, animation.action_slot
    action["dgtalker_speech"] = True
    animation.action = None
    strip = animation.nla_tracks.new().strips.new("Speech", int(action.frame_range[0]), action)
    strip.action_slot = slot
    head.dgtalker_ledger, head.dgtalker_action = "", None
    hang(head, empty)
    notes = keys.write(head, make_performance(50), FIRST)
    assert any(f"is kept in the action {action.name}" in note for note in notes)
    assert action.use_fake_user
    assert not head.animation_data.nla_tracks
    assert not any(head.delta_rotation_euler)


def test_an_empty_that_is_a_locked_override_is_refused(keys, make_necked, make_performance, hang, empty, tmp_path):
    library = str(tmp_path / "library.blend")
    bpy.data.libraries.write(library, {empty})
    bpy.data.objects.remove(empty)
    with bpy.data.libraries.load(library, link=True) as (_, wanted):
        wanted.objects = ["Neck"]
    locked = wanted.objects[0].override_create(remap_local_usages=True)
    bpy.context.scene.collection.objects.link(locked)
    locked.override_library.is_system_override = True
    head = make_necked()
    hang(head, locked)
    assert any("Neck is a locked library override" in note for note in keys.write(head, make_performance(50), FIRST))
    assert locked.animation_data is None


def test_a_head_that_goes_on_turning_as_a_whole_is_written_once(keys, room, monkeypatch, make_necked, make_performance):
    head = make_necked()
    head.dgtalker_speech.turns = True
    keys.write(head, make_performance(50), FIRST)
    head.dgtalker_speech.property_unset("turns")
    again = []
    monkeypatch.setattr(room("speech.takes.retarget"), "follows", lambda head: True)
    monkeypatch.setattr(room("speech.takes.retarget"), "rewrite", again.append)
    keys.write(head, make_performance(50), FIRST)
    assert head.dgtalker_speech.turns
    assert again == []
    head.dgtalker_speech.turns = False
    assert again == [head]


@pytest.mark.parametrize("closed", [True, False])
def test_the_panel_says_why_it_cannot_nod_also_while_the_section_is_closed(room, make_necked, hang, armature, closed):
    head = make_necked()
    hang(head, armature, "neck")
    head.dgtalker_speech.nod_bone = "nape"
    layout = MagicMock()
    body = None if closed else layout.body
    layout.panel.return_value = layout.header, body
    system = SimpleNamespace(system=SimpleNamespace(ui_scale=1.0))
    context = SimpleNamespace(region=SimpleNamespace(width=2000), preferences=system)
    room("speech.ui.key_panels").draw_nods(layout, context, head)
    texts = [call.kwargs.get("text") for call in layout.mock_calls]
    assert "Body has no bone nape: Ada does not nod." in texts
    shown = [call.args[1] for call in layout.body.column().mock_calls if len(call.args) > 1]
    assert shown == ([] if closed else ["nod_target", "nod_bone"])
