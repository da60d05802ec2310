"""Points laid over others: turned, scaled and moved, never mirrored."""

from __future__ import annotations

import numpy as np
import pytest
from scipy.optimize import least_squares
from scipy.spatial.transform import Rotation

from dgtalker_engine.capture.similarity import fit_similarity

RANDOM = np.random.default_rng(4)


def test_a_similarity_is_found_again():
    source = RANDOM.normal(size=(20, 3))
    turn = Rotation.from_euler("xyz", (0.4, -1.0, 2.0)).as_matrix()
    target = 1.7 * source @ turn.T + (3.0, -2.0, 5.0)
    found = fit_similarity(source, target)
    assert found.scale == pytest.approx(1.7)
    assert found.rotation == pytest.approx(turn)
    others = RANDOM.normal(size=(4, 5, 3))
    assert found.apply(others) == pytest.approx(1.7 * others @ turn.T + (3.0, -2.0, 5.0))


def test_no_other_similarity_is_nearer():
    source, target = RANDOM.normal(size=(12, 3)), RANDOM.normal(size=(12, 3))

    def apart(values: np.ndarray) -> np.ndarray:
        turn = Rotation.from_rotvec(values[:3]).as_matrix()
        return (np.exp(values[3]) * source @ turn.T + values[4:] - target).ravel()

    tries = [least_squares(apart, RANDOM.normal(size=7)).cost for _ in range(20)]
    found = fit_similarity(source, target)
    assert ((found.apply(source) - target) ** 2).sum() / 2 == pytest.approx(min(tries), rel=1e-6)


def test_mirrored_points_are_turned_as_well_as_can_be_and_not_mirrored():
    source = RANDOM.normal(size=(20, 3))
    found = fit_similarity(source, source * (-1.0, 1.0, 1.0))
    assert np.linalg.det(found.rotation) == pytest.approx(1.0)
    assert found.scale > 0
