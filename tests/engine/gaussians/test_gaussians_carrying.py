"""Gaussians that a deformed mesh carries."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
import torch
from head_cloud import RADII

from dgtalker_engine.errors import DGTalkerError
from dgtalker_engine.gaussians import render
from dgtalker_engine.gaussians.binding import NEAR, bind, triangles_of
from dgtalker_engine.gaussians.carrying import carried, vertex_maps
from dgtalker_engine.gaussians.placement import placement_of
from dgtalker_engine.gaussians.reference import carrying as reference
from dgtalker_engine.gaussians.reference.projection import rotation_matrices
from dgtalker_engine.gaussians.transform import placed

AROUND, UP = 48, 24
SHEARED = np.array([[1.1, 0.2, 0, 0.1], [-0.3, 0.9, 0.1, -0.2], [0, 0.1, 1.3, 0.3]])
MIRRORED = np.diag([-1.0, 1.2, 0.8]) @ SHEARED


@pytest.fixture(scope="module")
def mesh():
    """Vertices and faces of the surface under `head_cloud`: quads, and triangles at the poles."""
    turn, rise = np.meshgrid(np.arange(AROUND) * 2 * np.pi / AROUND, np.linspace(-1.45, 1.45, UP))
    sphere = np.stack([np.cos(rise) * np.cos(turn), np.cos(rise) * np.sin(turn), np.sin(rise)], -1).reshape(-1, 3)
    vertices = np.concatenate([sphere, [[0, 0, -1.0], [0, 0, 1.0]]]) * RADII
    at = np.arange(UP * AROUND).reshape(UP, AROUND)
    after = np.roll(at, -1, axis=1)
    quads = np.stack([at[:-1], after[:-1], after[1:], at[1:]], -1).reshape(-1, 4)
    none = np.full(AROUND, -1)
    below = np.stack([after[0], at[0], np.full(AROUND, len(sphere)), none], -1)
    above = np.stack([at[-1], after[-1], np.full(AROUND, len(sphere) + 1), none], -1)
    return vertices, np.concatenate([quads, below, above]).astype(np.int32)


def bent(points: np.ndarray, per_metre: float = 6.0) -> np.ndarray:
    """Points (…, 3) bent about the X axis as they rise, as a bend modifier does."""
    x, y, z = np.moveaxis(points, -1, 0)
    angle, radius = per_metre * z, 1 / per_metre
    return np.stack([x, radius - (radius - y) * np.cos(angle), (radius - y) * np.sin(angle)], -1)


def covariances(cloud) -> np.ndarray:
    axes = (rotation_matrices(cloud.quats.double()) * cloud.scales.double()[:, None, :]).numpy()
    return axes @ axes.transpose(0, 2, 1)


@pytest.fixture
def here(look):
    return placement_of(np.eye(4), look((0.3, -0.8, 0.1), 8, 8))


def test_a_mesh_that_was_not_deformed_leaves_all_as_it_is(head, mesh, here, look):
    cloud, (vertices, faces) = head(3000, degree=3), mesh
    binding = bind(cloud.means.numpy(), vertices, faces)
    found = carried(cloud, binding, vertex_maps(vertices, vertices, binding.triangles), here)
    expected = placed(cloud, np.eye(4), look((0.3, -0.8, 0.1), 8, 8))
    assert (found.means - cloud.means).abs().max() < 1e-6
    assert np.abs(covariances(found) - covariances(cloud)).max() < 1e-9
    assert (found.sh - expected.sh).abs().max() < 1e-4


@pytest.mark.parametrize("map", [SHEARED, MIRRORED], ids=["sheared", "mirrored"])
def test_a_mesh_that_was_moved_by_an_affine_map_carries_as_a_matrix_places(head, mesh, look, map):
    """So nothing jumps where an animated modifier begins to do more than a matrix can."""
    cloud, (vertices, faces) = head(3000, degree=3), mesh
    camera = look((0.3, -0.8, 0.1), 8, 8)
    binding = bind(cloud.means.numpy(), vertices, faces)
    maps = vertex_maps(vertices, vertices @ map[:, :3].T + map[:, 3], binding.triangles)
    found = carried(cloud, binding, maps, placement_of(np.eye(4), camera))
    expected = placed(cloud, np.vstack([map, [0, 0, 0, 1]]), camera)
    assert (found.means - expected.means).abs().max() < 1e-6
    assert np.abs(covariances(found) - covariances(expected)).max() < 1e-9
    assert (found.sh - expected.sh).abs().max() < 1e-4


def test_gaussians_on_a_bent_head_lie_where_the_bend_takes_them(head, mesh, here):
    cloud, (vertices, faces) = head(4000), mesh
    binding = bind(cloud.means.numpy(), vertices, faces)
    found = carried(cloud, binding, vertex_maps(vertices, bent(vertices), binding.triangles), here)
    expected = bent(cloud.means.numpy().astype(np.float64))
    off = cloud.means.numpy() - np.einsum("nk,nkx->nx", binding.weights, vertices[binding.nodes])
    error = np.linalg.norm(found.means.numpy() - expected, axis=1)
    assert (error < 1e-3 + 0.5 * np.linalg.norm(off, axis=1)).all()
    assert np.median(error) < 0.5e-3
    turned = np.linalg.norm(expected - cloud.means.numpy(), axis=1)
    assert turned.max() > 0.04
    # Each turns as the place where it lies does.
    step = 1e-6 * np.eye(3)
    middle = cloud.means.numpy().astype(np.float64)
    slopes = np.stack([(bent(middle + step[i]) - bent(middle - step[i])) / 2e-6 for i in range(3)], axis=-1)
    expected = slopes @ covariances(cloud) @ slopes.transpose(0, 2, 1)
    size = np.linalg.norm(expected, axis=(1, 2))
    assert np.percentile(np.linalg.norm(covariances(found) - expected, axis=(1, 2)) / size, 95) < 0.2


def test_neighbours_off_the_mesh_stay_neighbours(mesh, here, head):
    """Along a line far outside a fold, where the nearest place jumps, what carries changes in small steps."""
    vertices, faces = mesh
    folded = vertices * np.where(np.abs(vertices[:, 2:]) < 0.03, [0.6, 0.6, 1.0], 1.0)
    line = np.stack([np.full(400, 0.12), np.zeros(400), np.linspace(-0.12, 0.12, 400)], -1)
    some = head(400)
    cloud = replace(some, means=torch.from_numpy(line.astype(np.float32)))
    binding = bind(line, folded, faces)
    found = carried(cloud, binding, vertex_maps(folded, bent(folded), binding.triangles), here)
    steps = np.linalg.norm(np.diff(found.means.numpy(), axis=0), axis=1)
    assert steps.max() < 8 * 0.24 / 399


def test_colours_turn_with_what_carries_them(head, mesh, look, decibels):
    """A mesh that is turned looks like the head turned by a matrix, all degrees included."""
    turn = np.array([[0.36, 0.48, -0.8], [-0.8, 0.6, 0.0], [0.48, 0.64, 0.6]])
    cloud, (vertices, faces) = head(3000, degree=3), mesh
    for orthographic in (False, True):
        camera = look((0.3, -0.8, 0.1), 80, 60, orthographic=orthographic)
        matrix = np.eye(4)
        matrix[:3, :3], matrix[:3, 3] = turn, (0.05, 0, 0.02)
        binding = bind(cloud.means.numpy(), vertices, faces)
        maps = vertex_maps(vertices, vertices @ turn.T, binding.triangles)
        shifted = np.eye(4)
        shifted[:3, 3] = matrix[:3, 3]
        found = placed(carried(cloud, binding, maps, placement_of(shifted, camera)), shifted, camera)
        assert min(decibels(render(found, camera), render(placed(cloud, matrix, camera), camera))) > 60


def test_the_kernels_do_what_the_reference_does(head, mesh, here):
    cloud, (vertices, faces) = head(1500, degree=2), mesh
    cloud.scales[:500] *= torch.tensor([1.0, 1e-4, 0.0])  # flat ones and needles
    # Without triangles of its own, of no area, and folded onto a line.
    vertices = np.concatenate([vertices, [[0.3, 0, 0], [0.1, 0.1, 0.1], [0.1, 0.1, 0.1], [0.2, 0.1, 0.1]]])
    n = len(vertices)
    faces = np.concatenate([faces, [[n - 3, n - 2, n - 1, -1]]]).astype(np.int32)
    after = bent(vertices)
    after[:3] = after[0]
    maps = vertex_maps(vertices, after, triangles_of(faces))
    whole = reference_affine(vertices, after)
    rest = vertices @ whole[:, :3].T + whole[:, 3]
    slow = reference.after(reference.vertex_maps(rest, after, triangles_of(faces)), whole)
    np.testing.assert_allclose(maps, slow, atol=1e-5)
    binding = bind(cloud.means.numpy(), vertices, faces)
    found, expected = carried(cloud, binding, maps, here), reference.carry(cloud, binding, torch.from_numpy(maps), here)
    assert (found.means - expected.means).abs().max() < 1e-6
    assert np.abs(covariances(found) - covariances(expected)).max() < 1e-9
    assert (found.sh - expected.sh).abs().max() < 1e-4


def reference_affine(before: np.ndarray, after: np.ndarray) -> np.ndarray:
    rows = np.column_stack([before, np.ones(len(before))])
    return (np.linalg.pinv(rows) @ after).T


def test_binding_finds_what_looking_at_every_triangle_finds(head, mesh):
    cloud, (vertices, faces) = head(80), mesh
    means, triangles = cloud.means.numpy().astype(np.float64), triangles_of(faces)
    binding = bind(means, vertices, faces)
    assert np.allclose(binding.weights.sum(axis=1), 1)
    # The nearest of many places strewn over all triangles.
    spread = np.random.default_rng(0).dirichlet(np.ones(3), 30)
    places = np.einsum("sc,tcx->tsx", spread, vertices[triangles]).reshape(-1, 3)
    distance = np.linalg.norm(places[None] - means[:, None], axis=-1).min(axis=1)
    near = distance < NEAR
    mine = np.einsum("nk,nkx->nx", binding.weights, vertices[binding.nodes])
    assert near.sum() > 20
    assert (np.linalg.norm(mine - means, axis=1)[near] < distance[near] + 1e-5).all()


def test_a_mesh_that_is_flat_or_a_point_gives_finite_gaussians(head, mesh, here):
    cloud, (vertices, faces) = head(500, degree=1), mesh
    binding = bind(cloud.means.numpy(), vertices, faces)
    for after in (vertices * [1, 1, 0], vertices * 0, vertices * [1, 0, 0] + 1e6):
        found = carried(cloud, binding, vertex_maps(vertices, after, binding.triangles), here)
        found.check_values()


def test_another_mesh_or_cloud_is_refused(head, mesh, here):
    cloud, (vertices, faces) = head(50), mesh
    binding = bind(cloud.means.numpy(), vertices, faces)
    maps = vertex_maps(vertices, vertices, binding.triangles)
    with pytest.raises(DGTalkerError, match="does not fit"):
        carried(head(51), binding, maps, here)
    with pytest.raises(DGTalkerError, match="does not fit"):
        carried(cloud, binding, maps[:10], here)


def test_a_mesh_without_faces_carries_by_its_vertices():
    vertices = np.array([[0, 0, 0], [1, 0, 0], [0, 1, 0], [0, 0, 1]], float)
    binding = bind(vertices[2:3] + 1e-4, vertices, np.zeros((0, 4), np.int32))
    assert binding.nodes[0, np.argmax(binding.weights[0])] == 2
    moved = vertices + np.array([0, 0.5, 0])
    maps = vertex_maps(vertices, moved, binding.triangles)
    went = (maps[:, :, :3] @ vertices[:, :, None])[..., 0] + maps[:, :, 3]
    assert np.allclose(went, moved, atol=1e-6)
