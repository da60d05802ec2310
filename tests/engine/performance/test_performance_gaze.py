"""Eyes that meet a target: where they look, how the head helps, and when lids blink."""

from __future__ import annotations

import numpy as np
import pytest

from dgtalker_engine.performance import Performance, gaze
from dgtalker_engine.rig import ARKIT_NAMES, HEAD_NAMES

FPS = 25.0


def still(frames: int = 100) -> Performance:
    names = ARKIT_NAMES + HEAD_NAMES
    return Performance(FPS, names, np.zeros((frames, len(names)), np.float32))


def at(*points: tuple[float, float, float], each: int = 50) -> np.ndarray:
    return np.repeat(np.array(points, float), each, axis=0)


def direction(performance: Performance) -> np.ndarray:
    """Where both together, head and eyes, look: degrees to the own left and down, (frames, 2)."""
    side = performance.curve("eyeLookOutLeft") - performance.curve("eyeLookInLeft")
    down = performance.curve("eyeLookDownLeft") - performance.curve("eyeLookUpLeft")
    eyes = np.stack([side, down], axis=1) * gaze.EYE_RANGE
    return np.degrees(eyes + performance.select(HEAD_NAMES[:2]))


@pytest.mark.parametrize("share", [0.0, 0.3, 0.6])
@pytest.mark.parametrize(
    ("point", "expected"),
    [((0, -2, 0), (0, 0)), ((1, -2, 0), (26.57, 0)), ((-1, -2, 0), (-26.57, 0)), ((0, -2, -0.8), (0, 21.8))],
)
def test_eyes_and_head_together_meet_the_target_on_every_frame(point, expected, share):
    looked = gaze.looking_at(still(50), at(point), np.ones(50), share)
    assert direction(looked) == pytest.approx(np.tile(expected, (50, 1)), abs=0.1)
    head = np.degrees(looked.select(HEAD_NAMES[:2]))
    assert np.linalg.norm(head[-1]) == pytest.approx(share * np.linalg.norm(expected), rel=0.02, abs=0.1)


def test_both_eyes_look_the_same_way():
    looked = gaze.looking_at(still(50), at((1, -2, 0.5)), np.ones(50), 0.0)
    assert np.array_equal(looked.curve("eyeLookOutLeft"), looked.curve("eyeLookInRight"))
    assert np.array_equal(looked.curve("eyeLookUpLeft"), looked.curve("eyeLookUpRight"))
    assert looked.curve("eyeLookInLeft").max() == looked.curve("eyeLookDownLeft").max() == 0.0


def test_eyes_lead_and_the_head_follows_a_shift_with_a_blink():
    looked = gaze.looking_at(still(), at((-0.7, -2, 0), (0.7, -2, 0)), np.ones(100), 0.5)
    assert direction(looked)[50, 0] == pytest.approx(19.29, abs=0.1), "the gaze is there at once"
    yaw = np.degrees(looked.curve("headYaw"))
    assert yaw[50] < 0 < yaw[60] < yaw[75]
    assert np.abs(np.diff(yaw)).max() < 4, "the head does not jump"
    blink = looked.curve("eyeBlinkLeft")
    assert blink[48:54].max() > 0.9
    assert blink[:44].max() == blink[62:].max() == 0.0


def test_a_small_shift_and_a_slow_one_come_without_a_blink():
    small = gaze.looking_at(still(), at((0, -2, 0), (0.2, -2, 0)), np.ones(100), 0.3)
    path = np.stack([np.linspace(-1, 1, 100), np.full(100, -2.0), np.zeros(100)], axis=1)
    slow = gaze.looking_at(still(), path, np.ones(100), 0.3)
    assert small.curve("eyeBlinkLeft").max() == slow.curve("eyeBlinkLeft").max() == 0.0


def test_an_amount_of_nothing_changes_nothing_and_what_lies_behind_is_let_go():
    usual = still(50)
    usual.weights[:, usual.names.index("eyeLookUpLeft")] = 0.3
    for point, amount in (((1, -2, 0), 0.0), ((0, 2, 0), 1.0)):
        looked = gaze.looking_at(usual, at(point), np.full(50, amount), 0.5)
        assert looked.weights == pytest.approx(usual.weights, abs=1e-6)


def test_the_eyes_stay_on_the_target_while_the_head_nods():
    nodding = still(50)
    nodding.weights[:, nodding.names.index("headPitch")] = 0.1 * np.sin(np.arange(50) / 4)
    looked = gaze.looking_at(nodding, at((0.4, -2, 0)), np.ones(50), 0.0)
    assert direction(looked) == pytest.approx(np.tile((11.31, 0.0), (50, 1)), abs=0.1)
