"""The built-in heads' proxy meshes: what Blender shows in place of the Gaussians."""

from __future__ import annotations

import numpy as np
import pytest
from scipy.spatial import KDTree

from dgtalker_engine import avatar
from dgtalker_engine.rig import Surface


@pytest.fixture(scope="module", params=avatar.BUILTIN_NAMES)
def head(request):
    return avatar.load(avatar.builtin(request.param))


def test_it_lies_where_the_gaussians_lie(head):
    mesh = head.proxy
    assert len(mesh.vertices) <= 12_000
    opaque = head.base["means"][head.base["opacities"] > 0.5]
    away, _ = KDTree(opaque).query(mesh.vertices)
    assert np.quantile(away, 0.98) < 0.006
    # and the other way round, seen from the front: nothing of the face is left out
    front = opaque[(opaque[:, 1] < -0.07) & (np.abs(opaque[:, 2]) < 0.09)]
    corners = mesh.vertices[np.where(mesh.faces < 0, mesh.faces[:, :1], mesh.faces)]
    missing, _ = KDTree(np.concatenate([corners.mean(axis=1), mesh.vertices])).query(front)
    assert np.quantile(missing, 0.98) < 0.006


def test_its_faces_look_outwards_and_are_not_stretched(head):
    mesh = head.proxy
    corners = mesh.vertices[np.where(mesh.faces < 0, mesh.faces[:, :1], mesh.faces)]
    longest = np.linalg.norm(corners - np.roll(corners, 1, axis=1), axis=2).max(axis=1)
    assert np.quantile(longest, 0.99) < 0.02
    normal = np.cross(corners[:, 2] - corners[:, 0], corners[:, 3] - corners[:, 1])
    middle = corners.mean(axis=1)
    face = (mesh.surfaces == Surface.SKIN) & (middle[:, 1] < -0.06) & (middle[:, 2] > 0.02)
    assert (normal[face, 1] < 0).mean() > 0.98, "the brow and forehead face the front"


def test_the_neck_is_closed_down_to_its_end(head):
    mesh = head.proxy
    skin = mesh.faces[(mesh.surfaces == Surface.SKIN) & (mesh.faces[:, 3] < 0), :3]
    edges, count = np.unique(
        np.sort(skin[:, [[0, 1], [1, 2], [2, 0]]], axis=2).reshape(-1, 2), axis=0, return_counts=True
    )
    open_ = mesh.vertices[edges[count == 1]].mean(axis=1)
    throat = (np.abs(open_[:, 0]) < 0.003) & (open_[:, 1] < 0) & (open_[:, 2] > -0.165) & (open_[:, 2] < -0.11)
    assert not throat.any()


def test_its_colours_are_those_of_its_parts(head):
    mesh = head.proxy
    first = mesh.faces[:, 0]
    light = {s: mesh.colours[first[mesh.surfaces == s], :3].mean() for s in Surface if (mesh.surfaces == s).any()}
    assert set(Surface) - set(light) <= {Surface.TRIM}
    assert light[Surface.PUPIL] < 0.03 < light[Surface.IRIS] < light[Surface.EYE_WHITE]
    assert light[Surface.SKIN] < light[Surface.EYE_WHITE]
    assert light[Surface.MOUTH] < light[Surface.TEETH]
