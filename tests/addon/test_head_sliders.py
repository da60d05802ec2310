"""The slider panel's buttons: reset, key all, mirror, and undo."""

from __future__ import annotations

import json

import bpy
import numpy as np
import pytest


@pytest.fixture
def head(room):
    """A head without an avatar: the sliders need none."""
    from dgtalker_engine.rig import head_rig  # the extension brings it

    mesh = bpy.data.meshes.new("Head")
    mesh.from_pydata([(0, 0, 0), (1, 0, 0), (0, 1, 0)], [], [(0, 1, 2)])
    ob = bpy.data.objects.new("Head", mesh)
    bpy.context.collection.objects.link(ob)
    ob.shape_key_add(name="Basis")
    for control in head_rig().controls:
        block = ob.shape_key_add(name=control.name)
        block.slider_min, block.value = control.minimum, 0.0
    ob.shape_key_add(name="Corrective").value = 0.6
    ob.dgtalker.rig = json.dumps(head_rig().to_json())
    bpy.context.view_layer.objects.active = ob
    return ob


def values(ob, **changes):
    """The sliders that are not at rest, after setting `changes`."""
    blocks = ob.data.shape_keys.key_blocks
    for name, value in changes.items():
        blocks[name].value = value
    own = ("Basis", "Corrective")
    return {block.name: round(block.value, 5) for block in blocks if block.name not in own and block.value != 0}


def test_reset_of_a_section_leaves_the_others(head):
    values(head, mouthSmileLeft=0.5, jawOpen=0.3)
    head.delta_rotation_euler = (0.1, 0.2, 0.3)
    assert bpy.ops.dgtalker.reset_sliders(section="Lips") == {"FINISHED"}
    assert values(head) == {"jawOpen": 0.3}
    assert head.delta_rotation_euler.x != 0
    bpy.ops.dgtalker.reset_sliders(section="Pose")
    assert tuple(head.delta_rotation_euler) == (0, 0, 0)
    assert values(head) == {"jawOpen": 0.3}


def test_reset_of_all_leaves_the_animators_own_shape_keys(head):
    values(head, mouthSmileLeft=0.5, jawOpen=0.3)
    head.delta_rotation_euler = (0.1, 0.2, 0.3)
    bpy.ops.dgtalker.reset_sliders()
    assert values(head) == {}
    assert tuple(head.delta_rotation_euler) == (0, 0, 0)
    assert round(head.data.shape_keys.key_blocks["Corrective"].value, 5) == 0.6


def test_key_all_holds_the_pose_of_the_frame(head):
    bpy.context.scene.frame_set(10)
    values(head, jawOpen=0.8)
    head.delta_rotation_euler = (0.0, 0.0, 0.5)
    assert bpy.ops.dgtalker.key_all() == {"FINISHED"}
    bpy.context.scene.frame_set(20)
    values(head, jawOpen=0.1)
    head.delta_rotation_euler = (0.0, 0.0, 0.0)
    bpy.ops.dgtalker.key_all()
    bpy.context.scene.frame_set(10)
    assert values(head) == {"jawOpen": 0.8}
    assert round(head.delta_rotation_euler.z, 5) == 0.5
    bpy.context.scene.frame_set(20)
    assert values(head) == {"jawOpen": 0.1}


def test_key_all_names_what_blender_keys_not(head, capfd):
    block = head.data.shape_keys.key_blocks["jawOpen"]
    block.keyframe_insert("value", frame=1)
    animation = head.data.shape_keys.animation_data
    (curve,) = animation.action.layers[0].strips[0].channelbag(animation.action_slot).fcurves
    curve.lock = True
    bpy.context.scene.frame_set(10)
    bpy.ops.dgtalker.key_all()
    assert "but not jawOpen: unlock" in capfd.readouterr().out
    assert len(curve.keyframe_points) == 1


def test_a_head_that_turns_by_quaternions_is_keyed_mirrored_and_reset(head):
    head.rotation_mode = "QUATERNION"
    head.delta_rotation_quaternion = turned = (0.8, 0.2, 0.4, 0.4)
    bpy.context.scene.frame_set(10)
    bpy.ops.dgtalker.key_all()
    bpy.ops.dgtalker.mirror_keys(first=10, last=10)
    bpy.context.scene.frame_set(11)
    bpy.context.scene.frame_set(10)
    assert np.allclose(head.delta_rotation_quaternion, (0.8, 0.2, -0.4, -0.4))
    bpy.ops.dgtalker.mirror_sliders(mode="SWAP")
    assert np.allclose(head.delta_rotation_quaternion, turned)
    bpy.ops.dgtalker.reset_sliders(section="Pose")
    assert tuple(head.delta_rotation_quaternion) == (1, 0, 0, 0)


def test_mirror_exchanges_sides_directions_and_the_heads_turn(head):
    values(head, mouthSmileLeft=0.7, mouthSmileRight=0.1, jawLeft=0.3, jawOpen=0.2, eyeLookInLeft=0.4)
    head.delta_rotation_euler = (0.1, 0.2, 0.3)
    assert bpy.ops.dgtalker.mirror_sliders(mode="SWAP") == {"FINISHED"}
    assert values(head) == {
        "mouthSmileRight": 0.7,
        "mouthSmileLeft": 0.1,
        "jawRight": 0.3,
        "jawOpen": 0.2,
        "eyeLookInRight": 0.4,
    }
    assert [round(angle, 5) for angle in head.delta_rotation_euler] == [0.1, -0.2, -0.3]
    bpy.ops.dgtalker.mirror_sliders(mode="SWAP")
    assert values(head)["mouthSmileLeft"] == 0.7


@pytest.mark.parametrize(("mode", "smile"), [("LEFT_TO_RIGHT", 0.7), ("RIGHT_TO_LEFT", 0.1)])
def test_copying_a_side_leaves_what_moves_the_middle(head, mode, smile):
    values(head, mouthSmileLeft=0.7, mouthSmileRight=0.1, jawLeft=0.3, mouthRight=0.2)
    bpy.ops.dgtalker.mirror_sliders(mode=mode)
    assert values(head) == {"mouthSmileLeft": smile, "mouthSmileRight": smile, "jawLeft": 0.3, "mouthRight": 0.2}


def test_mirror_turns_what_looks_aside(head):
    values(head, gazeSide=0.4, headTurn=-0.5, headNod=0.2)
    assert bpy.ops.dgtalker.mirror_sliders() == {"FINISHED"}
    assert values(head) == {"gazeSide": -0.4, "headTurn": 0.5, "headNod": 0.2}


def test_undo_brings_the_pose_back(head):
    values(head, jawOpen=0.3)
    bpy.ops.ed.undo_push(message="pose")
    bpy.ops.dgtalker.reset_sliders()
    bpy.ops.ed.undo_push(message="Reset")
    bpy.ops.ed.undo()
    assert values(bpy.data.objects["Head"]) == {"jawOpen": 0.3}


def test_buttons_need_a_head(head):
    bpy.context.view_layer.objects.active = None
    for operator in ("reset_sliders", "key_all", "mirror_sliders", "restore_controls", "make_head_editable"):
        assert not getattr(bpy.ops.dgtalker, operator).poll()


def test_muted_sliders_do_not_count(head, room):
    values(head, jawOpen=0.3, mouthPucker=0.5)
    head.data.shape_keys.key_blocks["jawOpen"].mute = True
    model = room("head.model")
    weights = model.weights_of(model.key_of(head), model.rig_of(head))
    assert "jawOpen" not in weights
    assert "Corrective" not in weights
    assert round(weights["mouthPucker"], 5) == 0.5


def test_evaluated_weights_follow_drivers(head, room):
    bpy.context.scene.frame_set(7)
    driver = head.data.shape_keys.key_blocks["jawOpen"].driver_add("value").driver
    driver.expression = "frame / 10"
    bpy.context.view_layer.update()
    graph = bpy.context.evaluated_depsgraph_get()
    weights = room("head.model").evaluated_weights(head, graph)
    assert round(weights["jawOpen"], 5) == 0.7
    assert room("head.model").evaluated_weights(head.evaluated_get(graph), graph) == weights


def key(head, frame, **sliders):
    for name, value in sliders.items():
        block = head.data.shape_keys.key_blocks[name]
        block.value = value
        block.keyframe_insert("value", frame=frame)


def at(head, frame):
    bpy.context.scene.frame_set(frame)
    return values(head)


def test_mirrored_keys_are_those_of_the_range_only(head):
    for frame in (1, 10, 20):
        key(head, frame, mouthSmileLeft=frame / 20, jawOpen=0.5, headTurn=0.2)
    head.data.shape_keys.key_blocks["mouthSmileRight"].value = 0.125  # without keys
    head.delta_rotation_euler = (0.1, 0.2, 0.3)
    head.keyframe_insert("delta_rotation_euler", frame=10)
    assert bpy.ops.dgtalker.mirror_keys(first=50, last=60) == {"CANCELLED"}
    assert bpy.ops.dgtalker.mirror_keys(first=10, last=20) == {"FINISHED"}
    assert at(head, 1)["mouthSmileLeft"] == 0.05
    assert at(head, 1)["headTurn"] == 0.2
    assert at(head, 1)["mouthSmileRight"] == at(head, 40)["mouthSmileRight"] == 0.125, "as before, beyond the range"
    mirrored = at(head, 20)
    assert mirrored == {"mouthSmileLeft": 0.125, "mouthSmileRight": 1.0, "jawOpen": 0.5, "headTurn": -0.2}
    assert at(head, 10)["mouthSmileRight"] == 0.5
    assert [round(angle, 5) for angle in head.delta_rotation_euler] == [0.1, -0.2, -0.3]
    assert bpy.ops.dgtalker.mirror_keys(first=10, last=20) == {"FINISHED"}
    assert at(head, 20)["mouthSmileLeft"] == 1.0
    assert bpy.ops.dgtalker.mirror_keys(first=50, last=60) == {"CANCELLED"}


def test_a_side_whose_keys_lie_beyond_the_range_gives_what_it_does_within(head):
    for frame in (1, 10, 20):
        key(head, frame, mouthSmileLeft=frame / 20)
    for frame, value in ((1, 0.75), (30, 0.75)):
        key(head, frame, mouthSmileRight=value)
    assert bpy.ops.dgtalker.mirror_keys(first=10, last=20) == {"FINISHED"}
    for frame, left, right in ((1, 0.05, 0.75), (10, 0.75, 0.5), (15, 0.75, 0.75), (20, 0.75, 1.0), (30, 0.75, 0.75)):
        assert at(head, frame)["mouthSmileLeft"] == pytest.approx(left, abs=1e-5)
        assert at(head, frame)["mouthSmileRight"] == pytest.approx(right, abs=1e-5)


def test_mirroring_driven_sliders_is_refused(head):
    key(head, 1, mouthSmileLeft=0.5)
    head.data.shape_keys.key_blocks["mouthSmileRight"].driver_add("value")
    with pytest.raises(RuntimeError, match="A driver moves mouthSmileRight"):
        bpy.ops.dgtalker.mirror_keys(first=1, last=2)
    assert at(head, 1)["mouthSmileLeft"] == 0.5


def insert_keys_by_set() -> set[str]:
    """As the menu of K does, which is there in windows alone."""
    window = bpy.context.window_manager.windows[0]
    area = next(area for area in window.screen.areas if area.type == "VIEW_3D")
    with bpy.context.temp_override(window=window, area=area):
        return bpy.ops.anim.keyframe_insert_by_name(type="DGTALKER_KSI_head_expression")


def test_the_keying_set_keys_all_sliders_of_the_selected_heads(head):
    values(head, jawOpen=0.3)
    head.select_set(True)
    assert insert_keys_by_set() == {"FINISHED"}
    values(head, jawOpen=0.0, browInnerUp=0.7)
    bpy.context.scene.frame_set(bpy.context.scene.frame_current)
    assert values(head) == {"jawOpen": 0.3}, "every slider has a key, browInnerUp too"
    assert head.animation_data.action is not None
    head.select_set(False)
    with pytest.raises(RuntimeError):
        insert_keys_by_set()
