"""The spherical harmonics are those of 3D Gaussian Splatting, also as the kernels compute them."""

from __future__ import annotations

import math

import numpy as np
import pytest
import torch
from scipy.special import sph_harm_y

from dgtalker_engine.gaussians import Gaussians, render
from dgtalker_engine.gaussians.reference import spherical_harmonics

ORDERS = [(degree, order) for degree in range(4) for order in range(-degree, degree + 1)]


def real_spherical_harmonic(degree: int, order: int, directions: np.ndarray) -> np.ndarray:
    """From SciPy's complex ones, which have the Condon-Shortley phase, as 3D Gaussian Splatting's have."""
    x, y, z = (directions / np.linalg.norm(directions, axis=1, keepdims=True)).T
    value = sph_harm_y(degree, abs(order), np.arccos(z), np.arctan2(y, x))
    return value.real if order == 0 else math.sqrt(2) * (value.imag if order < 0 else value.real)


def test_basis_of_the_reference():
    directions = np.random.default_rng(0).normal(size=(500, 3)) * 3
    expected = np.stack([real_spherical_harmonic(*pair, directions) for pair in ORDERS], axis=1)
    np.testing.assert_allclose(spherical_harmonics.basis(torch.from_numpy(directions), 16), expected, atol=1e-12)


@pytest.mark.parametrize("k", range(16))
def test_colours_of_each_function(straight, k):
    """One Gaussian in each of several directions: what is seen is 0.5 + the function there."""
    directions = np.random.default_rng(k).normal(size=(40, 3)) * (0.3, 0.3, 0) + (0, 0, 1)
    sh = torch.zeros(1, 16, 3)
    sh[0, k] = 0.4
    for direction in directions:
        cloud = Gaussians(
            means=torch.tensor(direction[None], dtype=torch.float32),
            quats=torch.tensor([[1.0, 0, 0, 0]]),
            scales=torch.full((1, 3), 0.05),
            opacities=torch.ones(1),
            sh=sh,
        )
        x, y = (100 * direction[:2] / direction[2] + 200).astype(int)
        image = render(cloud, straight(400, 400), region=(x, y, 1, 1))
        expected = max(0.5 + 0.4 * real_spherical_harmonic(*ORDERS[k], direction[None])[0], 0)
        assert image.rgb[0, 0, 1] / image.alpha[0, 0] == pytest.approx(expected, abs=1e-5)
