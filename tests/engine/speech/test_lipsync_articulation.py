"""From millimetres to articulators: what is wanted is had, with the least change, and nothing is below 0."""

from __future__ import annotations

import numpy as np
import pytest

from dgtalker_engine.speech.lipsync import articulation
from dgtalker_engine.speech.visemes import ARTICULATORS

RULES = np.tile([[0.16, 0.2, 0.1, 0.1, 0.15, 0.05, 0.02]], (5, 1))


def test_lips_open_as_far_as_is_wanted():
    wanted = np.array([[4.0, -2.0], [8.0, 0.0], [12.0, 3.0], [2.0, -8.0], [0.5, 1.0]])
    mouth = articulation.reached(RULES, wanted)
    assert articulation.lips(mouth) == pytest.approx(wanted, abs=0.1)
    assert mouth.min() >= 0.0


def test_a_mouth_that_is_right_already_is_left_alone():
    assert articulation.reached(RULES, articulation.lips(RULES)) == pytest.approx(RULES, abs=1e-6)


def test_lips_that_are_wanted_more_than_shut_are_shut():
    mouth = articulation.reached(RULES, np.tile([[-5.0, 0.0]], (5, 1)))
    assert articulation.lips(mouth)[:, 0] == pytest.approx(0.0, abs=0.15)
    assert mouth.min() >= 0.0
    # Nothing about the tongue is known from the lips.
    assert mouth[:, ARTICULATORS.index("tongue")] == pytest.approx(0.02)


def test_what_is_not_shut_off_by_zero_changes_by_the_least_that_does_it():
    """The least change in units of each articulator's room, as two equations say on paper."""
    wanted = articulation.lips(RULES) + np.array([1.0, 0.5])
    change = articulation.reached(RULES, wanted) - RULES
    moved = np.flatnonzero(articulation._ROOM)
    gains, room = articulation._GAINS[:, moved], articulation._ROOM[moved]
    written = np.linalg.lstsq(gains * room, np.array([1.0, 0.5]), rcond=None)[0] * room
    assert change[0, moved] == pytest.approx(written, abs=1e-3)
