"""Strips that are moved, copied and cut take their keys along, without the engine; what is new alone is listened to."""

from __future__ import annotations

import json
import shutil
from types import SimpleNamespace

import bpy
import numpy as np
import pytest

START = "content_start" if bpy.app.version >= (5, 2) else "frame_start"


class Answer:
    """What the engine answers at once: a take whose jaw follows the sound, with a syllable each quarter of a second."""

    progress, done = (0.5, "Listening"), True

    def __init__(self, header, samples, passages):
        from dgtalker_engine.performance import Phone, Take, Word

        fps, count = header["fps"], len(samples) / header["sample_rate"]
        frames = int(np.ceil(count * fps))
        pieces = np.array_split(np.abs(samples.astype(np.float32)), frames)
        jaw = np.convolve([piece.mean() for piece in pieces], np.ones(3) / 3, "same")
        spans = [(each["start"], each["end"]) for each in json.loads(passages)]
        beats = np.array([time for start, end in spans for time in np.arange(start + 0.1, end - 0.2, 0.25)])
        take = Take(
            fps=fps,
            duration=count,
            names=("jawOpen", "mouthFunnel"),
            weights=np.stack([3 * jaw, jaw], axis=1).astype(np.float32),
            phones=tuple(Phone("AA", time, time + 0.2) for time in beats),
            words=tuple(Word("la", time, time + 0.2) for time in beats),
            utterances=np.array(spans),
            pauses=np.empty((0, 2)),
            syllables=np.stack([beats, np.ones(len(beats)), np.zeros(len(beats))], axis=1),
            closures=np.stack([beats, beats + 0.04], axis=1)[::4],
            bites=np.empty((0, 2)),
            seed=7,
        )
        self.reply = SimpleNamespace(header={"notes": ["Heard at 0:01.0."]}, body=take.to_bytes())

    def wait(self, timeout=None):
        return True

    def result(self):
        return self.reply


@pytest.fixture(autouse=True)
def asked(room, monkeypatch):
    """What the engine, of which the answers are made here, was asked to listen to: the passages of each request."""
    requests: list[list[dict]] = []

    def answer(op, header, data):
        requests.append(json.loads(data[1]))
        return Answer(header, *data)

    monkeypatch.setattr(room("bridge.engine"), "submit", answer)
    return requests


@pytest.fixture
def two_lines(make_head, add_strip, tone, asked):
    """A head that speaks two lines, and her strips."""
    head = make_head()
    first = add_strip(tone("first", ramp=True), frame=30, head=head)
    second = add_strip(tone("second", level=0.3), frame=130, head=head)
    bpy.ops.dgtalker.animate()
    asked.clear()
    return head, first, second


def keys_of(head: bpy.types.Object, start: int, end: int) -> dict[str, np.ndarray]:
    """All sliders on some frames."""
    found = {block.name: [] for block in head.data.shape_keys.key_blocks[1:]}
    for frame in range(start, end):
        bpy.context.scene.frame_set(frame)
        for name, values in found.items():
            values.append(head.data.shape_keys.key_blocks[name].value)
    return {name: np.array(values) for name, values in found.items()}


def apart(one: dict[str, np.ndarray], other: dict[str, np.ndarray]) -> float:
    return max(float(np.abs(one[name] - other[name]).max()) for name in one)


def key(head: bpy.types.Object, name: str, value: float, frame: int) -> None:
    block = head.data.shape_keys.key_blocks[name]
    block.value = value
    block.keyframe_insert("value", frame=frame)


def move(strip: bpy.types.Strip, frames: int) -> None:
    setattr(strip, START, getattr(strip, START) + frames)


@pytest.mark.parametrize("button", ["animate", "update_keys"])
def test_a_strip_that_is_moved_takes_its_keys_and_hand_keys_along(two_lines, asked, button):
    head, _, second = two_lines
    key(head, "jawOpen", 0.83, 145)
    key(head, "browInnerUp", 0.4, 50)
    before, others = keys_of(head, 125, 180), keys_of(head, 25, 80)
    move(second, 37)
    getattr(bpy.ops.dgtalker, button)()
    assert not asked
    assert apart(keys_of(head, 125 + 37, 180 + 37), before) < 1e-3
    assert apart(keys_of(head, 25, 80), others) < 1e-3
    bpy.context.scene.frame_set(145)
    assert head.data.shape_keys.key_blocks["jawOpen"].value == pytest.approx(0.0, abs=1e-3)
    move(second, -37)
    getattr(bpy.ops.dgtalker, button)()
    assert apart(keys_of(head, 125, 180), before) < 1e-3


def test_a_strip_that_is_copied_is_spoken_twice_with_her_edits(two_lines, asked, add_strip):
    head, first, _ = two_lines
    key(head, "jawOpen", 0.83, 45)
    bpy.ops.dgtalker.animate()
    before = keys_of(head, 30, 70)
    again = add_strip(first.sound.filepath, frame=330, head=head, name="first.001")
    again.dgtalker.transcript = first.dgtalker.transcript
    bpy.ops.dgtalker.animate()
    assert not asked
    assert apart(keys_of(head, 30, 70), before) < 1e-3
    assert apart(keys_of(head, 330, 370), before) < 1e-3


def test_a_strip_that_is_split_and_parted_speaks_each_half(two_lines, asked):
    head, first, _ = two_lines
    key(head, "jawOpen", 0.83, 65)
    before = keys_of(head, 30, 80)
    half = first.split(frame=55, split_method="SOFT")
    bpy.ops.dgtalker.animate()
    assert apart(keys_of(head, 30, 80), before) < 0.02
    move(half, 10)
    bpy.ops.dgtalker.animate()
    assert not asked
    after = keys_of(head, 30, 80 + 10)
    assert np.abs(after["jawOpen"][35:45] - before["jawOpen"][25:35]).max() < 1e-3
    assert after["jawOpen"][75 - 30] == pytest.approx(0.83)
    assert len(head.dgtalker_speech.heard_lines) < 200_000


def test_a_trim_that_is_taken_back_costs_nothing(two_lines, asked, trim):
    head, first, _ = two_lines
    key(head, "jawOpen", 0.83, 65)
    before = keys_of(head, 25, 80)
    trim(first, 40, 60)
    bpy.ops.dgtalker.animate()
    shorter = keys_of(head, 25, 80)["mouthFunnel"]
    assert np.abs(shorter[:10]).max() < 0.02
    trim(first, 30, 78)
    bpy.ops.dgtalker.animate()
    assert not asked
    assert apart(keys_of(head, 25, 80), before) < 1e-3


def test_only_a_sound_that_was_replaced_on_disk_is_listened_to(room, two_lines, asked, tone):
    head, first, _ = two_lines
    before = keys_of(head, 125, 180)
    shutil.copy(tone("another", level=0.7), bpy.path.abspath(first.sound.filepath))
    assert "press Animate" in room("speech.takes.retarget").outdated_reason(head)
    bpy.ops.dgtalker.animate()
    assert [len(passages) for passages in asked] == [1]
    assert apart(keys_of(head, 125, 180), before) < 1e-3


def test_a_slider_takes_the_keys_of_a_moved_strip_along(two_lines, asked):
    head, _, second = two_lines
    before = keys_of(head, 125, 180)["browInnerUp"]
    move(second, 20)
    second.dgtalker.jaw = 0.0
    after = keys_of(head, 145, 200)
    assert np.allclose(after["browInnerUp"], before, atol=1e-3)
    assert after["jawOpen"].max() == 0.0
    assert not asked


def test_a_move_and_its_keys_are_taken_back_together(two_lines):
    key(bpy.data.objects["Ada"], "jawOpen", 0.83, 145)
    bpy.ops.ed.undo_push(message="before")
    before = keys_of(bpy.data.objects["Ada"], 125, 200)
    move(bpy.context.scene.sequence_editor.strips["second"], 20)
    bpy.ops.ed.undo_push(message="Move")
    bpy.ops.dgtalker.update_keys("EXEC_DEFAULT", True)
    bpy.context.scene.frame_set(165)
    assert bpy.data.objects["Ada"].data.shape_keys.key_blocks["jawOpen"].value == pytest.approx(0.83)
    bpy.ops.ed.undo()
    assert apart(keys_of(bpy.data.objects["Ada"], 125, 200), before) < 1e-4
    bpy.ops.ed.undo()
    assert apart(keys_of(bpy.data.objects["Ada"], 125, 200), before) < 1e-4
    bpy.ops.ed.redo()
    bpy.ops.ed.redo()
    bpy.context.scene.frame_set(165)
    assert bpy.data.objects["Ada"].data.shape_keys.key_blocks["jawOpen"].value == pytest.approx(0.83)


def test_a_line_that_is_given_to_another_head_is_not_listened_to_again(two_lines, asked, make_head):
    _, first, _ = two_lines
    bob = make_head("Bob")
    first.dgtalker.speaker = bob
    bpy.ops.dgtalker.animate()
    assert not asked
    assert keys_of(bob, 25, 80)["jawOpen"].max() > 0.1


def test_what_is_kept_is_bounded(room):
    bank = room("speech.takes.line_bank")
    every = [bank.HeardLine(f"sound {i}", "", 0.0, 1.0, 0.0, bytes(100_000)) for i in range(40)]
    placed = bank.PlacedLine("line", "sound 39", "", 10.0, 10.0, 34.0, 5.0, 40.0, 24.0, True)
    kept = bank.kept(every, [placed])
    assert every[39] in kept
    assert sum(len(each.take) for each in kept) <= bank.MOST_UNUSED + 100_000
    assert list(bank.from_text(bank.to_text(kept))) == kept
    assert bank.placed_from_text(bank.placed_to_text([placed])) == [placed]
    for text in ("AAAA", bank.to_text(kept)[:5000]):
        with pytest.raises(Exception, match="Clear Speech"):
            bank.from_text(text)


def test_whose_lines_are_damaged_is_said(two_lines, make_head, add_strip, tone):
    two_lines[0].dgtalker_speech.heard_lines = "AAAA"
    add_strip(tone("his", level=0.7), frame=30, head=make_head("Bob"))
    with pytest.raises(RuntimeError, match="Ada: What was heard of the lines cannot be read"):
        bpy.ops.dgtalker.animate()
    bpy.ops.dgtalker.clear_speech()
    bpy.ops.dgtalker.animate()


def test_lines_that_are_far_apart_are_listened_to_apart_and_progress_names_them(
    room, make_head, add_strip, tone, asked
):
    head = make_head()
    frames = (30, 100, 24 * 200)
    for frame in frames:
        add_strip(tone(f"{frame}", level=0.2 + frame / 10000), frame=frame, head=head)
    steps = room("speech.animation").animate_steps(bpy.context, [head])
    said = [pending.progress for pending in steps]
    assert [len(passages) for passages in asked] == [2, 1]
    assert [text for _, text in said] == ["Listening, Ada, line 2 of 3", "Listening, Ada, line 3 of 3"]
    assert [fraction for fraction, _ in said] == pytest.approx([1 / 3, 2.5 / 3])
    for frame in frames:
        assert keys_of(head, frame, frame + 48)["jawOpen"].max() > 0.1


def test_strips_that_sound_at_once_are_one_line(two_lines, add_strip, tone, asked):
    head, first, _ = two_lines
    over = add_strip(tone("over", level=0.6), frame=50, head=head)
    bpy.ops.dgtalker.animate()
    assert [len(passages) for passages in asked] == [2]
    asked.clear()
    before = keys_of(head, 30, 98)
    for strip in (first, over):
        move(strip, 300)
    bpy.ops.dgtalker.animate()
    assert not asked
    assert np.abs(keys_of(head, 330, 398)["jawOpen"] - before["jawOpen"]).max() < 1e-3
    move(over, 5)
    bpy.ops.dgtalker.animate()
    assert len(asked) == 1, "another mix"


def test_an_edit_whose_new_place_holds_a_key_of_hers_stays_and_it_is_said(room, two_lines):
    head, _, second = two_lines
    key(head, "jawOpen", 0.83, 145)
    key(head, "jawOpen", 0.4, 300)
    move(second, 155)
    notes = room("speech.animation").animate(bpy.context, [head])
    values = keys_of(head, 145, 301)["jawOpen"]
    assert (values[0], values[155]) == (pytest.approx(0.83), pytest.approx(0.4))
    assert "stays where it was" in " ".join(notes)


def test_lines_that_are_forgotten_while_another_is_listened_to_are_spoken(room, two_lines, add_strip, tone, asked):
    head, _, _ = two_lines
    before = keys_of(head, 30, 80)["jawOpen"]
    add_strip(tone("third", level=0.6), frame=230, head=head)
    steps = room("speech.animation").animate_steps(bpy.context, [head])
    next(steps)
    bpy.ops.dgtalker.clear_speech()
    with pytest.raises(StopIteration):
        next(steps)
    assert [len(passages) for passages in asked] == [1]
    assert np.allclose(keys_of(head, 30, 80)["jawOpen"], before, atol=1e-3)
    assert keys_of(head, 230, 278)["jawOpen"].max() > 0.1


def test_a_strip_that_is_moved_before_it_is_listened_to_is_not_heard_as_silence(
    room, make_head, add_strip, tone, asked
):
    head = make_head()
    add_strip(tone("near"), frame=30, head=head)
    far = add_strip(tone("far"), frame=24 * 200, head=head)
    steps = room("speech.animation").animate_steps(bpy.context, [head])
    next(steps)
    move(far, 100)
    with pytest.raises(Exception, match="changed while others were listened to"):
        next(steps)
    bpy.ops.dgtalker.animate()
    assert keys_of(head, 24 * 200 + 100, 24 * 200 + 148)["jawOpen"].max() > 0.1
