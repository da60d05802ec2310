"""Takes of a line: kept with the settings of a moment, and used over a range of frames."""

from __future__ import annotations

import bpy
import numpy as np
import pytest
from key_tools import key_action

RANGE = (48, 68)
SMILE = "mouthSmileLeft"


@pytest.fixture
def comped(animated, curve, spoken_frames):
    """A head of whose happy take some frames are used, its strip, a smile in that take, before and after, frames."""
    head, strip = animated()
    strip.dgtalker.style_happy = 1.0
    happy = curve(head, SMILE)
    assert bpy.ops.dgtalker.keep_take() == {"FINISHED"}
    strip.dgtalker.style_happy = 0.0
    key_action(head, SMILE, {60: 0.3})
    before = curve(head, SMILE)
    bpy.context.view_layer.objects.active = head
    assert bpy.ops.dgtalker.use_take(take=0, first=RANGE[0], last=RANGE[1]) == {"FINISHED"}
    return head, strip, happy, before, curve(head, SMILE), np.array(spoken_frames(head))


def used(room, strip) -> list[tuple[int, int, int]]:
    return [(each.first, each.last, each.take) for each in room("speech.takes.used_takes").of(bpy.context.scene, strip)]


def test_a_range_is_as_in_the_kept_take_around_what_was_edited(comped, curve, room):
    head, strip, happy, before, after, frames = comped
    inside = (frames >= RANGE[0]) & (frames <= RANGE[1])
    assert np.array_equal(after[~inside], before[~inside])
    assert after[frames == 60] == pytest.approx(0.3), "what was edited stays"
    middle = (frames >= 52) & (frames <= 55)
    assert after[middle] == pytest.approx(happy[middle], abs=1e-3)
    assert (after[middle] > before[middle] + 0.3).all()
    assert np.abs(np.diff(after[frames <= 55])).max() < 0.4, "it passes into what is around it"
    assert used(room, strip) == [(*RANGE, 1)]
    strip.dgtalker.style_sad = 1.0
    assert curve(head, SMILE)[inside] == pytest.approx(after[inside], abs=1e-6), "the range is locked"
    labels, keyframes = room("speech.keys.labels"), room("speech.keys.keyframes")
    strip.dgtalker.style_sad = 0.0
    (lock,) = {row.text for row in labels.summed(keyframes.edits(head)) if row.text.endswith("sliders 48–68")}
    assert bpy.ops.dgtalker.discard_edit(edit=lock) == {"FINISHED"}
    assert used(room, strip) == []


def test_takes_go_with_their_strip_and_are_saved(comped, curve, room, tmp_path):
    head, strip, _, _, after, frames = comped
    setattr(strip, "content_start" if bpy.app.version >= (5, 2) else "frame_start", 40)
    assert bpy.ops.dgtalker.update_keys() == {"FINISHED"}
    assert used(room, strip) == [(RANGE[0] + 10, RANGE[1] + 10, 1)]
    middle = (frames >= 52) & (frames <= 55)
    assert curve(head, SMILE)[middle] == pytest.approx(after[middle], abs=1e-3)
    head_name, path = head.name, str(tmp_path / "takes.blend")
    bpy.ops.wm.save_as_mainfile(filepath=path)
    bpy.ops.wm.open_mainfile(filepath=path)
    head, editor = bpy.data.objects[head_name], bpy.context.scene.sequence_editor
    strip = editor.strips_all[0]
    editor.active_strip, bpy.context.view_layer.objects.active = strip, head
    assert [each.name for each in strip.dgtalker.kept_takes] == ["Take A"]
    assert bpy.ops.dgtalker.use_take(take=0, first=70, last=74) == {"FINISHED"}
    assert used(room, strip) == [(58, 69, 1), (70, 74, 1), (75, 78, 1)]
    assert bpy.ops.dgtalker.animate_range(first=58, last=74, seed=4) == {"FINISHED"}
    assert used(room, strip) == [(75, 78, 1)], "another take was made there"


def test_what_cannot_be_kept_or_used_is_said(comped, room, monkeypatch):
    _, strip, *_ = comped
    with pytest.raises(RuntimeError, match="has no frames from 500 to 510"):
        bpy.ops.dgtalker.use_take(take=0, first=500, last=510)
    with pytest.raises(RuntimeError, match="no such take"):
        bpy.ops.dgtalker.use_take(take=5, first=50, last=60)
    assert bpy.ops.dgtalker.keep_take() == {"FINISHED"}
    assert [each.name for each in strip.dgtalker.kept_takes] == ["Take A", "Take B"]
    monkeypatch.setattr(room("speech.takes.kept_takes"), "MOST_KEPT", len(strip.dgtalker.kept_takes[0].data) * 2)
    with pytest.raises(RuntimeError, match="kB of takes"):
        bpy.ops.dgtalker.keep_take()
    assert bpy.ops.dgtalker.remove_take(take=0) == {"FINISHED"}
    assert [each.name for each in strip.dgtalker.kept_takes] == ["Take B"]
    strip.dgtalker.kept_takes[0].data = "AAAA"
    with pytest.raises(RuntimeError, match="cannot be read"):
        bpy.ops.dgtalker.use_take(take=0, first=50, last=60)


def test_a_removed_take_gives_its_name_to_no_other(comped, room):
    _, strip, *_ = comped
    assert bpy.ops.dgtalker.remove_take(take=0) == {"FINISHED"}
    assert bpy.ops.dgtalker.keep_take() == {"FINISHED"}
    assert [each.name for each in strip.dgtalker.kept_takes] == ["Take B"]
    assert room("speech.takes.kept_takes").name_of(strip, 1) == "a removed take"
    strip.dgtalker.used_takes[0].start = strip.dgtalker.kept_takes[0].begins = float("nan")
    assert used(room, strip) == []
    with pytest.raises(RuntimeError, match="cannot be read"):
        bpy.ops.dgtalker.use_take(take=0, first=50, last=60)


def test_using_a_take_is_one_step_of_undo(comped, curve, room):
    head, strip, _, _, after, _ = comped
    name, line = head.name, strip.name
    bpy.ops.ed.undo_push(message="before")
    bpy.ops.dgtalker.use_take("EXEC_DEFAULT", True, take=0, first=70, last=76)
    assert not np.allclose(curve(bpy.data.objects[name], SMILE), after, atol=0.05)
    bpy.ops.ed.undo()
    strip = bpy.context.scene.sequence_editor.strips[line]
    assert curve(bpy.data.objects[name], SMILE) == pytest.approx(after, abs=1e-6)
    assert used(room, strip) == [(*RANGE, 1)]
