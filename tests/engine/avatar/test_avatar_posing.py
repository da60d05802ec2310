"""Blendshapes, sparse and not, are the sum that they say they are."""

from __future__ import annotations

import numpy as np
import pytest

from dgtalker_engine.avatar.kinds.linear.posing import blendshapes, pose


def sparse(rows: int, width: int, density: float, controls: int = 7, seed: int = 0):
    """A base (rows, width), deltas as `blendshapes` takes them, and the same as (controls, rows, width)."""
    random = np.random.default_rng(seed)
    base = random.normal(size=(rows, width)).astype(np.float32)
    kept = random.random((controls, rows)) < density * np.linspace(0, 2, controls)[:, None]
    control, index = np.nonzero(kept)
    values = random.normal(size=(len(index), width)).astype(np.float32)
    dense = np.zeros((controls, rows, width))
    dense[control, index] = values
    return base, np.concatenate([[0], np.cumsum(kept.sum(axis=1))]), index, values, dense


@pytest.mark.parametrize("density", [0.0, 0.03, 0.4, 1.0])
@pytest.mark.parametrize("width", [1, 3, 4, 12, 48])
@pytest.mark.parametrize("rows", [1, 255, 256, 1000])
def test_sum(rows, width, density):
    base, offsets, index, values, dense = sparse(rows, width, density)
    weights = np.array([0.5, 0.0, -1.25, 1.0, 0.3, 0.0, 0.7], np.float32)
    (posed,) = pose([blendshapes(base, offsets, index, values)], weights)
    assert posed.dtype == np.float32
    np.testing.assert_allclose(posed, base + np.tensordot(weights, dense, 1), rtol=1e-5, atol=3e-6)


def test_no_weights_leave_the_base_as_it_is():
    base, offsets, index, values, _ = sparse(600, 3, 0.5)
    (posed,) = pose([blendshapes(base, offsets, index, values)], np.zeros(7, np.float32))
    assert np.array_equal(posed, base)


def test_rows_in_any_order_and_twice():
    base = np.zeros((400, 3), np.float32)
    index, values = np.array([390, 5, 390, 300]), np.arange(12, dtype=np.float32).reshape(4, 3)
    (posed,) = pose([blendshapes(base, np.array([0, 3, 4]), index, values)], np.array([1.0, 2.0], np.float32))
    assert posed[390].tolist() == [6, 8, 10]
    assert posed[5].tolist() == [3, 4, 5]
    assert posed[300].tolist() == [18, 20, 22]
    assert np.abs(posed).sum() == posed[[5, 300, 390]].sum()


def test_unit_rows_and_limits():
    base, offsets, index, values, dense = sparse(700, 4, 0.4)
    weights = np.full(7, 0.5, np.float32)
    wanted = base + np.tensordot(weights, dense, 1)
    unit, bounded = pose(
        [
            blendshapes(base, offsets, index, values, unit=True),
            blendshapes(base, offsets, index, values, limits=(-0.5, 0.25)),
        ],
        weights,
    )
    np.testing.assert_allclose(unit, wanted / np.linalg.norm(wanted, axis=1, keepdims=True), atol=3e-6)
    np.testing.assert_allclose(bounded, wanted.clip(-0.5, 0.25), atol=3e-6)


def test_nothing_to_pose():
    assert pose([], np.zeros(3, np.float32)) == []
    shape = blendshapes(np.zeros((0, 3)), np.zeros(4, int), np.zeros(0, int), np.zeros((0, 3)))
    assert pose([shape], np.ones(3, np.float32))[0].shape == (0, 3)


def test_bitwise_the_same_for_any_number_of_threads(threads):
    base, offsets, index, values, _ = sparse(5000, 3, 0.3, controls=30)
    shape, weights = blendshapes(base, offsets, index, values), np.linspace(-1, 1, 30, dtype=np.float32)
    found = []
    for count in (1, 2, 5):
        threads(count)
        found.append(pose([shape], weights)[0])
    assert all(np.array_equal(found[0], other) for other in found[1:])
