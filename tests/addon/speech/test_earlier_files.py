"""Files that the first release saved: it kept the hashes of a take under other names."""

from __future__ import annotations

import bpy
import numpy as np
import pytest

NAMES_BEFORE = {"strips_hash": "place", "transcript_hash": "words", "settings_hash": "written"}


def stored(head: bpy.types.Object):
    """What Blender keeps of `head.dgtalker_speech` in a file."""
    properties = head if bpy.app.version < (5, 0) else head.bl_system_properties_get()
    return properties["dgtalker_speech"]


@pytest.fixture
def reopened_from_first_release(tmp_path):
    """`reopened_from_first_release(head)`: the head in a file as the first release saved it, opened now."""

    def reopen(head: bpy.types.Object) -> bpy.types.Object:
        name, path = head.name, str(tmp_path / "first release.blend")
        for now, before in NAMES_BEFORE.items():
            stored(head)[before] = stored(head)[now]
            del stored(head)[now]
        bpy.ops.wm.save_as_mainfile(filepath=path)
        bpy.ops.wm.read_homefile(use_factory_startup=True)
        bpy.ops.wm.open_mainfile(filepath=path)
        return next(ob for ob in bpy.context.scene.objects if ob.name == name)

    return reopen


def test_a_take_of_the_first_release_is_up_to_date_and_opening_changes_nothing(
    room, animated, curve, reopened_from_first_release, behind
):
    head, _ = animated()
    usual = curve(head, "jawOpen")
    head = reopened_from_first_release(head)
    retarget = room("speech.takes.retarget")
    assert retarget.outdated_reason(head) == ""
    assert not behind(head)
    assert set(NAMES_BEFORE.values()) <= set(stored(head).keys())
    assert not set(NAMES_BEFORE) & set(stored(head).keys())
    assert np.array_equal(curve(head, "jawOpen"), usual)


def test_a_take_of_the_first_release_follows_a_slider_without_the_engine(
    room, animated, curve, reopened_from_first_release, behind
):
    head, _ = animated()
    head = reopened_from_first_release(head)
    room("bridge.engine").stop()
    strip = bpy.context.scene.sequence_editor.strips[0]
    strip.dgtalker.jaw = 0.0
    assert curve(head, "jawOpen").max() == 0.0
    assert not behind(head)
    strip.dgtalker.transcript = "Hello! My favorite movie"
    assert "transcript of Ada was changed" in room("speech.takes.retarget").outdated_reason(head)


def test_a_take_of_the_first_release_fits_whatever_the_volume_of_its_strip(
    room, make_head, add_strip, voice, curve, reopened_from_first_release, monkeypatch
):
    """That release kept neither sounds nor volumes."""
    head = make_head()
    strip = add_strip(voice, frame=30, head=head)
    strip.volume = 0.2
    with monkeypatch.context() as before:
        before.setattr(room("speech.timeline.sound_identity"), "use", lambda *_: [])
        bpy.ops.dgtalker.animate()
    head.dgtalker_speech.sounds = ""
    head = reopened_from_first_release(head)
    assert room("speech.takes.retarget").outdated_reason(head) == ""
    bpy.context.scene.sequence_editor.strips[0].dgtalker.jaw = 0.0
    assert curve(head, "jawOpen").max() == 0.0


def test_a_take_of_the_first_release_still_tells_that_strips_were_moved(room, animated, reopened_from_first_release):
    head, _ = animated()
    head = reopened_from_first_release(head)
    strip = bpy.context.scene.sequence_editor.strips[0]
    start = "content_start" if bpy.app.version >= (5, 2) else "frame_start"
    setattr(strip, start, getattr(strip, start) + 10)
    assert "Strips of Ada were moved" in room("speech.takes.retarget").outdated_reason(head)
    bpy.ops.dgtalker.animate()
    assert room("speech.takes.retarget").outdated_reason(head) == ""


def test_an_overridden_head_of_the_first_release_keeps_its_take(
    room, add_strip, voice, curve, reopened_from_first_release, tmp_path
):
    bpy.ops.dgtalker.add_head()
    name, library = bpy.context.object.name, str(tmp_path / "library.blend")
    bpy.ops.wm.save_as_mainfile(filepath=library)
    bpy.ops.wm.read_homefile(use_factory_startup=True)
    with bpy.data.libraries.load(library, link=True) as (_, wanted):
        wanted.objects = [name]
    head = wanted.objects[0].override_create(remap_local_usages=True)
    bpy.context.scene.collection.objects.link(head)
    room("head.add").make_editable(head)
    add_strip(voice, 30, head)
    bpy.ops.dgtalker.animate()
    head = reopened_from_first_release(head)
    assert head.override_library
    assert room("speech.takes.retarget").outdated_reason(head) == ""
    bpy.context.scene.sequence_editor.strips[0].dgtalker.jaw = 0.0
    assert curve(head, "jawOpen").max() == 0.0


def as_the_first_design(head: bpy.types.Object) -> None:
    """Plain keys become what the first release made of them: an NLA track below, whose action carries a mark."""
    for owner in (head.data.shape_keys, head):
        animation = owner.animation_data
        action, slot = animation.action, animation.action_slot
        action["dgtalker_speech"] = True
        animation.action = None
        track = animation.nla_tracks.new()
        track.name = "Speech"
        strip = track.strips.new("Speech", int(action.frame_range[0]), action)
        strip.action_slot = slot
        strip.action_frame_start, strip.action_frame_end = action.frame_range
        owner.dgtalker_ledger, owner.dgtalker_action = "", None


def set_in_the_strip(head: bpy.types.Object, frame: int, value: float) -> None:
    strip = head.data.shape_keys.animation_data.nla_tracks["Speech"].strips[0]
    bag = strip.action.layers[0].strips[0].channelbag(strip.action_slot)
    curve = bag.fcurves.find('key_blocks["jawOpen"].value')
    next(point for point in curve.keyframe_points if point.co.x == frame).co.y = value
    curve.update()


def jaw(head: bpy.types.Object, frame: int) -> float:
    bpy.context.scene.frame_set(frame)
    return head.data.shape_keys.key_blocks["jawOpen"].value


def test_tracks_of_the_first_design_become_plain_keys_with_what_was_edited_in_them(room, animated, curve):
    head, strip = animated()
    usual = curve(head, "jawOpen")
    first = room("speech.keys.keyframes").span(head).start
    as_the_first_design(head)
    set_in_the_strip(head, 55, 0.9)
    brow = head.data.shape_keys.key_blocks["browInnerUp"]
    brow.value = 0.77
    brow.keyframe_insert("value", frame=40)
    notes = room("speech.animation").animate(bpy.context, [head])
    assert "became plain keys" in " ".join(notes)
    for owner in (head.data.shape_keys, head):
        assert not owner.animation_data.nla_tracks
    now = curve(head, "jawOpen")
    assert jaw(head, 55) == pytest.approx(0.9)
    assert np.flatnonzero(np.abs(now - usual) > 1e-3).tolist() == [55 - first]
    assert brow.value < 0.77
    bpy.context.scene.frame_set(40)
    assert brow.value == pytest.approx(0.77)
    bpy.context.scene.frame_set(first - 50)
    assert brow.value == pytest.approx(0.0, abs=1e-6), "below the track was rest, not her one key"
    strip.dgtalker.jaw = 0.0
    assert jaw(head, 55) == pytest.approx(0.9)


def test_what_was_edited_in_the_parts_of_a_cut_track_stays(room, animated, curve):
    head, _ = animated()
    usual = curve(head, "jawOpen")
    first = room("speech.keys.keyframes").span(head).start
    as_the_first_design(head)
    track = head.data.shape_keys.animation_data.nla_tracks["Speech"]
    before = track.strips[0]
    last, slot = before.action_frame_end, before.action_slot
    before.action_frame_end = before.frame_end = 59
    after = track.strips.new("Speech.001", 60, before.action.copy())
    after.action_slot = after.action.slots[slot.identifier]
    after.action_frame_start, after.action_frame_end = 60, last
    after.frame_start, after.frame_end = 60, last
    for strip, frame in ((before, 55), (after, 65)):
        bag = strip.action.layers[0].strips[0].channelbag(strip.action_slot)
        points = bag.fcurves.find('key_blocks["jawOpen"].value').keyframe_points
        next(point for point in points if point.co.x == frame).co.y = 0.9
    room("speech.animation").animate(bpy.context, [head])
    assert [jaw(head, frame) for frame in (55, 65)] == pytest.approx([0.9, 0.9])
    now = curve(head, "jawOpen")
    assert np.flatnonzero(np.abs(now - usual) > 1e-3).tolist() == [55 - first, 65 - first]


def test_a_track_that_was_cut_in_the_nla_plays_no_half_of_the_old_line(room, animated, trim, curve):
    """Both halves show the same action, as *Split Strips* makes them, and the line has become shorter since."""
    head, strip = animated()
    as_the_first_design(head)
    owners = (head.data.shape_keys, head)
    for owner in owners:
        track = owner.animation_data.nla_tracks["Speech"]
        before = track.strips[0]
        last, end = before.action_frame_end, before.frame_end
        before.action_frame_end = before.frame_end = 50
        after = track.strips.new("Speech.001", 51, before.action)
        after.action_slot = before.action_slot
        after.action_frame_start, after.action_frame_end = 51, last
        after.frame_start, after.frame_end = 51, end
    trim(strip, 30, 45)
    notes = room("speech.animation").animate(bpy.context, [head])
    assert "became plain keys" in " ".join(notes)
    assert all(not owner.animation_data.nla_tracks for owner in owners)
    rest = room("speech.keys.keyframes").span(head).stop + 12
    assert rest < 80, "the old line would be heard until 90"
    assert max(abs(jaw(head, frame)) for frame in range(rest, 140)) < 1e-6


def test_a_head_of_the_first_design_nods_from_the_first_writing_on(keys, make_head, make_performance):
    head = make_head()
    keys.write(head, make_performance(50), 10)
    as_the_first_design(head)
    assert "keep turning" not in " ".join(keys.write(head, make_performance(50), 10))
    assert not head.animation_data.nla_tracks
    bpy.context.scene.frame_set(59)
    assert head.delta_rotation_euler.x == pytest.approx(0.2, abs=1e-5)


def test_baked_tracks_of_the_first_design_stay(keys, make_head, make_performance):
    head = make_head()
    keys.write(head, make_performance(50), 10)
    as_the_first_design(head)
    keys.bake(head)
    assert not keys.spoken(head)
    assert "NLA strips of Ada keep turning it." in keys.write(head, make_performance(50, jaw=0.2), 10)
    assert jaw(head, 59) == 1.0


def test_sliders_wait_for_animate_and_what_cannot_be_told_from_edits_is_kept_and_named(room, animated):
    head, strip = animated()
    as_the_first_design(head)
    set_in_the_strip(head, 55, 0.9)
    old = head.data.shape_keys.animation_data.nla_tracks["Speech"].strips[0].action.name
    strip.dgtalker.jaw = 0.3
    assert jaw(head, 55) == pytest.approx(0.9)
    assert "press Animate for plain keys" in room("speech.takes.retarget").outdated_reason(head)
    notes = room("speech.animation").animate(bpy.context, [head])
    assert f"is kept in the action {old}" in " ".join(notes)
    assert bpy.data.actions[old].use_fake_user
    assert jaw(head, 55) < 0.9


def test_speech_of_the_first_design_is_cleared(animated):
    head, _ = animated()
    as_the_first_design(head)
    bpy.ops.dgtalker.clear_speech()
    for owner in (head.data.shape_keys, head):
        assert not owner.animation_data.nla_tracks
    assert jaw(head, 60) == 0.0
    assert not bpy.data.actions
