"""The turns of a head as controls of its neck, and back."""

from __future__ import annotations

import numpy as np
import pytest
from scipy.spatial.transform import Rotation

from dgtalker_engine.performance import Performance
from dgtalker_engine.performance.neck import NECK_NAMES, as_a_whole, over_neck
from dgtalker_engine.rig import HEAD_NAMES, NECK_TURNS


def turning(names, *rows) -> Performance:
    return Performance(25.0, names, np.array(rows, "f4"))


@pytest.fixture
def nodding() -> Performance:
    """Turns of up to half a radian about all axes, and one of none; beside them a jaw."""
    random = np.random.default_rng(0).uniform(-0.5, 0.5, (40, 4))
    random[0] = 0
    return turning((*HEAD_NAMES, "jawOpen"), *random)


def test_the_neck_turns_the_head_as_far_as_it_turned_as_a_whole(nodding):
    """Its joint adds rotation vectors."""
    found = over_neck(nodding)
    vectors = sum(found.curve(name)[:, None] * np.array(NECK_TURNS[name]) for name in NECK_NAMES)
    yaw, pitch, roll = (nodding.curve(name) for name in HEAD_NAMES)
    wanted = Rotation.from_euler("xyz", np.stack([pitch, roll, yaw], axis=1))
    assert (Rotation.from_rotvec(vectors).inv() * wanted).magnitude().max() < 1e-6
    assert set(found.names) == {"jawOpen", *NECK_NAMES}
    assert np.array_equal(found.curve("jawOpen"), nodding.curve("jawOpen"))


@pytest.mark.parametrize(
    ("turned", "by"), [("headYaw", "headTurn"), ("headPitch", "headNod"), ("headRoll", "headTilt")]
)
def test_a_turn_about_one_axis_is_one_control_of_the_same_sense(turned, by):
    found = over_neck(turning((turned,), [0.1], [0.0]))
    assert found.curve(by)[0] == pytest.approx(0.1 / max(NECK_TURNS[by]), rel=1e-5)
    assert all(abs(found.curve(name)).max() < 1e-7 for name in NECK_NAMES if name != by)


def test_there_and_back_is_the_same(nodding):
    again = as_a_whole(over_neck(nodding))
    np.testing.assert_allclose(again.select(nodding.names), nodding.weights, atol=1e-6)


def test_a_neck_that_turns_already_turns_on(nodding):
    """Of a head that turns as a whole and by its neck, both are kept."""
    both = turning(("headYaw", "headTurn"), [0.1, 0.2])
    assert over_neck(both).curve("headTurn")[0] == pytest.approx(0.2 + 0.1 / NECK_TURNS["headTurn"][2], rel=1e-5)
    assert as_a_whole(both).curve("headYaw")[0] == pytest.approx(0.1 + 0.2 * NECK_TURNS["headTurn"][2], rel=1e-5)


def test_a_performance_that_turns_nothing_stays_as_it_is():
    still = turning(("jawOpen",), [0.5])
    assert over_neck(still) is still
    assert as_a_whole(still) is still
