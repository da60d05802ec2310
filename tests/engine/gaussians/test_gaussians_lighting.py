"""Gaussians in another light, and the normals of their mesh."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
import torch
from head_cloud import RADII
from scipy.spatial import ConvexHull

from dgtalker_engine.errors import DGTalkerError
from dgtalker_engine.gaussians.binding import bind
from dgtalker_engine.gaussians.lighting import coloured_by_normals, gains, lit
from dgtalker_engine.gaussians.normals import smoothing, vertex_normals
from dgtalker_engine.gaussians.reference import lighting as reference
from dgtalker_engine.gaussians.reference.spherical_harmonics import basis
from dgtalker_engine.kernels import srgb

COUNT = 2000
WHITE = np.zeros((9, 3))
WHITE[0] = np.sqrt(4 * np.pi)


def around(count: int) -> np.ndarray:
    steps = np.arange(count) + 0.5
    height, angle = 1 - 2 * steps / count, steps * np.pi * (1 + 5**0.5)
    radius = np.sqrt(1 - height**2)
    return np.stack([radius * np.cos(angle), radius * np.sin(angle), height], axis=1)


def lamp(direction, irradiance) -> np.ndarray:
    """The light of one distant lamp, W/m² of each colour, by that of a white world: (9, 3)."""
    where = basis(torch.tensor(np.atleast_2d(direction)), 9).numpy()[0]
    cosine = np.array([1, *[2 / 3] * 3, *[1 / 4] * 5])
    return np.outer(cosine * where, irradiance)


@pytest.fixture(scope="module")
def mesh():
    """Vertices and triangles, counter-clockwise from outside, of the surface under `head_cloud`."""
    points = around(COUNT)
    triangles = ConvexHull(points).simplices.astype(np.int32)
    a, b, c = points[triangles.T]
    inwards = (np.cross(b - a, c - a) * a).sum(axis=1) < 0
    triangles[inwards] = triangles[inwards][:, ::-1]
    return points * RADII, triangles


@pytest.fixture(scope="module")
def outwards(mesh):
    normals = mesh[0] / RADII**2
    return normals / np.linalg.norm(normals, axis=1, keepdims=True)


@pytest.fixture(scope="module")
def binding(head, mesh):
    vertices, triangles = mesh
    faces = np.column_stack([triangles, np.full(len(triangles), -1, np.int32)])
    return bind(head(3000).means.numpy(), vertices, faces)


def test_normals_face_outwards_whichever_way_each_part_of_the_mesh_is_turned(mesh, outwards):
    vertices, triangles = mesh
    beside = vertices + np.array([0.5, 0, 0])
    both = np.concatenate([triangles, triangles[:, ::-1] + COUNT])
    found = vertex_normals(np.concatenate([vertices, beside]), smoothing(np.concatenate([vertices, beside]), both))
    assert (found[:COUNT] * outwards).sum(axis=1).min() > 0.98
    assert (found[COUNT:] * outwards).sum(axis=1).min() > 0.98


def test_normals_of_a_rough_mesh_are_smooth(mesh, outwards):
    vertices, triangles = mesh
    rough = vertices + np.random.default_rng(0).normal(0, 0.0005, vertices.shape)
    found = vertex_normals(rough, smoothing(rough, triangles))
    assert np.degrees(np.arccos((found * outwards).sum(axis=1))).mean() < 6


def test_light_is_what_the_integral_over_the_hemisphere_says(outwards):
    """From one side, exactly in the mean of the lit and of the dark half, near to it everywhere."""
    toward = np.array([0.6, 0.0, 0.8])
    points = around(4000)
    found = gains(lamp(toward, (np.pi, 0.5, 0)), points)
    exact = np.maximum(points @ toward, 0)
    light = points @ toward > 0
    assert found[light, 0].mean() == pytest.approx(0.5, abs=0.01)
    assert found[~light, 0].mean() < 0.03
    assert np.abs(found[:, 0] - exact).max() < 0.1
    np.testing.assert_allclose(found[:, 1], found[:, 0] * 0.5 / np.pi, atol=1e-9)
    assert not found[:, 2].any()


def test_a_white_world_leaves_colours_as_they_are(head, binding, outwards):
    cloud = head(3000)
    found = lit(cloud, binding, gains(WHITE, outwards))
    assert (found.sh - cloud.sh).abs().max() < 1e-4


def test_light_multiplies_colours_in_linear_light(head, binding, outwards):
    cloud = head(3000)
    found = lit(cloud, binding, gains(WHITE, outwards) * (2, 0.5, 0))
    before, after = (srgb.decode((0.28209479 * each.sh[:, 0] + 0.5).numpy()) for each in (cloud, found))
    np.testing.assert_allclose(after, before * (2, 0.5, 0), atol=1e-4)


def test_the_kernel_does_what_the_reference_says(head, binding, outwards):
    cloud = head(3000)
    sh = cloud.sh.clone()
    sh[:50] = -1.9  # black, and below
    cloud = replace(cloud, sh=sh)
    factors = gains(lamp((0.0, -1.0, 0.0), (3.0, 1.0, 9.0)) + 0.1 * WHITE, outwards)
    expected = reference.light(cloud, binding, torch.from_numpy(factors))
    assert (lit(cloud, binding, factors).sh - expected.sh).abs().max() < 1e-4


def test_normals_are_seen_as_colours(head, binding, outwards):
    cloud = head(3000)
    found = coloured_by_normals(cloud, binding, outwards)
    own = 2 * (0.28209479 * found.sh[:, 0].numpy() + 0.5) - 1
    at = cloud.means.numpy() / RADII**2
    assert np.median((own * at).sum(axis=1) / np.linalg.norm(at, axis=1)) > 0.99


def test_another_mesh_is_refused(head, binding, outwards):
    with pytest.raises(DGTalkerError, match="does not fit"):
        lit(head(2999), binding, gains(WHITE, outwards))
