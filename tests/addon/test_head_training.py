"""What is shown of how a head was trained, and the sliders that its video does not support."""

from __future__ import annotations

from dataclasses import replace

import bpy
import pytest

RECORD = {
    "system": "gaussiantalker",
    "version": "0.1.0",
    "clip_seconds": 5.04,
    "frames": 125,
    "bake": {"psnr": 41.2, "lip_error": 0.31},
    "unsupported": ["tongueOut", "cheekPuff"],
}


@pytest.fixture(scope="module")
def robin(extension):
    """What the engine says of a built-in head."""
    avatars = extension.bridge.avatars
    return avatars.opened(avatars.submit_open(builtin="robin"))


@pytest.fixture
def trained(room, robin):
    """``trained(record) -> object``: a head whose file has this training record."""
    return lambda record: room("head.add").place_head(
        bpy.context, replace(robin, metadata={**robin.metadata, "training": record})
    )


def test_a_trained_head_says_from_what_it_was_made(trained, room):
    assert room("head.add").training_lines(trained(RECORD)) == (
        "Made by GaussianTalker",
        "From 125 frames, 5.0 s",
        "File against what was trained: 41.2 dB",
        "Lips: 0.31 px of 512",
        "Version 0.1.0",
    )


def test_figures_that_were_not_measured_are_left_out(trained, room):
    head = trained({**RECORD, "bake": {"psnr": None}})
    assert len(room("head.add").training_lines(head)) == 3


def test_sliders_that_the_video_does_not_show_are_known_and_move_all_the_same(trained, room):
    head = trained(RECORD)
    assert room("head.model").training_of(head).unsupported == {"tongueOut", "cheekPuff"}
    assert not room("head.model").locked_reason(head)
    head.data.shape_keys.key_blocks["tongueOut"].value = 1.0
    assert room("head.model").evaluated_weights(head, bpy.context.evaluated_depsgraph_get())["tongueOut"] == 1.0


def test_the_record_stays_in_the_file(trained, room, tmp_path):
    name = trained(RECORD).name
    bpy.ops.wm.save_as_mainfile(filepath=str(tmp_path / "a.blend"))
    bpy.ops.wm.open_mainfile(filepath=str(tmp_path / "a.blend"))
    assert room("head.model").training_of(bpy.data.objects[name]).frames == 125


def test_a_head_that_was_not_trained_says_nothing(trained, room):
    head = trained(None)
    assert room("head.model").training_of(head) is None
    assert room("head.add").training_lines(head) == ()


@pytest.mark.parametrize(
    "text", ["[]", "7", "{", '{"system": 1}', '{"frames": "many"}', "x" * 200_000, "[" * 50_000, '{"bake": 3}']
)
def test_a_damaged_record_is_passed_over(trained, room, text):
    head = trained(RECORD)
    head.dgtalker.training = text
    assert room("head.model").training_of(head) is None
