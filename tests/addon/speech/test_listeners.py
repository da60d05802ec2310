"""Heads listen while others speak: what an animator sees of it, and that her work stays."""

from __future__ import annotations

import bpy
import numpy as np
import pytest
from gaze_tools import EYES, degrees_off
from key_tools import value

ADAS, BENS = range(30, 78), range(110, 158)
"""The frames of the two lines."""


@pytest.fixture
def talk(make_necked, add_strip, voice):
    """Ada and Ben face each other, a bit aside, and Ada speaks before Ben; not animated yet."""
    ada, ben = make_necked("Ada"), make_necked("Ben")
    ben.location, ben.rotation_euler.z = (0.5, -1.5, 0.0), np.pi
    strips = [add_strip(voice, frame=frames.start, head=head) for head, frames in ((ada, ADAS), (ben, BENS))]
    bpy.context.view_layer.update()
    return ada, ben, strips


@pytest.fixture
def dialogue(talk):
    bpy.ops.dgtalker.animate()
    return talk


@pytest.fixture
def cleo(make_necked):
    """A head that has no line, and sees both."""
    head = make_necked("Cleo")
    head.location, head.rotation_euler.z = (1.4, -0.6, 0.0), -np.pi / 2
    bpy.context.view_layer.update()
    return head


def off(head, frame, other) -> float:
    """How far from another head's eyes a head looks on a frame, degrees."""
    bpy.context.scene.frame_set(frame)
    return degrees_off(head, frame, other.matrix_world @ EYES)


def often_off(head, frames, other) -> float:
    return float(np.median([off(head, frame, other) for frame in frames]))


def values(head, name, frames) -> np.ndarray:
    return np.array([value(head, name, frame) for frame in frames])


def test_while_one_speaks_the_other_looks_at_her_and_his_mouth_stays_shut(dialogue):
    ada, ben, _ = dialogue
    assert often_off(ben, range(45, 78), ada) < 4.0
    assert often_off(ada, range(125, 158), ben) < 4.0
    turned = np.abs(values(ben, "headTurn", ADAS))
    assert turned[-10:].mean() > turned[:3].mean(), "the head helps"
    assert values(ben, "jawOpen", ADAS).max() < 0.01
    assert values(ada, "jawOpen", range(BENS.start - 4, BENS.stop)).max() < 0.01
    assert values(ben, "jawOpen", BENS).max() > 0.1


def test_listeners_nod_and_blink(dialogue, sample):
    _ada, ben, (_strip, _) = dialogue
    ben.dgtalker_speech.reaction = 0.0
    before = values(ben, "headNod", range(30, 100))
    assert np.ptp(before) < 0.01, "as before there were listeners"
    ben.dgtalker_speech.reaction = 1.0
    nods = values(ben, "headNod", range(30, 100))
    assert np.ptp(nods) > 0.08, "two degrees"
    assert np.abs(np.diff(nods)).max() < 0.12, "nothing jumps"
    assert values(ben, "eyeBlinkLeft", range(30, 100)).max() > 0.8


def test_without_reaction_heads_do_as_before_and_who_says_nothing_has_no_keys(talk, cleo, spoken_frames, keys):
    ada, ben, _ = talk
    for head in (ada, ben, cleo):
        head.dgtalker_speech.reaction = 0.0
    bpy.ops.dgtalker.animate()
    assert not keys.spoken(cleo)
    assert spoken_frames(ben) == range(BENS.start - 12, BENS.stop + 13)
    assert spoken_frames(ada).stop == ADAS.stop + 13
    lips = values(ben, "jawOpen", BENS), values(ben, "mouthPucker", BENS)
    ben.dgtalker_speech.reaction = 1.0
    assert spoken_frames(ben).start < ADAS.start
    assert np.allclose(lips[0], values(ben, "jawOpen", BENS), atol=1e-4)
    assert np.allclose(lips[1], values(ben, "mouthPucker", BENS), atol=1e-4)
    ben.dgtalker_speech.reaction = 0.0
    assert spoken_frames(ben) == range(BENS.start - 12, BENS.stop + 13)


def test_who_has_no_line_listens_to_both_in_turn_until_speech_is_cleared(talk, cleo, keys):
    ada, ben, _ = talk
    cleo.data.shape_keys.key_blocks["mouthSmileLeft"].value = 0.3
    bpy.ops.dgtalker.animate()
    assert often_off(cleo, range(45, 78), ada) < 4.0
    assert often_off(cleo, range(125, 158), ben) < 4.0
    assert values(cleo, "jawOpen", range(20, 170)).max() == 0.0
    assert value(cleo, "mouthSmileLeft", 60) >= 0.29
    shift = next(frame for frame in range(ADAS.stop, BENS.stop) if off(cleo, frame, ben) < 6.0)
    assert abs(shift - BENS.start) < 14, "as Ben's turn begins"
    cleo.dgtalker_speech.reaction = 0.0
    assert not keys.spoken(cleo)
    cleo.dgtalker_speech.reaction = 0.5
    assert often_off(cleo, range(45, 78), ada) < 4.0
    assert bpy.ops.dgtalker.clear_speech() == {"FINISHED"}
    assert not keys.spoken(cleo)
    assert value(cleo, "mouthSmileLeft", 60) == pytest.approx(0.3)
    cleo.dgtalker_speech.reaction = 1.0
    assert not keys.spoken(cleo)


def test_who_has_no_line_listens_on_in_a_scene_that_was_renamed(talk, cleo, keys):
    ada, _ben, _ = talk
    bpy.ops.dgtalker.animate()
    first = bpy.context.scene
    first.name = "Shot 10"
    bpy.data.scenes.new("Scene")  # of the name that it had
    assert bpy.ops.dgtalker.update_keys() == {"FINISHED"}
    assert keys.spoken(cleo)
    assert often_off(cleo, range(45, 78), ada) < 4.0


def test_an_edit_of_a_listener_stays(dialogue, cleo):
    ada, ben, _ = dialogue
    bpy.ops.dgtalker.animate()
    for head in (ben, cleo):
        block = head.data.shape_keys.key_blocks["headNod"]
        bpy.context.scene.frame_set(60)
        block.value = -0.4
        block.keyframe_insert("value", frame=60)
        for amount in (1.0, 0.0, 0.6):
            head.dgtalker_speech.reaction = amount
            assert value(head, "headNod", 60) == pytest.approx(-0.4), amount
        bpy.ops.dgtalker.animate()
        assert value(head, "headNod", 60) == pytest.approx(-0.4)
        assert often_off(head, range(70, 84), ada) < 5.0


def test_a_line_that_is_moved_is_listened_to_where_it_is_then(dialogue, behind):
    ada, ben, (strip, _) = dialogue
    setattr(strip, "content_start" if bpy.app.version >= (5, 2) else "frame_start", ADAS.start + 130)
    assert bpy.ops.dgtalker.update_keys() == {"FINISHED"}
    assert not behind(ben)
    assert often_off(ben, range(175, 205), ada) < 4.0
    assert often_off(ben, ADAS, ada) > 8.0


def test_a_speaker_who_is_moved_or_feels_otherwise_is_followed(dialogue, behind):
    ada, ben, (strip, _) = dialogue
    assert not behind(ada)
    assert not behind(ben)
    calm = values(ben, "mouthSmileLeft", range(50, 90)).max()
    strip.dgtalker.style_happy = 1.0
    ada.location.x = 1.2
    bpy.context.view_layer.update()
    assert behind(ben)
    assert bpy.ops.dgtalker.update_keys() == {"FINISHED"}
    assert not behind(ben)
    assert often_off(ben, range(45, 78), ada) < 4.0
    assert values(ben, "mouthSmileLeft", range(50, 90)).max() > calm + 0.05


def test_in_a_window_listeners_follow_what_the_speakers_do(dialogue, rest, room):
    ada, ben, (strip, _) = dialogue
    live = room("speech.takes.live")
    ada.location.x = 1.0
    bpy.context.view_layer.update()
    while live._due or live._mending:
        rest()
    assert often_off(ben, range(45, 78), ada) < 4.0
    calm = values(ben, "mouthSmileLeft", range(50, 90)).max()
    strip.dgtalker.style_happy = 1.0
    while live._due or live._mending:
        rest()
    assert values(ben, "mouthSmileLeft", range(50, 90)).max() > calm + 0.05


def test_the_animators_own_target_wins(dialogue):
    ada, ben, _ = dialogue
    lamp = bpy.data.objects.new("Lamp", None)
    bpy.context.scene.collection.objects.link(lamp)
    lamp.location = (1.5, 0.5, 0.4)
    bpy.context.view_layer.update()
    ben.dgtalker_speech.look_at = lamp
    assert often_off(ben, ADAS, ada) > 20.0
    ben.dgtalker_speech.look_at = None
    assert often_off(ben, range(45, 78), ada) < 4.0


def test_the_reaction_can_be_keyed_and_driven(dialogue, spoken_frames):
    ada, ben, _ = dialogue
    own = ben.dgtalker_speech
    for frame, amount in ((50, 0.0), (56, 1.0)):
        own.reaction = amount
        ben.keyframe_insert("dgtalker_speech.reaction", frame=frame)
    assert bpy.ops.dgtalker.update_keys() == {"FINISHED"}
    assert often_off(ben, range(34, 48), ada) > 8.0
    assert often_off(ben, range(62, 78), ada) < 4.0
    ada.dgtalker_speech.driver_add("reaction").driver.expression = "0.0"
    assert bpy.ops.dgtalker.update_keys() == {"FINISHED"}
    assert spoken_frames(ada).stop == ADAS.stop + 13


def test_animating_again_without_a_change_writes_the_same_and_performs_nothing(dialogue, cleo, room, monkeypatch):
    _ada, ben, _ = dialogue
    bpy.ops.dgtalker.animate()
    names = ("headNod", "eyeLookOutLeft", "eyeBlinkLeft", "browInnerUp")
    before = [values(head, name, range(20, 170)) for head in (ben, cleo) for name in names]
    monkeypatch.setattr(room("speech.takes.played"), "perform", None)
    bpy.ops.dgtalker.animate()
    again = [values(head, name, range(20, 170)) for head in (ben, cleo) for name in names]
    assert all(np.array_equal(a, b) for a, b in zip(before, again, strict=True))


def test_files_from_before_are_as_they_were_until_they_are_animated(dialogue, spoken_frames, room):
    ada, ben, _ = dialogue
    for head in (ada, ben):
        head.dgtalker_speech.listens = False
    assert bpy.ops.dgtalker.update_keys() == {"FINISHED"}
    assert spoken_frames(ben) == range(BENS.start - 12, BENS.stop + 13)
    assert "next Animate" in room("speech.takes.listeners").disabled_reason(ben)
    bpy.ops.dgtalker.animate()
    assert spoken_frames(ben).start < ADAS.start
    assert not room("speech.takes.listeners").disabled_reason(ben)
