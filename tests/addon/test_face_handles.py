"""Face handles: where they are on each head, what a drag moves, leaves alone, keys and takes back."""

from __future__ import annotations

import bpy
import numpy as np
import pytest
from head_tools import keys
from mathutils import Matrix

SIDED = ("mouthCorner", "innerBrow", "outerBrow", "upperLid", "lowerLid", "cheek", "noseWing", "eye")
ALL = {*(f"{name}{side}" for name in SIDED for side in ("Left", "Right")), "upperLip", "lowerLip", "chin", "gaze"}
FRONT = (0.0, 1.0, 0.0)
"""What a front view looks along."""


@pytest.fixture
def head(room):
    return room("head.add").add_head(bpy.context, location=(0, 0, 0))


def drag(name, *millimetres, mirror=False, direction=FRONT):
    """Drags a handle in the world, as seen from the front."""
    return bpy.ops.dgtalker.drag_face_handle(
        "EXEC_DEFAULT",
        True,
        handle=name,
        offset=[each / 1000 for each in millimetres],
        mirror=mirror,
        direction=direction,
    )


def moved(ob):
    return {block.name: round(block.value, 3) for block in controls(ob) if abs(block.value) > 0.02}


def controls(ob):
    return [block for block in keys(ob)[1:] if " × " not in block.name and not block.name.startswith("Corrective")]


def points(room, ob):
    faces = room("face_handles.faces")
    face = faces.face_of(ob)
    found = faces.points(ob, face, bpy.context.evaluated_depsgraph_get())
    return {handle.name: 1e3 * point for handle, point in zip(face.handles, found, strict=True)}


def curves(ob):
    animation = ob.data.shape_keys.animation_data
    if not animation or not animation.action:
        return []
    return animation.action.layers[0].strips[0].channelbags[0].fcurves


@pytest.mark.parametrize("name", ["robin", "wren", "heron"])
def test_handles_sit_where_a_hand_looks_for_them(room, name):
    room("head.add").add_head(bpy.context, builtin=name, location=(0, 0, 0))
    found = points(room, bpy.context.object)
    assert found.keys() == ALL
    for each, point in found.items():
        other = found[each.replace("Left", "Right")]
        assert np.allclose(point * (-1, 1, 1), other, atol=1.0) or not each.endswith("Left"), each
    height = {each: point[2] for each, point in found.items()}
    down_the_face = ("innerBrowLeft", "upperLidLeft", "eyeLeft", "lowerLidLeft", "noseWingLeft", "upperLip")
    down_the_face = (*down_the_face, "lowerLip", "chin")
    assert sorted(down_the_face, key=height.get, reverse=True) == list(down_the_face)
    out = ("upperLip", "noseWingLeft", "mouthCornerLeft", "eyeLeft", "cheekLeft")
    assert sorted(out, key=lambda each: found[each][0]) == list(out)
    assert found["gaze"][1] < found["eyeLeft"][1] - 30, "both eyes look at the gaze handle, before the face"


def test_a_mouth_corner_smiles_frowns_stretches_and_puckers(room, head):
    ways = {"mouthSmile": (0, 0, 5), "mouthFrown": (0, 0, -4), "mouthStretch": (6, 0, -1), "mouthPucker": (-6, 0, 0)}
    for slider, way in ways.items():
        for side, other, towards in (("Left", "Right", way), ("Right", "Left", (-way[0], *way[1:]))):
            room("head.sliders").reset(head)
            before = points(room, head)[f"mouthCorner{side}"]
            assert drag(f"mouthCorner{side}", *towards) == {"FINISHED"}
            values = moved(head)
            assert max(values, key=values.get) == (slider if slider == "mouthPucker" else slider + side)
            assert not any(name.endswith(other) for name in values)
            went = (points(room, head)[f"mouthCorner{side}"] - before) @ towards / np.linalg.norm(towards)
            assert went == pytest.approx(np.linalg.norm(towards), rel=0.2), (slider, side)


MOVES = (
    ("upperLidRight", (0, 0, -12), {"eyeBlinkRight"}),
    ("outerBrowLeft", (0, 0, 5), {"browOuterUpLeft"}),
    ("innerBrowLeft", (-1, 0, -4), {"browDownLeft"}),
    ("lowerLidLeft", (0, 0, 3), {"eyeSquintLeft"}),
    ("noseWingRight", (0, 0, 3), {"noseSneerRight"}),
    ("cheekLeft", (0, 0, 2), {"cheekSquintLeft"}),
    ("chin", (0, 0, -12), {"jawOpen"}),
    ("chin", (-5, 0, 0), {"jawRight"}),
    ("lowerLip", (0, 0, -4), {"mouthLowerDownLeft", "mouthLowerDownRight"}),
    ("gaze", (10, 0, 0), {"gazeSide"}),
    ("eyeLeft", (0, 0, -3), {"eyeLookDownLeft"}),
)


def test_each_handle_moves_the_sliders_of_its_place(room, head):
    for name, way, wanted in MOVES:
        room("head.sliders").reset(head)
        before = points(room, head)[name]
        assert drag(name, *way) == {"FINISHED"}
        assert moved(head).keys() == wanted, name
        assert np.allclose((points(room, head)[name] - before)[[0, 2]], np.array(way)[[0, 2]], atol=1.5), name


def test_a_drag_down_takes_a_smile_back_before_it_frowns(head):
    keys(head)["mouthSmileLeft"].value = 0.6
    drag("mouthCornerLeft", -3, 0, -3)
    assert keys(head)["mouthSmileLeft"].value < 0.35
    assert keys(head)["mouthFrownLeft"].value < 0.1


def test_mirror_moves_both_sides_alike_and_nothing_sideways(head):
    keys(head)["mouthDimpleLeft"].value = keys(head)["mouthFrownLeft"].value = 0.3
    drag("mouthCornerRight", -4, 0, 5, mirror=True)
    drag("upperLip", 5, 0, 3, mirror=True)
    drag("gaze", 8, 0, 0, mirror=True)
    values = moved(head)
    assert values["mouthSmileLeft"] == values["mouthSmileRight"] > 0.4
    assert values["mouthDimpleLeft"] == values["mouthFrownLeft"] == 0.3, "what did not move on the dragged side"
    assert values["mouthUpperUpLeft"] == values["mouthUpperUpRight"] > 0.2
    assert not {"mouthLeft", "mouthRight"} & values.keys()
    assert values["gazeSide"] > 0.1, "eyes look where they look"


def test_handles_follow_the_pose_and_a_moved_turned_and_scaled_head(room, head):
    rest = points(room, head)
    keys(head)["jawOpen"].value = 0.8
    keys(head)["headTurn"].value = 0.5
    posed = points(room, head)
    assert posed["chin"][2] < rest["chin"][2] - 10
    assert posed["mouthCornerLeft"][0] > rest["mouthCornerLeft"][0] + 15, "the head turns to its left"
    turn = Matrix.LocRotScale((1, 2, 3), Matrix.Rotation(2.0, 3, (1, 2, 2)), (2, 2, 2))
    head.matrix_world = turn
    there = points(room, head)
    for name, point in posed.items():
        assert np.allclose(there[name], 1e3 * np.array(turn @ Matrix.Translation(point / 1e3)).T[3, :3], atol=0.05)
    keys(head)["headTurn"].value = keys(head)["jawOpen"].value = 0.0
    before = points(room, head)["mouthCornerLeft"]
    way = np.array(turn.to_3x3() @ Matrix.Identity(3)) @ (0, 0, 5)
    drag("mouthCornerLeft", *way, direction=turn.to_3x3() @ Matrix.Identity(3).col[1])
    assert moved(head).keys() == {"mouthSmileLeft"}
    assert (points(room, head)["mouthCornerLeft"] - before) @ way / (way @ way) == pytest.approx(1.0, abs=0.2)


def test_one_undo_takes_a_drag_back_and_a_drag_of_nothing_is_none(head):
    name = head.name
    bpy.ops.ed.undo_push(message="before")
    assert drag("chin", 0, 0, 0) == {"CANCELLED"}
    assert drag("chin", 0, 0, -12) == {"FINISHED"}
    bpy.ops.ed.undo()
    assert not moved(bpy.data.objects[name])
    bpy.ops.ed.redo()
    assert moved(bpy.data.objects[name]).keys() == {"jawOpen"}


def test_auto_keying_keys_exactly_what_was_moved(head):
    settings = bpy.context.scene.tool_settings
    bpy.context.scene.frame_set(7)
    drag("mouthCornerLeft", 0, 0, 4)
    assert not curves(head)
    settings.use_keyframe_insert_auto = True
    try:
        drag("chin", 0, 0, -12)
    finally:
        settings.use_keyframe_insert_auto = False
    assert [curve.data_path for curve in curves(head)] == ['key_blocks["jawOpen"].value']
    (point,) = curves(head)[0].keyframe_points
    assert (point.co.x, point.type) == (7.0, "KEYFRAME")
    assert point.co.y == pytest.approx(keys(head)["jawOpen"].value)


def test_what_is_driven_or_locked_is_left_alone_and_said(room, head):
    keys(head)["mouthSmileLeft"].driver_add("value").driver.expression = "0.2"
    keys(head)["mouthPucker"].keyframe_insert("value", frame=1)
    curves(head)[0].lock = True
    keys(head)["mouthStretchLeft"].mute = True
    handle = room("face_handles.drag").handle_named("mouthCornerLeft", head)
    made = room("face_handles.drag").Drag(bpy.context, head, handle, mirror=False)
    assert set(made.held) == {
        "drivers hold mouthSmileLeft",
        "locked curves hold mouthPucker",
        "muted: mouthStretchLeft",
    }
    made.to(made.point + np.array((-0.006, 0, 0.006)), np.eye(3))
    assert not made.moved
    made.cancel()
    drag("mouthCornerLeft", 0, 0, -4)
    assert moved(head).keys() - {"mouthSmileLeft"} == {"mouthFrownLeft"}


def test_a_cancelled_drag_leaves_no_trace_also_after_mirror_was_turned_off_again(room, head):
    keys(head)["mouthSmileLeft"].value = 0.25
    handle = room("face_handles.drag").handle_named("mouthCornerLeft", head)
    made = room("face_handles.drag").Drag(bpy.context, head, handle, mirror=True)
    target = made.point + np.array((0.004, 0, 0.004))
    made.to(target, np.eye(3))
    assert keys(head)["mouthSmileRight"].value > 0.3
    made.mirror = False
    made.to(target, np.eye(3))
    assert keys(head)["mouthSmileRight"].value == 0.0
    assert keys(head)["mouthSmileLeft"].value > 0.3
    made.cancel()
    assert moved(head) == {"mouthSmileLeft": 0.25}


def test_missing_and_unsupported_sliders_leave_their_handles_out(room, head):
    head.shape_key_remove(keys(head)["browOuterUpLeft"])
    head.dgtalker.training = (
        '{"system": "dgtalker", "version": "1", "frames": 1, "clip_seconds": 1, "unsupported": ["noseSneerRight"]}'
    )
    assert points(room, head).keys() == ALL - {"outerBrowLeft", "noseWingRight"}
    with pytest.raises(RuntimeError, match="no handle 'outerBrowLeft'"):
        drag("outerBrowLeft", 0, 0, 5)


def test_only_shown_handles_are_picked_and_none_while_it_is_off(room, head):
    view = room("face_handles.view")
    form = bpy.context.window_manager.dgtalker_face_handles
    assert not view.is_shown(bpy.context)
    form.on = True
    try:
        assert view.is_shown(bpy.context)
        bpy.context.view_layer.objects.active = None
        assert not view.is_shown(bpy.context)
    finally:
        form.on = False


def test_a_head_without_sliders_for_both_eyes_looks_with_each(head):
    for name in ("gazeSide", "gazeUp"):
        head.shape_key_remove(keys(head)[name])
    assert drag("gaze", 8, 0, 0) == {"FINISHED"}
    values = moved(head)
    assert values.keys() == {"eyeLookOutLeft", "eyeLookInRight"}
    assert values["eyeLookOutLeft"] == pytest.approx(values["eyeLookInRight"], abs=0.05)
