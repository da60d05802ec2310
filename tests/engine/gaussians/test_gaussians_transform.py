"""Clouds put into the world, and several made one."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
import torch

from dgtalker_engine.errors import DGTalkerError
from dgtalker_engine.gaussians import Gaussians, render
from dgtalker_engine.gaussians.arrays import tensors_of
from dgtalker_engine.gaussians.cloud import FIELDS
from dgtalker_engine.gaussians.reference.projection import rotation_matrices
from dgtalker_engine.gaussians.transform import merged, placed

TURN = np.array([[0.36, 0.48, -0.8], [-0.8, 0.6, 0.0], [0.48, 0.64, 0.6]])
LINEAR = {
    "nothing": np.eye(3),
    "turned": TURN,
    "larger": 2.5 * TURN,
    "mirrored": np.diag([-1.0, 1, 1]) @ TURN,
    "through the origin": -0.5 * np.eye(3),
    "stretched": TURN @ np.diag([1.0, 2.0, 0.3]),
    "sheared": np.array([[1.0, 0.4, 0], [0, 1, -0.7], [0, 0, 1]]) @ TURN,
    "stretched and mirrored": np.diag([1.0, -3.0, 1.0]),
    "hardly stretched": np.diag([1.0, 1.0001, 1.0]),
    "flat": np.diag([1.0, 0.0, 1.0]),
    "a line": np.diag([0.0, 0.0, 1.0]) @ TURN,
    "a point": np.zeros((3, 3)),
}


def matrix_of(linear: np.ndarray, offset=(0.1, -0.2, 0.3)) -> np.ndarray:
    matrix = np.eye(4)
    matrix[:3, :3], matrix[:3, 3] = linear, offset
    return matrix


def covariances(cloud: Gaussians) -> np.ndarray:
    axes = (rotation_matrices(cloud.quats.double()) * cloud.scales.double()[:, None, :]).numpy()
    return axes @ axes.transpose(0, 2, 1)


@pytest.mark.parametrize("name", LINEAR)
def test_shapes_become_those_of_the_matrix(head, look, name):
    cloud, linear = head(2000), LINEAR[name]
    found = placed(cloud, matrix_of(linear), look((0, -1, 0), 8, 8))
    expected = linear @ covariances(cloud) @ linear.T
    error = np.abs(covariances(found) - expected).max(axis=(1, 2))
    assert (error <= 2e-6 * np.abs(expected).max(axis=(1, 2)) + 1e-20).all()
    np.testing.assert_allclose(found.means.numpy(), cloud.means.numpy() @ linear.T + [0.1, -0.2, 0.3], atol=1e-6)
    np.testing.assert_allclose(np.linalg.norm(found.quats.numpy(), axis=1), 1, atol=1e-5)
    assert (found.scales >= 0).all()
    assert torch.equal(found.opacities, cloud.opacities)


def test_gaussians_that_are_flat_or_needles_stay_so(head, look):
    cloud = head(300)
    thin = replace(cloud, scales=cloud.scales * torch.tensor([1.0, 1e-4, 0.0]))
    linear = LINEAR["sheared"]
    found = placed(thin, matrix_of(linear), look((0, -1, 0), 8, 8))
    expected = linear @ covariances(thin) @ linear.T
    np.testing.assert_allclose(covariances(found), expected, atol=2e-6 * np.abs(expected).max())
    assert (found.scales[:, 1] < 1e-3 * found.scales[:, 0]).all()


@pytest.mark.parametrize("orthographic", [False, True])
@pytest.mark.parametrize("name", ["turned", "larger", "mirrored"])
def test_moving_the_head_is_moving_the_camera(head, look, decibels, name, orthographic):
    """Colours of degree 3 included: they turn with the head."""
    cloud, camera = head(3000, degree=3), look((0.3, -0.8, 0.1), 120, 100, orthographic=orthographic)
    scale = np.cbrt(abs(np.linalg.det(LINEAR[name])))
    matrix = matrix_of(LINEAR[name])
    expected = render(cloud, camera)
    world_to_camera = camera.world_to_camera @ np.linalg.inv(matrix)
    # The world, made larger with the head, is seen from farther away.
    rigid = np.diag([scale, scale, scale, 1]) @ world_to_camera
    K = camera.K if not orthographic else camera.K * [[1 / scale, 1, 1], [1, 1 / scale, 1], [1, 1, 1]]
    moved = replace(camera, K=K, world_to_camera=rigid, near=camera.near * scale)
    found = render(placed(cloud, matrix, moved), moved)
    rgb, alpha, _ = decibels(found, expected)
    assert min(rgb, alpha) >= 75
    assert np.abs(found.rgb - expected.rgb).mean() < 1e-5


def test_colours_are_settled_for_the_camera(head, look):
    cloud, camera = head(500, degree=3), look((0, -1, 0), 8, 8)
    found = placed(cloud, np.eye(4), camera)
    assert found.sh.shape == (500, 1, 3)
    assert torch.equal(placed(head(5), np.eye(4), camera).sh, head(5).sh)


def test_numbers_that_are_not_ones_are_still_found(head, look):
    cloud, camera = head(500, degree=1), look((0, -1, 0), 64, 64)
    for field in ("means", "quats", "scales", "opacities", "sh"):
        broken = getattr(cloud, field).clone()
        broken[9] = float("nan")
        for linear in (LINEAR["turned"], LINEAR["stretched"]):
            with pytest.raises(DGTalkerError, match=r"number 9\."):
                render(placed(replace(cloud, **{field: broken}), matrix_of(linear, (0, 0, 0)), camera), camera)


def test_heads_of_no_size_are_rendered_without_complaint(head, look):
    cloud, camera = head(500, degree=2), look((0, -1, 0), 64, 64)
    covered = []
    for name in ("flat", "a line", "a point"):
        image = render(placed(cloud, matrix_of(LINEAR[name], (0, 0, 0)), camera), camera)
        assert np.isfinite(image.rgb).all()
        covered.append((image.alpha > 0).mean())
    assert 0.9 > covered[0] > 0.3
    assert covered[1] == covered[2] == 0, "what has no area has no light"


@pytest.mark.parametrize("matrix", [np.eye(3), np.full((4, 4), np.nan), np.ones((4, 4))])
def test_matrices_that_cannot_be_used(head, look, matrix):
    with pytest.raises(DGTalkerError, match="matrix"):
        placed(head(3), matrix, look((0, -1, 0), 8, 8))


def test_merged_heads_are_rendered_together(head, look):
    """The farther one is hidden where the nearer one is; different degrees come together."""
    camera = look((0, -1, 0), 100, 100)
    near, far = head(2000), head(3000, degree=2, seed=1)
    behind = replace(far, means=far.means + torch.tensor([0.0, 0.5, 0.0]))
    both = merged([behind, near])
    assert len(both) == 5000
    assert both.sh.shape == (5000, 9, 3)
    together, alone = render(both, camera), render(near, camera)
    covered = alone.alpha > 0.999
    assert covered.any()
    np.testing.assert_allclose(together.rgb[covered], alone.rgb[covered], atol=2e-3)


def test_merging_one_and_none(head, look):
    cloud = head(3)
    assert merged([cloud]) is cloud
    assert len(merged([])) == 0
    assert (render(merged([]), look((0, -1, 0), 8, 8)).alpha == 0).all()


def leaves(cloud: Gaussians, kind: torch.dtype = torch.float32) -> Gaussians:
    return cloud.map(lambda tensor: tensor.to(kind, copy=True).requires_grad_())


@pytest.mark.parametrize("orthographic", [False, True])
@pytest.mark.parametrize("name", LINEAR)
def test_clouds_with_gradients_are_placed_as_others_are(head, look, decibels, name, orthographic):
    """The way of tensors, which clouds on a GPU take too."""
    cloud, camera = head(1000, degree=3), look((0.3, -0.8, 0.1), 60, 50, orthographic=orthographic)
    matrix = matrix_of(LINEAR[name])
    found, expected = placed(leaves(cloud), matrix, camera), placed(cloud, matrix, camera)
    assert all(getattr(found, field).requires_grad for field in FIELDS)
    found = found.map(torch.Tensor.detach)
    assert all(tensor.dtype == torch.float32 for tensor in tensors_of(found))
    largest = np.abs(covariances(expected)).max()
    np.testing.assert_allclose(covariances(found), covariances(expected), atol=2e-6 * largest)
    np.testing.assert_allclose(found.sh, expected.sh, atol=1e-5)
    np.testing.assert_allclose(found.means, expected.means, atol=1e-6)
    assert min(decibels(render(found, camera), render(expected, camera))) >= 75


@pytest.mark.parametrize("name", ["larger", "mirrored", "sheared", "stretched and mirrored", "flat"])
def test_gradients_of_placing(head, look, name):
    """Of a loss that looks at the covariances, as every picture does, by finite differences."""
    cloud, camera, matrix = head(6, degree=2), look((0.3, -0.8, 0.1), 8, 8), matrix_of(LINEAR[name])

    def looked_at(*tensors):
        moved = placed(Gaussians(**dict(zip(FIELDS, tensors, strict=True))), matrix, camera)
        axes = rotation_matrices(moved.quats) * moved.scales[:, None, :]
        return axes @ axes.mT, moved.means, moved.opacities, moved.sh

    double = leaves(replace(cloud, scales=cloud.scales * 100), torch.float64)
    assert torch.autograd.gradcheck(looked_at, tensors_of(double), atol=1e-6)


def test_gradients_where_scales_are_alike_are_numbers(look):
    """A ball, a disc and a needle: their axes are of no one direction."""
    cloud = leaves(
        Gaussians(
            means=torch.zeros(3, 3),
            quats=torch.tensor([[1.0, 0, 0, 0]]).expand(3, 4),
            scales=torch.tensor([[1.0, 1, 1], [1, 1, 0], [1, 0, 0]]),
            opacities=torch.ones(3),
            sh=torch.zeros(3, 4, 3),
        )
    )
    moved = placed(cloud, matrix_of(np.diag([1.0, 2.0, 1.0])), look((0, -1, 0), 8, 8))
    sum(tensor.square().sum() for tensor in tensors_of(moved)).backward()
    assert all(torch.isfinite(tensor.grad).all() for tensor in tensors_of(cloud))


def test_a_placed_head_can_be_learned_from_its_picture(head, look):
    """Gradients come through the picture, the merging and the placing."""
    camera, matrix = look((0, -0.6, 0.1), 48, 48), matrix_of(LINEAR["stretched"], (0.0, 0.0, 0.0))
    cloud, other = leaves(head(300, degree=1)), head(50)
    image = render(merged([placed(cloud, matrix, camera), other]), camera)
    plain = render(merged([placed(cloud.map(torch.Tensor.detach), matrix, camera), other]), camera)
    np.testing.assert_allclose(image.rgb.detach(), plain.rgb, atol=1e-4)
    image.rgb.square().sum().backward()
    assert all(float(tensor.grad.abs().sum()) > 0 for tensor in tensors_of(cloud))


def test_numbers_that_are_not_ones_are_found_in_clouds_with_gradients(head, look):
    camera = look((0, -1, 0), 64, 64)
    for field in FIELDS:
        cloud = head(100, degree=1)
        getattr(cloud, field)[9] = float("nan")
        for linear in (LINEAR["turned"], LINEAR["stretched"]):
            with pytest.raises(DGTalkerError, match=r"number 9\."):
                render(placed(leaves(cloud), matrix_of(linear, (0, 0, 0)), camera), camera)


def test_heads_on_different_devices_are_not_merged(head):
    elsewhere = head(3).map(lambda tensor: tensor.to("meta"))
    with pytest.raises(DGTalkerError, match="different devices"):
        merged([head(3), elsewhere])
