"""Pictures in sRGB become scene-linear ones."""

from __future__ import annotations

import math

import numpy as np
import pytest

from dgtalker_engine.gaussians.colour import to_scene_linear, to_scene_linear_reference


@pytest.mark.parametrize("size", [(1, 1), (3, 7), (64, 65), (0, 4)])
def test_same_as_the_reference(size):
    random = np.random.default_rng(0)
    alpha = random.random(size, np.float32) ** 2
    alpha[random.random(size) < 0.3] = 0
    alpha[len(alpha) // 2 :] = 0  # rows that are empty altogether are passed over
    rgb = alpha[..., None] * random.random((*size, 3), np.float32) * 1.5
    found, expected = to_scene_linear(rgb, alpha), to_scene_linear_reference(rgb, alpha)
    assert found.dtype == np.float32
    assert found.shape == (*size, 4)
    np.testing.assert_allclose(found, expected, atol=2e-6)
    error = np.mean((found - expected) ** 2) if found.size else 0
    assert error == 0 or -10 * math.log10(error) >= 100


def test_known_colours():
    def linear(value: float, alpha: float = 1.0) -> float:
        return to_scene_linear(np.full((1, 1, 3), value * alpha, np.float32), np.full((1, 1), alpha, np.float32))[
            0, 0, 1
        ]

    assert linear(0.0) == 0
    assert linear(1.0) == pytest.approx(1.0, abs=1e-6)
    assert linear(0.5) == pytest.approx(0.214041, abs=1e-6)
    assert linear(0.04) == pytest.approx(0.04 / 12.92, abs=1e-8)
    assert linear(2.0) == pytest.approx(((2 + 0.055) / 1.055) ** 2.4, rel=1e-6)
    assert linear(0.5, alpha=0.25) == pytest.approx(0.25 * 0.214041, abs=1e-6)
    assert linear(0.5, alpha=0.0) == 0


def test_threads_make_no_difference(threads):
    random = np.random.default_rng(1)
    alpha = random.random((200, 100), np.float32)
    rgb = random.random((200, 100, 3), np.float32)
    threads(1)
    alone = to_scene_linear(rgb, alpha)
    threads(3)
    assert np.array_equal(to_scene_linear(rgb, alpha), alone)
