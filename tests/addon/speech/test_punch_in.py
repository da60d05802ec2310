"""Animate Range: only some frames are made anew, faded into what stands around them."""

from __future__ import annotations

import bpy
import numpy as np
import pytest
from key_tools import key_action

RANGE = (48, 68)


@pytest.fixture
def every_curve(spoken_frames):
    """`every_curve(head)`: all its sliders on every frame that it speaks, by name."""

    def play(head):
        names = [block.name for block in head.data.shape_keys.key_blocks[1:]]
        rows = []
        for frame in spoken_frames(head):
            bpy.context.scene.frame_set(frame)
            rows.append([head.data.shape_keys.key_blocks[name].value for name in names])
        return dict(zip(names, np.array(rows).T, strict=True))

    return play


@pytest.fixture
def punched(animated, every_curve, spoken_frames):
    """A head with a range of another take, its strip, its curves before and after, which rows are inside, frames."""
    head, strip = animated()
    bpy.context.view_layer.objects.active = head
    key_action(head, "jawOpen", {40: 0.9, 60: 0.8})
    before = every_curve(head)
    assert bpy.ops.dgtalker.animate_range(first=RANGE[0], last=RANGE[1], seed=3) == {"FINISHED"}
    frames = np.array(spoken_frames(head))
    return head, strip, before, every_curve(head), (frames >= RANGE[0]) & (frames <= RANGE[1]), frames


def test_only_the_range_changes_and_passes_into_what_is_around_it(punched):
    _, _, before, after, inside, _ = punched
    assert inside.sum() == 21
    changed = {name for name in before if np.abs(after[name] - before[name])[inside].max() > 0.01}
    assert changed, "another take"
    for name, curve in before.items():
        assert np.array_equal(after[name][~inside], curve[~inside]), name
    # No step is larger than either take makes: at the ends the first frames are what was there before.
    for name in changed:
        first = np.flatnonzero(inside)[0]
        assert after[name][first] == pytest.approx(before[name][first], abs=0.01), name


def test_what_was_edited_stays_in_and_outside_the_range(punched):
    _, _, _, after, _, frames = punched
    at = {frame: after["jawOpen"][np.flatnonzero(frames == frame)[0]] for frame in (40, 60)}
    assert at == {40: pytest.approx(0.9), 60: pytest.approx(0.8)}


def test_the_range_stays_when_sliders_are_moved_and_can_be_given_back(punched, every_curve, room):
    head, strip, before, after, inside, _ = punched
    labels, keyframes = room("speech.keys.labels"), room("speech.keys.keyframes")
    strip.dgtalker.expression = 0.0
    moved = every_curve(head)
    assert np.array_equal(moved["browInnerUp"][inside], after["browInnerUp"][inside])
    assert any(np.abs(moved[name] - before[name])[~inside].max() > 0.05 for name in before)
    strip.dgtalker.expression = 1.0
    texts = [row.text for row in labels.summed(keyframes.edits(head))]
    (lock,) = [text for text in texts if text.endswith("sliders 48–68")]
    assert bpy.ops.dgtalker.discard_edit(edit=lock) == {"FINISHED"}
    back = every_curve(head)
    for name, curve in before.items():
        assert back[name] == pytest.approx(curve, abs=2e-4), name


def test_a_range_can_be_made_anew_until_it_pleases(punched, every_curve):
    head, _, before, after, inside, _ = punched
    bpy.ops.dgtalker.animate_range(first=RANGE[0], last=RANGE[1], seed=4)
    again = every_curve(head)
    assert any(np.abs(again[name] - after[name])[inside].max() > 0.01 for name in before)
    bpy.ops.dgtalker.animate_range(first=RANGE[0], last=RANGE[1], seed=3)
    for name, curve in every_curve(head).items():
        assert curve[~inside] == pytest.approx(before[name][~inside], abs=2e-4), name


def test_what_fails_leaves_edits_and_locks_as_they_were(punched, every_curve, room, keys):
    head, _, _, after, _, _ = punched
    keys.lock(head, 30, 40, [])
    before = {edit.text for edit in keys.edits(head)}
    with pytest.raises(MemoryError), room("speech.keys.punch_in").only_within(head, 35, 60):
        raise MemoryError
    assert {edit.text for edit in keys.edits(head)} == before
    for name, curve in every_curve(head).items():
        assert np.array_equal(curve, after[name]), name


def test_another_transcript_is_heard_within_the_range_only(animated, every_curve, spoken_frames):
    head, strip = animated()
    bpy.context.view_layer.objects.active = head
    before = every_curve(head)
    strip.dgtalker.transcript = "mama papa mama papa"
    assert bpy.ops.dgtalker.animate_range(first=RANGE[0], last=RANGE[1], seed=0) == {"FINISHED"}
    after = every_curve(head)
    frames = np.array(spoken_frames(head))
    inside = (frames >= RANGE[0]) & (frames <= RANGE[1])
    assert max(np.abs(after[name] - before[name])[inside].max() for name in before) > 0.05
    for name, curve in before.items():
        assert np.array_equal(after[name][~inside], curve[~inside]), name


def test_frames_without_speech_and_heads_without_any_are_refused(animated, make_head):
    head, _ = animated()
    bpy.context.view_layer.objects.active = head
    with pytest.raises(RuntimeError, match="no generated keys from 900 to 950"):
        bpy.ops.dgtalker.animate_range(first=900, last=950)
    bpy.context.view_layer.objects.active = make_head("Ben")
    assert not bpy.ops.dgtalker.animate_range.poll()
