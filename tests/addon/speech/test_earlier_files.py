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
    room, animated, curve, reopened_from_first_release
):
    head, _ = animated()
    usual = curve(head, "jawOpen")
    head = reopened_from_first_release(head)
    retarget = room("speech.takes.retarget")
    assert retarget.outdated_reason(head) == ""
    assert not retarget.behind(head)
    assert set(NAMES_BEFORE.values()) <= set(stored(head).keys())
    assert not set(NAMES_BEFORE) & set(stored(head).keys())
    assert np.array_equal(curve(head, "jawOpen"), usual)


def test_a_take_of_the_first_release_follows_a_slider_without_the_engine(
    room, animated, curve, reopened_from_first_release
):
    head, _ = animated()
    head = reopened_from_first_release(head)
    room("bridge.engine").stop()
    strip = bpy.context.scene.sequence_editor.strips[0]
    strip.dgtalker.jaw = 0.0
    assert curve(head, "jawOpen").max() == 0.0
    assert not room("speech.takes.retarget").behind(head)
    strip.dgtalker.transcript = "Hello! My favorite movie"
    assert "transcript of Ada was changed" in room("speech.takes.retarget").outdated_reason(head)


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
