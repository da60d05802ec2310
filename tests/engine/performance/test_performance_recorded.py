"""Recorded performances under the animator's amounts, and within what is spoken."""

from __future__ import annotations

import numpy as np
import pytest

from dgtalker_engine.errors import DGTalkerError
from dgtalker_engine.performance import Performance, RecordedAmounts
from dgtalker_engine.performance.lips import CLOSE_PER_JAW
from dgtalker_engine.performance.recorded import directed, punched_in, resampled

NAMES = ("jawOpen", "mouthClose", "mouthSmileLeft", "browInnerUp", "eyeBlinkLeft", "eyeLookUpLeft", "headYaw")


@pytest.fixture
def recording() -> Performance:
    """Two seconds: a jaw that opens and shuts for an instant, a smile, a blink of two frames, a turn of the head."""
    weights = np.tile(np.float32([0.5, 0.0, 0.4, 0.3, 0.0, 0.2, 0.2]), (50, 1))
    weights[24:27, 0] = 0.0
    weights[10:14, 4] = [0.5, 1.0, 1.0, 0.5]
    return Performance(25.0, NAMES, weights)


def test_amounts_scale_their_own_part_of_the_face(recording):
    moved = directed(recording, RecordedAmounts(lips=0.5, jaw=0.5, head=0.0, gaze=2.0))
    expected = {"jawOpen": 0.25, "mouthSmileLeft": 0.2, "browInnerUp": 0.3, "eyeLookUpLeft": 0.4, "headYaw": 0.0}
    assert {name: float(moved.curve(name)[40]) for name in expected} == pytest.approx(expected, abs=0.01)


def test_without_amounts_nothing_changes(recording):
    assert directed(recording, RecordedAmounts()) is recording


def test_smoothing_keeps_lips_that_touch_and_blinks_that_close(recording):
    moved = directed(recording, RecordedAmounts(smoothing=0.4, expression=0.5))
    apart = moved.curve("jawOpen") - moved.curve("mouthClose") / CLOSE_PER_JAW
    assert apart[25] < 0.02 < 0.3 < apart[40]
    assert moved.curve("eyeBlinkLeft")[11] > 0.95
    assert np.ptp(np.diff(moved.curve("jawOpen")[:20])) < 0.05


def test_amounts_below_none_are_refused():
    with pytest.raises(DGTalkerError, match="amount"):
        RecordedAmounts(head=-1.0)


def test_a_recording_is_played_whole_and_faded_into_what_is_spoken(recording):
    spoken = Performance(25.0, ("jawOpen", "cheekPuff"), np.full((200, 2), 0.2, np.float32))
    both = punched_in(spoken, recording, 100)
    assert both.frames == 200
    assert both.curve("jawOpen")[[0, 90, 160, 199]] == pytest.approx(0.2)
    assert np.array_equal(both.curve("jawOpen")[100:150], recording.curve("jawOpen"))
    assert 0.2 < both.curve("jawOpen")[97] < 0.5
    assert both.curve("cheekPuff") == pytest.approx(0.2)
    assert both.curve("headYaw")[[0, 199]] == pytest.approx(0.0)


def test_a_recording_may_begin_before_and_end_behind_what_is_spoken(recording):
    spoken = Performance(25.0, ("jawOpen",), np.full((10, 1), 0.2, np.float32))
    both = punched_in(spoken, recording, -20)
    assert both.frames == 50
    assert np.array_equal(both.curve("jawOpen"), recording.curve("jawOpen"))
    assert punched_in(spoken, recording, 30).frames == 80


def test_blinks_still_close_at_another_frame_rate(recording):
    for fps in (24.0, 23.976, 30.0, 60.0):
        other = resampled(recording, fps)
        assert abs(other.frames / fps - 2.0) < 0.05
        assert other.curve("eyeBlinkLeft").max() > 0.99
        assert other.curve("mouthSmileLeft") == pytest.approx(0.4)
