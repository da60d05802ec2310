"""The sculpture of the built-in heads: what an animator would see of it from near."""

from __future__ import annotations

import numpy as np
import pytest

from dgtalker_engine.heads.sculpture import eyes, mouth, paint, sdf
from dgtalker_engine.heads.sculpture.anatomy import EYE, MOUTH_HALF_WIDTH, skin_form
from dgtalker_engine.heads.sculpture.character import CHARACTERS
from dgtalker_engine.heads.sculpture.hairstyles import puffs
from dgtalker_engine.heads.sculpture.warp import Warp


@pytest.mark.parametrize("character", CHARACTERS.values(), ids=CHARACTERS)
def test_no_ridge_rings_the_eyes(character):
    turn = np.radians(np.linspace(-90, 90, 13))  # from below by the temple to above; the nose is on the other side
    rays = np.stack([np.cos(turn), 0.3 + 0 * turn, np.sin(turn)], axis=1)[:, None]
    step = 1.0  # mm
    place = EYE + rays * np.arange(18, 64, step)[:, None]
    moved = Warp(character.shape).move(place.reshape(-1, 3)).reshape(place.shape)
    bend = np.linalg.norm(np.diff(moved, 2, axis=1), axis=2) / step**2
    assert bend.max() < 0.08  # 1 / mm


@pytest.mark.parametrize("upper", [True, False])
def test_teeth_reach_beyond_the_corners_of_the_mouth_and_stay_beneath_the_skin(upper):
    teeth = mouth.teeth(upper)
    assert teeth.position[:, 0].max() > MOUTH_HALF_WIDTH + 1
    assert sdf.distances(skin_form(), teeth.position).max() < -2


@pytest.mark.parametrize("character", CHARACTERS.values(), ids=CHARACTERS)
def test_paint_lies_under_the_brows_and_the_fit_leaves_it_alone(character):
    """Beside the hairs it would show as spots, and skin that is fitted there would make up for hairs with light."""
    form = skin_form(character.hair.moustache)
    hairs = eyes.brows(character.brows, form, np.random.default_rng(0))
    left = hairs.select(hairs.position[:, 0] > 0)
    inner = left.anchor[:, 0] < 40
    painted = paint.under_brows(left.anchor, character.brows)
    assert painted[inner].mean() > 0.5
    assert paint.under_brows(left.anchor - [0, 0, 14], character.brows).mean() < 0.05
    assert np.quantile(paint.near_brows(left.position, character.brows), 0.02) > 0.9


def test_a_ribbon_runs_round_the_hair_that_it_ties():
    style = puffs()
    assert style.tie is not None
    middle, axis = style.tie
    side = np.cross(axis, [0.3, 0.1, 1.0])
    side /= np.linalg.norm(side)
    place = middle + 20.0 * np.stack([side, -side, np.cross(axis, side)])
    both = np.concatenate([place, place * [-1, 1, 1]])
    assert np.all(style.tied(both) == 1)
    assert np.all(style.tied(np.stack([middle + 12 * axis, middle + 40 * side])) == 0)
    along = style.along_tie(place)
    np.testing.assert_allclose(along @ axis, 0, atol=1e-9)
    np.testing.assert_allclose((along * (place - middle)).sum(axis=1), 0, atol=1e-9)
    np.testing.assert_allclose(style.along_tie(place * [-1, 1, 1]), along * [-1, 1, 1], atol=1e-9)
