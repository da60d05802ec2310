"""Jitter goes, closures stay."""

from __future__ import annotations

import numpy as np

from dgtalker_engine.capture.damping import damp
from dgtalker_engine.capture.eyes import blink

NOISE = 0.3


def face(count, seed=0):
    """Landmarks that lie still and tremble: (true, seen)."""
    rng = np.random.default_rng(seed)
    true = np.tile(rng.random((1, 478, 3)) * 400, (count, 1, 1))
    return true, true + NOISE * rng.normal(size=true.shape)


def test_a_still_face_trembles_less():
    true, seen = face(100)
    damped = damp(seen, np.arange(100))
    skin = [10, 151, 9, 168, 6, 197, 195, 5, 4, 1, 50, 280, 123, 352, 152]
    assert np.std((damped - true)[:, skin]) < 0.8 * NOISE
    trembling = [np.diff(points[:, skin], axis=0).std() for points in (seen, damped)]
    assert trembling[1] < 0.6 * trembling[0]


def test_lips_that_shut_for_one_frame_stay_shut():
    true, seen = face(100)
    apart = np.full(100, 20.0)
    apart[[30, 31, 60, 61, 62]] = 1.0
    for points in (true, seen):
        points[:, 14, 1] += apart - (points[:, 14, 1] - points[:, 13, 1])
        points[:, 14, 0] = points[:, 13, 0]
    damped = damp(seen, np.arange(100))
    lips = damped[:, 14, 1] - damped[:, 13, 1]
    assert np.abs(lips - apart).max() < 1e-3


def test_a_head_that_moves_is_not_left_behind():
    true, seen = face(100)
    way = 40 * np.sin(np.arange(100) / 4)[:, None]
    damped = damp(seen + way[..., None], np.arange(100))
    assert np.abs((damped - true - way[..., None]).mean(axis=(1, 2))).max() < 0.25


def test_curves_end_where_a_frame_is_missing():
    true, seen = face(40)
    jump = np.where(np.arange(40) < 20, 0.0, 100.0)[:, None, None]
    numbers = np.arange(40) + 30 * (np.arange(40) >= 20)
    damped = damp(seen + jump, numbers)
    assert np.abs(damped - true - jump).max() < 5 * NOISE


def test_blinks_are_told_from_open_eyes_for_each_eye():
    rng = np.random.default_rng(2)
    points = np.tile(rng.random((1, 478, 3)), (50, 1, 1))
    points[..., 2] = 0
    lids = {"left": ((386, 374), (385, 380), (387, 373)), "right": ((159, 145), (158, 153), (160, 144))}
    corners = {"left": (362, 263), "right": (33, 133)}
    shut = {"left": np.zeros(50), "right": np.zeros(50)}
    shut["left"][10:13] = 1
    shut["right"][10:13] = 1
    shut["right"][30:32] = 1
    for side, pairs in lids.items():
        points[:, corners[side][0], :2], points[:, corners[side][1], :2] = (0, 0), (30, 0)
        for upper, lower in pairs:
            points[:, upper, :2] = (15, 0)
            points[:, lower, 0] = 15
            points[:, lower, 1] = np.where(shut[side] > 0, 2.0, 10.0)
    found = blink(points)
    assert found[10:13].min() > 0.95
    assert found[30:32, 1].min() > 0.95
    assert found[30:32, 0].max() < 0.05
    assert np.delete(found, [*range(10, 13), 30, 31], axis=0).max() < 0.05
