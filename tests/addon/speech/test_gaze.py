"""Look At: the eyes of a head that speaks stay on an object, on another head, or on the camera."""

from __future__ import annotations

import bpy
import numpy as np
import pytest
from gaze_tools import EYES, degrees_off
from mathutils import Vector


@pytest.fixture
def talker(make_necked, add_strip, voice):
    head = make_necked()
    add_strip(voice, frame=30, head=head)
    bpy.ops.dgtalker.animate()
    return head


@pytest.fixture
def target():
    ob = bpy.data.objects.new("Target", None)
    bpy.context.scene.collection.objects.link(ob)
    ob.location = (0.5, -2.0, 0.4)
    return ob


def test_the_eyes_stay_on_the_target_through_nods_and_turns(talker, target):
    talker.location, talker.rotation_euler = (0.2, 0.1, 1.6), (0.1, 0.0, 0.4)
    target.location = talker.matrix_basis @ Vector((0.4, -2.0, 0.5))
    usual = [degrees_off(talker, frame, target.location) for frame in range(40, 70)]
    talker.dgtalker_speech.look_at = target
    off = [degrees_off(talker, frame, target.location) for frame in range(40, 70)]
    assert max(off) < 2.5 < min(usual)


def test_a_target_that_moves_is_followed(talker, target):
    for frame, x in ((40, -0.8), (70, 0.8)):
        target.location.x = x
        target.keyframe_insert("location", frame=frame)
    talker.dgtalker_speech.look_at = target
    for frame in (42, 55, 68):
        bpy.context.scene.frame_set(frame)
        assert degrees_off(talker, frame, target.matrix_world.translation) < 3.0
    target.location.z, talker.dgtalker_speech.look_at_head = 0.0, 0.0
    assert abs(talker.data.shape_keys.key_blocks["headTurn"].value) < 0.3


def keyed(ob):
    for frame, x in ((1, -0.8), (20, 0.8)):
        ob.location.x = x
        ob.keyframe_insert("location", frame=frame)


def linked(name, data=None):
    ob = bpy.data.objects.new(name, data)
    bpy.context.scene.collection.objects.link(ob)
    return ob


def by_its_parent(ob):
    ob.parent = linked("Middle")
    ob.parent.parent = linked("Above")
    keyed(ob.parent.parent)


def by_a_constraint(ob):
    constraint = ob.constraints.new("COPY_LOCATION")
    constraint.target = linked("Copied")
    keyed(constraint.target)


def by_a_driver(ob):
    ob.driver_add("location", 0).driver.expression = "frame / 20"


def along_a_path(ob):
    curve = bpy.data.curves.new("Path", "CURVE")
    curve.dimensions, curve.use_path, curve.path_duration = "3D", True, 30
    spline = curve.splines.new("POLY")
    spline.points.add(1)
    spline.points[1].co = (2, 0, 0, 1)
    curve.eval_time = 0.0
    curve.keyframe_insert("eval_time", frame=1)
    curve.eval_time = 30.0
    curve.keyframe_insert("eval_time", frame=30)
    ob.parent = linked("Path", curve)


def by_a_vertex(ob):
    mesh = bpy.data.meshes.new("Sheet")
    mesh.from_pydata([(0, 0, 0), (1, 0, 0), (0, 1, 0)], [], [(0, 1, 2)])
    ob.parent = linked("Sheet", mesh)
    ob.parent.shape_key_add(name="Basis")
    ob.parent.shape_key_add(name="Off").data[1].co.z = 1.0
    for frame, value in ((1, 0.0), (20, 1.0)):
        mesh.shape_keys.key_blocks["Off"].value = value
        mesh.shape_keys.key_blocks["Off"].keyframe_insert("value", frame=frame)
    ob.parent_type, ob.parent_vertices = "VERTEX", (1, 0, 0)


@pytest.mark.parametrize("move", [keyed, by_its_parent, by_a_constraint, by_a_driver, along_a_path, by_a_vertex, id])
def test_where_a_target_is_on_each_frame_is_known_whatever_moves_it(make_necked, target, room, move):
    scene, head, frames = bpy.context.scene, make_necked(), range(1, 31)
    head.location, head.scale = (0.3, 0.1, 1.5), (2.0, 2.0, 2.0)
    move(target)
    place = np.array([0.1, 0.2, 0.3])
    found = room("speech.stepwise").finished(room("speech.keys.evaluation").points_steps(head, target, place, frames))
    for frame, there in zip(frames, found, strict=True):
        scene.frame_set(frame)
        expected = head.matrix_world.inverted() @ target.matrix_world @ Vector(place)
        np.testing.assert_allclose(there, expected, atol=1e-5)
    assert (np.ptp(found, axis=0).max() > 0.1) == (move is not id)


def test_a_target_that_is_moved_while_keys_are_written_is_followed_by_the_rest(talker, target, room):
    def keyed():
        return [curve.evaluate(60) for curve in room("animation_data").active_curves(talker.data.shape_keys)]

    retarget, finished = room("speech.takes.retarget"), room("speech.stepwise").finished
    talker.dgtalker_speech.look_at = target
    before = keyed()
    target.location.x = 0.2
    steps = retarget.rewrite_steps(talker)
    while keyed() == before:
        next(steps)
    target.location.x = -0.6
    finished(steps)
    assert degrees_off(talker, 60, target.location) > 5.0
    assert finished(retarget.catch_up_steps(talker))
    assert degrees_off(talker, 60, target.location) < 3.0
    assert not finished(retarget.catch_up_steps(talker))


def test_keys_stay_where_they_are_without_the_extension_and_can_be_edited(talker, target, room):
    talker.dgtalker_speech.look_at = target
    key = talker.data.shape_keys
    curves = {curve.data_path for curve in key.animation_data.action.layers[0].strips[0].channelbags[0].fcurves}
    assert 'key_blocks["eyeLookOutLeft"].value' in curves
    assert not key.animation_data.drivers
    key.key_blocks["eyeLookOutLeft"].value = 0.77
    key.key_blocks["eyeLookOutLeft"].keyframe_insert("value", frame=50)
    target.location.x = -0.5
    assert bpy.ops.dgtalker.update_keys() == {"FINISHED"}
    bpy.context.scene.frame_set(50)
    assert key.key_blocks["eyeLookOutLeft"].value == pytest.approx(0.77)
    assert degrees_off(talker, 65, target.location) < 3.0


def test_the_amount_can_be_keyed_and_is_nothing_at_nothing(talker, target, curve):
    names = ("eyeLookOutLeft", "eyeLookUpRight", "eyeBlinkLeft", "headTurn")
    usual = [curve(talker, name) for name in names]
    own = talker.dgtalker_speech
    own.look_at, own.look_at_amount = target, 0.0
    assert all(np.array_equal(curve(talker, name), before) for name, before in zip(names, usual, strict=True))
    for frame, amount in ((50, 0.0), (52, 1.0)):
        own.look_at_amount = amount
        talker.keyframe_insert("dgtalker_speech.look_at_amount", frame=frame)
    assert bpy.ops.dgtalker.update_keys() == {"FINISHED"}
    assert degrees_off(talker, 45, target.location) > 3.0
    assert degrees_off(talker, 66, target.location) < 2.5


def test_eye_contact_follows_the_cameras_of_markers_and_blinks_at_the_cut(talker, curve, spoken_frames):
    scene, cameras = bpy.context.scene, []
    for x, frame in ((-1.2, 1), (1.2, 55)):
        camera = bpy.data.objects.new("Camera", bpy.data.cameras.new("Camera"))
        scene.collection.objects.link(camera)
        camera.location = (x, -2.5, 0.0)
        scene.timeline_markers.new("Cut", frame=frame).camera = camera
        cameras.append(camera)
    talker.dgtalker_speech.look_at_camera = True
    assert degrees_off(talker, 50, cameras[0].location) < 3.0
    assert degrees_off(talker, 58, cameras[1].location) < 3.0
    at = dict(zip(spoken_frames(talker), curve(talker, "eyeBlinkLeft"), strict=True))
    assert max(at[frame] for frame in (54, 55, 56, 57)) > 0.8


def test_markers_count_as_they_do_in_blender(talker):
    scene, cameras = bpy.context.scene, []
    for x, frame in ((-1.2, 1), (1.2, 55), (-0.6, 55), (0.2, 50)):
        camera = bpy.data.objects.new("Camera", bpy.data.cameras.new("Camera"))
        scene.collection.objects.link(camera)
        camera.location = (x, -2.5, 0.0)
        scene.timeline_markers.new("Cut", frame=frame).camera = camera
        cameras.append(camera)
    cameras[3].hide_render = True
    talker.dgtalker_speech.look_at_camera = True
    for frame, camera in ((53, cameras[0]), (62, cameras[1])):
        bpy.context.scene.frame_set(frame)
        assert scene.camera == camera
        assert degrees_off(talker, frame, camera.location) < 3.0


def test_a_target_that_was_deleted_is_named_and_no_longer_looked_at(talker, target, curve, room):
    usual = curve(talker, "eyeLookOutLeft")
    talker.dgtalker_speech.look_at = target
    assert not np.array_equal(curve(talker, "eyeLookOutLeft"), usual)
    bpy.context.scene.collection.objects.unlink(target)
    assert "Target was deleted" in room("speech.takes.gaze").disabled_reason(talker)
    assert bpy.ops.dgtalker.update_keys() == {"FINISHED"}
    assert np.array_equal(curve(talker, "eyeLookOutLeft"), usual)
    bpy.context.scene.camera = None
    talker.dgtalker_speech.look_at, talker.dgtalker_speech.look_at_camera = None, True
    assert "no camera" in room("speech.takes.gaze").disabled_reason(talker)


def test_a_head_that_is_scaled_to_nothing_looks_nowhere(talker, target):
    for frame, size in ((40, 0.0), (50, 1.0)):
        talker.scale = (size,) * 3
        talker.keyframe_insert("scale", frame=frame)
    talker.dgtalker_speech.look_at = target
    assert degrees_off(talker, 60, target.location) < 3.0


def test_another_head_is_looked_in_the_eyes(talker, make_necked):
    other = make_necked("Ben")
    other.location = (0.6, -1.5, 0.2)
    talker.dgtalker_speech.look_at = other
    bpy.context.view_layer.update()
    assert degrees_off(talker, 60, other.matrix_world @ EYES) < 2.5


def test_a_head_that_turns_as_a_whole_says_why_it_cannot(make_head, room):
    assert "nod over their neck" in room("speech.takes.gaze").disabled_reason(make_head())
