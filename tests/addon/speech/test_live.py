"""Settings that change keys at once, from the take in the .blend and without the engine."""

from __future__ import annotations

import os
import shutil
import wave
from pathlib import Path
from types import SimpleNamespace

import bpy
import numpy as np
import pytest


@pytest.fixture
def no_engine(room):
    """The engine is gone: whatever follows happens in Blender."""

    def stop() -> None:
        room("bridge.engine").stop()
        assert room("bridge.engine").state().pid is None

    return stop


def test_a_slider_of_the_strip_changes_the_keys_at_once(animated, curve, no_engine):
    head, strip = animated()
    no_engine()
    usual = curve(head, "jawOpen")
    strip.dgtalker.jaw = 0.0
    assert curve(head, "jawOpen").max() == 0.0
    strip.dgtalker.jaw = 1.0
    assert np.array_equal(curve(head, "jawOpen"), usual)


@pytest.mark.parametrize(
    ("setting", "value", "name"),
    [
        ("lips", 0.3, "mouthFunnel"),
        ("expression", 2.0, "browInnerUp"),
        ("articulation", -1.0, "jawOpen"),
        ("smoothing", 0.3, "jawOpen"),
        ("hold", 0.2, "jawOpen"),
        ("offset", 0.2, "jawOpen"),
        ("seed", 5, "browInnerUp"),
        ("style_happy", 1.0, "mouthSmileLeft"),
    ],
)
def test_every_setting_shows(animated, curve, setting, value, name):
    head, strip = animated()
    usual = curve(head, name)
    setattr(strip.dgtalker, setting, value)
    assert np.abs(curve(head, name) - usual).max() > 0.01


def test_blinks_stop(make_head, add_strip, tone, curve):
    head = make_head()
    strip = add_strip(tone(seconds=8, level=0.0), head=head)
    bpy.ops.dgtalker.animate()
    assert curve(head, "eyeBlinkLeft").max() > 0.9
    strip.dgtalker.blinks = 0.0
    assert curve(head, "eyeBlinkLeft").max() < 0.5


def test_reset_brings_a_section_back(animated, curve):
    head, strip = animated()
    usual = curve(head, "jawOpen")
    strip.dgtalker.jaw, strip.dgtalker.smoothing = 0.2, 0.3
    bpy.ops.dgtalker.reset_strip(section="amounts")
    assert (strip.dgtalker.jaw, strip.dgtalker.smoothing) == (1.0, pytest.approx(0.3))
    bpy.ops.dgtalker.reset_strip(section="all")
    assert np.array_equal(curve(head, "jawOpen"), usual)


def test_hand_keys_and_the_animators_tracks_stay(animated):
    head, strip = animated()
    key = head.data.shape_keys
    block = key.key_blocks["browInnerUp"]
    key.animation_data.nla_tracks.new().name = "Mine"
    block.value = 0.77
    block.keyframe_insert("value", frame=40)
    hand = key.animation_data.action
    strip.dgtalker.expression = 2.0
    assert [track.name for track in key.animation_data.nla_tracks] == ["Mine"]
    assert key.animation_data.action == hand
    bpy.context.scene.frame_set(40)
    assert block.value == pytest.approx(0.77)


def test_sliders_do_not_write_into_another_action_that_was_assigned(room, animated):
    head, strip = animated()
    animation = head.data.shape_keys.animation_data
    animation.action = bpy.data.actions.new("Mine")
    strip.dgtalker.jaw = 0.0
    assert not animation.action.layers
    assert "but Mine is assigned" in room("speech.takes.retarget").outdated_reason(head)


def test_undo_and_redo_take_the_keys_along(animated, curve):
    animated()
    usual = curve(bpy.data.objects["Ada"], "jawOpen")
    bpy.ops.ed.undo_push(message="before")
    bpy.context.scene.sequence_editor.strips[0].dgtalker.jaw = 0.0
    bpy.ops.ed.undo_push(message="Jaw")
    bpy.ops.ed.undo()
    assert bpy.context.scene.sequence_editor.strips[0].dgtalker.jaw == 1.0
    assert np.array_equal(curve(bpy.data.objects["Ada"], "jawOpen"), usual)
    bpy.ops.ed.redo()
    assert bpy.context.scene.sequence_editor.strips[0].dgtalker.jaw == 0.0
    assert curve(bpy.data.objects["Ada"], "jawOpen").max() == 0.0


def test_each_of_two_heads_follows_its_own_strip(animated, curve):
    ada, hers = animated("Ada", 30)
    bob, _ = animated("Bob", 50)
    untouched = curve(bob, "jawOpen")
    hers.dgtalker.jaw = 0.0
    assert curve(ada, "jawOpen").max() == 0.0
    assert np.array_equal(curve(bob, "jawOpen"), untouched)


def test_two_strips_of_a_head_are_set_apart(make_head, add_strip, voice, curve):
    head = make_head()
    first, second = add_strip(voice, 20, head, "a"), add_strip(voice, 120, head, "b")
    bpy.ops.dgtalker.animate()
    usual = curve(head, "jawOpen")
    second.dgtalker.jaw = 0.0
    now = curve(head, "jawOpen")
    assert np.array_equal(now[:80], usual[:80])
    assert now[100:].max() == 0.0
    first.dgtalker.jaw = 0.0
    assert curve(head, "jawOpen").max() == 0.0


def test_the_take_survives_saving_and_reopening(animated, curve, no_engine, tmp_path):
    animated()
    bpy.ops.wm.save_as_mainfile(filepath=str(tmp_path / "scene.blend"))
    bpy.ops.wm.open_mainfile(filepath=str(tmp_path / "scene.blend"))
    no_engine()
    bpy.context.scene.sequence_editor.strips[0].dgtalker.jaw = 0.0
    assert curve(bpy.data.objects["Ada"], "jawOpen").max() == 0.0


def test_an_overridden_head_follows_and_keeps_its_take(room, add_strip, voice, curve, tmp_path):
    bpy.ops.dgtalker.add_head()
    name = bpy.context.object.name
    library, shot = str(tmp_path / "library.blend"), str(tmp_path / "shot.blend")
    bpy.ops.wm.save_as_mainfile(filepath=library)
    bpy.ops.wm.read_homefile(use_factory_startup=True)
    with bpy.data.libraries.load(library, link=True) as (_, wanted):
        wanted.objects = [name]
    head = wanted.objects[0].override_create(remap_local_usages=True)
    bpy.context.scene.collection.objects.link(head)
    room("head.add").make_editable(head)
    add_strip(voice, 30, head)
    bpy.ops.dgtalker.animate()
    bpy.ops.wm.save_as_mainfile(filepath=shot)
    bpy.ops.wm.open_mainfile(filepath=shot)
    head = next(ob for ob in bpy.context.scene.objects if ob.name == name)
    assert head.override_library
    bpy.context.scene.sequence_editor.strips[0].dgtalker.jaw = 0.0
    assert curve(head, "jawOpen").max() == 0.0


def test_where_lines_are_not_known_nothing_follows_a_moved_strip_and_the_panel_says_why(room, animated, curve):
    """As of takes of earlier versions; what is known follows, see test_lines.py."""
    head, strip = animated()
    head.dgtalker_speech.heard_lines = ""
    retarget = room("speech.takes.retarget")
    assert retarget.outdated_reason(head) == ""
    usual = curve(head, "jawOpen")
    strip.channel = 5
    assert retarget.outdated_reason(head) == ""
    start = "content_start" if bpy.app.version >= (5, 2) else "frame_start"
    setattr(strip, start, getattr(strip, start) + 10)
    strip.dgtalker.jaw = 0.0
    assert np.array_equal(curve(head, "jawOpen"), usual)
    assert "press Animate" in retarget.outdated_reason(head)
    with pytest.raises(RuntimeError, match="Strips of Ada were moved"):
        bpy.ops.dgtalker.update_keys()
    bpy.ops.dgtalker.animate()
    assert retarget.outdated_reason(head) == ""
    assert curve(head, "jawOpen").max() == 0.0


def test_what_is_heard_otherwise_asks_for_animate(room, animated, tone, voice, tmp_path):
    head, strip = animated()
    outdated = room("speech.takes.retarget").outdated_reason

    def noticed() -> bool:
        return "press Animate" in outdated(head)

    strip.volume = 0.0
    assert noticed()
    strip.volume = 0.6  # as animators mix; speech is understood at any level
    assert not noticed()
    strip.volume = 0.01
    assert noticed()
    strip.volume = 1.0
    strip.keyframe_insert("volume", frame=40)
    assert noticed()
    strip.keyframe_delete("volume", frame=40)
    assert not noticed()
    (tmp_path / "moved").mkdir()
    same = shutil.copy(voice, tmp_path / "moved" / "voice.wav")
    strip.sound.filepath = str(same)
    assert not noticed(), "the project was moved"
    data = bytearray(Path(same).read_bytes())
    data[5000:6000] = bytes(1000)
    Path(same).write_bytes(data)
    os.utime(same, ns=(0, 10**18))  # both may have been written within one tick of the disk's clock
    assert noticed(), "another take of the same name and length"
    strip.sound.pack()
    assert noticed()
    shutil.copy(voice, same)
    strip.sound.unpack(method="REMOVE")
    strip.sound.pack()
    assert not noticed(), "what was packed anew has the same size"
    strip.sound.unpack(method="REMOVE")
    strip.sound.filepath = str(voice)
    Path(voice).unlink()
    assert not noticed(), "without its sounds a file is opened, and rendered, all the same"


def test_the_panel_looks_at_strips_a_tenth_of_the_time_at_most(room, animated, monkeypatch):
    head, _ = animated()
    outdated, now, looks = room("speech.ui.outdated"), [100.0], []

    def look(head: bpy.types.Object) -> str:
        now[0] += 0.05
        looks.append(head)
        return f"look {len(looks)}"

    monkeypatch.setattr(outdated, "time", SimpleNamespace(monotonic=lambda: now[0], perf_counter=lambda: now[0]))
    monkeypatch.setattr(room("speech.takes.retarget"), "outdated_reason", look)
    outdated._forget()
    assert [outdated.reason(head) for _ in range(3)] == ["look 1"] * 3
    assert bpy.app.timers.is_registered(outdated._look_again), "what is shown may be of a moment ago: it is drawn again"
    bpy.app.timers.unregister(outdated._look_again)
    now[0] += 0.5
    assert outdated.reason(head) == "look 2"
    assert not bpy.app.timers.is_registered(outdated._look_again)
    outdated._forget()


def test_a_volume_that_a_driver_moves_is_heard_on_every_frame_alike(room, animated):
    head, strip = animated()
    driver = strip.driver_add("volume").driver
    driver.expression = "frame > 40"
    bpy.ops.dgtalker.animate()
    outdated = room("speech.takes.retarget").outdated_reason
    for frame in (1, 60):
        bpy.context.scene.frame_set(frame)
        assert outdated(head) == ""


def test_looking_at_curves_makes_none(room, make_head):
    head = make_head()
    action = bpy.data.actions.new("Mine")
    animation = head.animation_data_create()
    animation.action = action
    animation.action_slot = action.slots.new("OBJECT", "Mine")
    action.layers.new("Layer").strips.new(type="KEYFRAME")
    assert room("speech.stepwise").finished(room("speech.takes.wanted").styles_steps(head, 0, 3)) == {}
    assert not action.layers[0].strips[0].channelbags


def test_moving_a_head_evaluates_nothing_until_it_rests_and_writes_nothing_then(room, animated, rest, monkeypatch):
    head, _ = animated()
    head.driver_add("dgtalker_speech.happy").driver.expression = "frame / 100"
    bpy.ops.dgtalker.update_keys()
    evaluation, live = room("speech.keys.evaluation"), room("speech.takes.live")
    retarget = room("speech.takes.retarget")
    rest()
    while live._mending:
        live._tick()
    numbers, write, done = evaluation.numbers_steps, retarget.rewrite_steps, []
    monkeypatch.setattr(evaluation, "numbers_steps", lambda *given: [done.append("evaluated"), numbers(*given)][1])
    monkeypatch.setattr(retarget, "rewrite_steps", lambda head: [done.append("written"), write(head)][1])
    for step in range(3):
        head.location.x = step
        bpy.context.view_layer.update()
    assert done == []
    rest()
    while live._mending:
        live._tick()
    assert done == ["evaluated"]
    bpy.context.view_layer.update()
    assert not live._due, "to look is no change"


def test_keys_of_a_style_are_followed_once_they_rest(animated, rest, curve):
    head, _ = animated()
    usual = curve(head, "mouthSmileLeft")
    own = head.dgtalker_speech
    own.happy = 1.0
    own.keyframe_insert("happy", frame=40)
    bpy.context.view_layer.update()
    rest()
    assert np.abs(curve(head, "mouthSmileLeft") - usual).max() > 0.1


@pytest.mark.skipif(bpy.app.version < (5, 0), reason="Blender 4.5 crashes when retiming is scripted")
def test_retiming_within_a_strip_asks_for_animate(room, make_head, add_strip, voice):
    head = make_head()
    strip = add_strip(voice, frame=30, head=head)
    strip.retiming_keys.add(timeline_frame=60)
    bpy.ops.dgtalker.animate()
    outdated = room("speech.takes.retarget").outdated_reason
    assert outdated(head) == ""
    strip.pitch_correction = not strip.pitch_correction
    assert "press Animate" in outdated(head), "it sounds higher or deeper"
    strip.pitch_correction = not strip.pitch_correction
    assert outdated(head) == ""
    strip.retiming_keys[1].timeline_frame = 50
    assert "press Animate" in outdated(head)


def test_a_style_that_was_pushed_down_into_the_nla_counts_as_its_keys_did(room, animated, curve, behind):
    head, _ = animated()
    own = head.dgtalker_speech
    for frame, value in ((20, 0.0), (70, 1.0)):
        own.happy = value
        own.keyframe_insert("happy", frame=frame)
    bpy.ops.dgtalker.update_keys()
    fading = curve(head, "mouthSmileLeft")
    animation = head.animation_data
    action, slot = animation.action, animation.action_slot
    strip = animation.nla_tracks.new().strips.new("styles", int(action.frame_range[0]), action)
    strip.action_slot, animation.action = slot, None
    assert not behind(head)
    own.happy = 0.0
    bpy.ops.dgtalker.update_keys()
    assert np.abs(curve(head, "mouthSmileLeft") - fading).max() < 0.01
    strip.mute = True
    assert behind(head)


def test_a_new_transcript_asks_for_animate(room, animated):
    head, strip = animated()
    strip.dgtalker.transcript = "Hello! My favorite movie"
    assert "transcript of Ada was changed" in room("speech.takes.retarget").outdated_reason(head)
    bpy.ops.dgtalker.animate()
    assert room("speech.takes.retarget").outdated_reason(head) == ""


def test_a_linked_head_does_not_follow_and_says_so(room, animated, tmp_path):
    animated()
    path = str(tmp_path / "library.blend")
    bpy.ops.wm.save_as_mainfile(filepath=path)
    bpy.ops.wm.read_homefile(use_factory_startup=True)
    with bpy.data.libraries.load(path, link=True) as (_, wanted):
        wanted.scenes = ["Scene"]
    head = next(ob for ob in bpy.data.objects if ob.name == "Ada")
    assert "linked from another file" in room("speech.takes.retarget").stale_reason(head)


def test_a_style_fades_between_its_keys(animated, curve):
    head, _ = animated()
    usual = curve(head, "mouthSmileLeft")
    own = head.dgtalker_speech
    own.happy = 0.0
    own.keyframe_insert("happy", frame=20)
    own.happy = 1.0
    own.keyframe_insert("happy", frame=70)
    bpy.ops.dgtalker.update_keys()
    smile = curve(head, "mouthSmileLeft") - usual
    assert abs(smile[:3]).max() < 0.02
    assert smile[-10:].mean() > smile[len(smile) // 2] > 0.05


def test_linked_duplicates_of_a_speaking_head_keep_their_own_keys(animated, curve):
    """Shift D copies the object, its mesh and its actions' users."""
    head, strip = animated()
    twin = head.copy()
    twin.data = head.data.copy()
    bpy.context.scene.collection.objects.link(twin)
    before = curve(twin, "jawOpen")
    strip.dgtalker.jaw = 0.0
    assert curve(head, "jawOpen").max() == 0.0
    assert np.array_equal(curve(twin, "jawOpen"), before)


def test_clear_forgets_the_take(room, animated):
    head, strip = animated()
    bpy.ops.dgtalker.clear_speech()
    strip.dgtalker.jaw = 0.5
    assert not room("speech.keys.keyframes").spoken(head)


def test_a_minute_follows_every_step_of_a_slider(make_head, add_strip, sample, curve, tmp_path):
    path = tmp_path / "minute.wav"
    with wave.open(str(sample)) as source, wave.open(str(path), "wb") as whole:
        whole.setparams(source.getparams())
        frames = source.readframes(source.getnframes())
        whole.writeframes((frames * 14)[: 60 * 2 * source.getframerate()])
    head = make_head()
    strip = add_strip(path, head=head)
    bpy.ops.dgtalker.animate()
    pucker = []
    for lips in np.linspace(0.5, 1.5, 6):
        strip.dgtalker.lips = lips
        pucker.append(curve(head, "mouthPucker").mean())
    assert np.all(np.diff(pucker) > 0)
