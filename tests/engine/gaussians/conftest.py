"""What the tests of Gaussians share."""

from __future__ import annotations

import math

import numpy as np
import pytest
import torch
from head_cloud import head_cloud, look_at

from dgtalker_engine.gaussians import Camera, Gaussians
from dgtalker_engine.gaussians.cpu import workers


@pytest.fixture(scope="session")
def head():
    """``head(count, *, degree=0, seed=0) -> Gaussians``"""
    return head_cloud


@pytest.fixture(scope="session")
def look():
    """``look(eye, width, height, *, filling=0.8, orthographic=False, near=0.01) -> Camera``"""
    return look_at


def _one(mean=(0.0, 0.0, 1.0), scale=0.1, opacity=0.8, colour=(0.9, 0.5, 0.2), quat=(1.0, 0.0, 0.0, 0.0)):
    dc = (torch.tensor(colour) - 0.5) / 0.28209479177387814
    scales = torch.tensor([scale] * 3 if isinstance(scale, float) else scale).reshape(1, 3)
    return Gaussians(torch.tensor([mean]), torch.tensor([quat]), scales, torch.tensor([opacity]), dc.reshape(1, 1, 3))


@pytest.fixture(scope="session")
def one():
    """``one(mean, scale, opacity, colour, quat) -> Gaussians``: a single one."""
    return _one


@pytest.fixture(scope="session")
def straight():
    """``straight(width, height, focal, **options) -> Camera``: at the origin, looking along +Z."""

    def camera(width=32, height=32, focal=100.0, **options):
        K = np.array([[focal, 0, width / 2], [0, focal, height / 2], [0, 0, 1]])
        return Camera(K, np.eye(4), width, height, **options)

    return camera


@pytest.fixture(scope="session")
def decibels():
    """``decibels(image, reference) -> (rgb, alpha, depth · alpha)``: peak signal-to-noise ratios, of 1 and 1 m."""

    def of(a, b):
        error = np.mean((np.asarray(a, np.float64) - np.asarray(b, np.float64)) ** 2)
        return math.inf if error == 0 else -10 * math.log10(error)

    def compare(image, reference):
        return (
            of(image.rgb, reference.rgb),
            of(image.alpha, reference.alpha),
            of(image.depth * image.alpha, reference.depth * reference.alpha),
        )

    return compare


@pytest.fixture
def threads():
    """``threads(count)``; all processors again after the test."""
    yield workers.set_thread_count
    workers.set_thread_count(None)
