"""Rigs whose shape keys have names of their own: a list that the user edits; and what belongs to a character."""

from __future__ import annotations

import bpy
import numpy as np
import pytest

NAMES = ["Basis", "mund_auf", "mund_zu", "laecheln_l", "laecheln_r", "blinzeln_l", "blinzeln_r", "zunge"]
MEANT = {
    "jawOpen": "mund_auf",
    "mouthClose": "mund_zu",
    "mouthSmileLeft": "laecheln_l",
    "mouthSmileRight": "laecheln_r",
    "eyeBlinkLeft": "blinzeln_l",
}


@pytest.fixture
def make_rig():
    def make(name: str, keys) -> bpy.types.Object:
        mesh = bpy.data.meshes.new(name)
        mesh.from_pydata([(0, 0, 0), (0.1, 0, 0), (0, 0, 0.1)], [], [(0, 1, 2)])
        ob = bpy.data.objects.new(name, mesh)
        bpy.context.scene.collection.objects.link(ob)
        for key in keys:
            ob.shape_key_add(name=key)
        bpy.context.view_layer.objects.active = ob
        return ob

    return make


@pytest.fixture
def choose():
    """Fills in the list as the user would."""

    def fill(ob: bpy.types.Object) -> None:
        bpy.context.view_layer.objects.active = ob
        assert bpy.ops.dgtalker.choose_names() == {"FINISHED"}
        for entry in ob.dgtalker_speech.names:
            entry.shape_key = MEANT.get(entry.name, "")

    return fill


def test_a_rig_of_any_names_speaks_once_they_are_chosen(room, make_rig, choose, tmp_path):
    speakers = room("speech.timeline.speakers")
    ob = make_rig("Rig", NAMES)
    assert not speakers.is_speaker(ob)
    choose(ob)
    assert speakers.is_speaker(ob)
    assert speakers.controls(ob) == MEANT
    bpy.ops.wm.save_as_mainfile(filepath=str(tmp_path / "rig.blend"))
    bpy.ops.wm.open_mainfile(filepath=str(tmp_path / "rig.blend"))
    ob = bpy.data.objects["Rig"]
    assert speakers.controls(ob) == MEANT
    ob.data.shape_keys.key_blocks["mund_zu"].name = "anders"
    assert "mouthClose" not in speakers.controls(ob)
    bpy.ops.dgtalker.forget_names()
    assert not speakers.is_speaker(ob)


def test_what_names_say_is_filled_in_and_can_be_changed(room, make_rig):
    speakers = room("speech.timeline.speakers")
    ob = make_rig(
        "Rig",
        [
            "Basis",
            "A25_Jaw_Open",
            "A14_Eye_Blink_Left",
            "jawLeft.001",
            "jawRight_001",
            "ARKit_tongueOut",
            "mouthClose",
            "x",
        ],
    )
    before = speakers.controls(ob)
    assert before["jawOpen"] == "A25_Jaw_Open"
    bpy.ops.dgtalker.choose_names()
    assert speakers.controls(ob) == before
    ob.dgtalker_speech.names["jawOpen"].shape_key = "x"
    assert speakers.controls(ob) == {**before, "jawOpen": "x"}


def test_without_a_mesh_that_has_shape_keys_the_button_says_so(make_rig, make_head):
    bpy.context.view_layer.objects.active = make_head()
    with pytest.raises(RuntimeError, match="Select a mesh with shape keys"):
        bpy.ops.dgtalker.choose_names()
    make_rig("Rig", NAMES)
    with pytest.raises(RuntimeError, match="No shape keys were chosen"):
        bpy.ops.dgtalker.forget_names()


@pytest.mark.parametrize("how", ["empty", "modifier"])
def test_teeth_below_the_same_empty_or_bound_by_modifiers_alone_play_along(room, make_rig, how):
    arkit = ["Basis", "jawOpen", "mouthClose", "mouthSmileLeft", "tongueOut", "eyeBlinkLeft"]
    face, teeth, stranger = (make_rig(name, arkit) for name in ("Face", "Teeth", "Stranger"))
    data = None if how == "empty" else bpy.data.armatures.new("Bones")
    owners = [bpy.data.objects.new(name, data) for name in ("Hers", "His")]
    for owner in owners:
        bpy.context.scene.collection.objects.link(owner)
    for ob, owner in ((face, owners[0]), (teeth, owners[0]), (stranger, owners[1])):
        if how == "empty":
            ob.parent = owner
        else:
            ob.modifiers.new("Armature", "ARMATURE").object = owner
    assert set(room("speech.timeline.speakers").meshes(face)) == {face, teeth}


def test_characters_below_one_empty_speak_apart(room, make_rig, add_strip, tone):
    speakers = room("speech.timeline.speakers")
    arkit = ["Basis", "jawOpen", "mouthClose", "mouthSmileLeft", "tongueOut", "eyeBlinkLeft"]
    names = ("Ada", "Ada's Teeth", "Bob", "Bob's Teeth")
    ada, her_teeth, bob, his_teeth = rigs = [make_rig(name, arkit) for name in names]
    cast = bpy.data.objects.new("Cast", None)
    bpy.context.scene.collection.objects.link(cast)
    for ob, left in zip(rigs, (0.0, 0.02, 1.0, 1.02), strict=True):
        ob.parent, ob.location.x = cast, left
    bpy.context.view_layer.update()
    assert set(speakers.meshes(ada)) == {ada, her_teeth}
    assert set(speakers.meshes(bob)) == {bob, his_teeth}
    bob.location.x, his_teeth.location.x, cast.rotation_euler.y = 0.12, 0.13, np.pi / 4
    bpy.context.view_layer.update()
    assert set(speakers.meshes(ada)) == {ada, her_teeth}, "whatever is turned to where on this frame"
    for ob in (bob, his_teeth):
        ob.location.x = 0.01
    bpy.context.view_layer.update()
    add_strip(tone(), head=bob)
    assert bob not in speakers.meshes(ada), "cheek to cheek, but he has a line of his own"
