"""Heads in the scene's light."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from dgtalker_engine import avatar as avatars_room
from dgtalker_engine.performance import Performance
from dgtalker_engine.rendering.formats import FORMATS
from dgtalker_engine.rendering.frame import render_frame
from dgtalker_engine.rendering.frame_digest import frame_digest
from dgtalker_engine.rendering.talking_shot import talking_shot

WHITE = (np.sqrt(4 * np.pi),) * 3 + (0.0,) * 24
FROM_ITS_LEFT = tuple(np.add(WHITE, np.repeat([0, 0, 0, -2.0, 0, 0, 0, 0, 0], 3)).tolist())
"""Brighter where normals are along +X, darker on the other side."""


@pytest.fixture(scope="module")
def robin():
    return avatars_room.load(avatars_room.builtin("robin"))


@pytest.fixture(scope="module")
def shot(robin):
    return talking_shot(robin, "builtin:robin", Performance(25.0, ("jawOpen",), np.zeros((1, 1), "f4")), 96)


def lit(shot, light, **changes):
    (frame,) = shot.frames
    return replace(shot, frames=(replace(frame, heads=(replace(frame.heads[0], light=light, **changes),)),))


def rendered(shot, robin):
    return render_frame(shot, shot.frames[0], [robin])[0]


def test_one_side_of_a_head_is_brighter_and_the_other_darker(robin, shot):
    plain, white, aside = (rendered(lit(shot, light), robin) for light in ((), WHITE, FROM_ITS_LEFT))
    np.testing.assert_allclose(white, plain, atol=1e-4)
    ratio = aside[..., :3].sum(-1) / np.maximum(plain[..., :3].sum(-1), 1e-6)
    seen = plain[..., 3] > 0.95
    left, right = seen & (np.indices(seen.shape)[1] < 40), seen & (np.indices(seen.shape)[1] > 56)
    assert ratio[left].mean() < 0.8
    assert ratio[right].mean() > 1.2
    np.testing.assert_array_equal(aside[..., 3], plain[..., 3])


def test_a_deformed_mesh_takes_its_normals_along(robin, shot):
    """Turned by its vertices as much as by its matrix, with a light that turns with it."""
    mesh = robin.proxy.vertices.astype("<f4")
    plain = rendered(lit(shot, FROM_ITS_LEFT), robin)
    carried = rendered(lit(shot, FROM_ITS_LEFT, vertices=mesh.tobytes()), robin)
    np.testing.assert_allclose(carried, plain, atol=0.02)


def test_normals_lie_in_the_world(robin, shot):
    turned = np.array([[0, -1, 0, 0], [1, 0, 0, 0], [0, 0, 1, 0], [0, 0, 0, 1]], float)
    for matrix in (np.eye(4), turned):
        picture = rendered(lit(replace(shot, shows_normals=True), (), matrix=tuple(matrix.ravel().tolist())), robin)
        straight = picture[..., :3] / np.maximum(picture[..., 3:], 1e-6)
        srgb = np.where(straight <= 0.0031308, 12.92 * straight, 1.055 * straight ** (1 / 2.4) - 0.055)
        normals = 2 * srgb - 1
        seen = picture[..., 3] > 0.99
        assert np.linalg.norm(normals[seen], axis=-1).mean() == pytest.approx(1, abs=0.1)
        assert normals[seen].mean(axis=0)[1] < -0.4  # what the camera sees faces it


def test_a_file_knows_in_which_light_its_head_is(shot):
    digests = {
        frame_digest(each, each.frames[0], ["a"], FORMATS["png"])
        for each in (shot, lit(shot, WHITE), lit(shot, FROM_ITS_LEFT), replace(shot, shows_normals=True))
    }
    assert len(digests) == 4
