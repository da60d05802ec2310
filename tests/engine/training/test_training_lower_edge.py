"""Shoulders fade out above the face model's lower edge; the head above them is whole."""

from __future__ import annotations

import numpy as np
import pytest

from dgtalker_engine.capture import face_model as face_models
from dgtalker_engine.capture.face_model import Region
from dgtalker_engine.training.lower_edge import FADE, presence


@pytest.fixture(scope="module")
def bust():
    """The face model, a point in each of its triangles, and which of them are the neck's."""
    model = face_models.load()
    points = model.neutral.numpy()[model.faces.numpy()].mean(axis=1)
    return model, points, model.regions.numpy() == Region.NECK


def test_shoulders_end_softly_and_the_head_is_whole(bust):
    model, points, neck = bust
    share = presence(model, model.neutral.numpy(), points, neck)
    assert (share[~neck] == 1).all()
    assert share.min() == 0
    fading = (share > 0) & (share < 1)
    assert fading.sum() > 20
    for side in (points[:, 0] > 0.05, points[:, 0] < -0.05, points[:, 1] > 0.1, points[:, 1] < 0):
        there = neck & side
        gone, whole = points[there & (share == 0), 2], points[there & (share == 1), 2]
        assert np.median(gone) < np.median(whole) - FADE


def test_of_the_models_own_notched_edge_nothing_is_left(bust):
    model, points, neck = bust
    rest, faces = model.neutral.numpy(), model.faces.numpy()
    share = presence(model, rest, points, neck)
    edges = np.sort(np.concatenate([faces[:, [0, 1]], faces[:, [1, 2]], faces[:, [2, 0]]]), axis=1)
    _, first, times = np.unique(edges, axis=0, return_index=True, return_counts=True)
    lowest = np.flatnonzero((points[:, 2] < np.median(points[neck, 2])) & neck)
    at_edge = np.intersect1d(first[times == 1] % len(faces), lowest)
    assert len(at_edge) > 20
    assert share[at_edge].max() < 0.3
    # and not much more than that
    assert (share[neck] > 0.5).mean() > 0.4


def test_a_face_model_with_a_level_edge_has_one_too(bust):
    model, points, neck = bust
    level = model.neutral.numpy() * np.array([1, 1, 0], np.float32)
    with np.errstate(all="raise"):
        share = presence(model, level, points, neck)
    assert np.isfinite(share).all()


def test_where_no_gaussian_is_the_necks_all_stay(bust):
    model, points, neck = bust
    assert (presence(model, model.neutral.numpy(), points, np.zeros_like(neck)) == 1).all()
