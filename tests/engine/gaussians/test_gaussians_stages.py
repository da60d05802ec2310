"""Each stage of the kernels beside its own reference, forward and backward: what breaks is named by the test.

The references are functions of PyTorch's in float64; their gradients are those of automatic differentiation.
"""

from __future__ import annotations

import math

import numpy as np
import pytest
import torch

from dgtalker_engine.gaussians.arrays import arrays_of
from dgtalker_engine.gaussians.constants import ALPHA_THRESHOLD
from dgtalker_engine.gaussians.cpu import blending_gradients as backward
from dgtalker_engine.gaussians.cpu import projection as forward
from dgtalker_engine.gaussians.cpu import raster
from dgtalker_engine.gaussians.cpu.binning import bin_tiles
from dgtalker_engine.gaussians.cpu.spherical_harmonics import view_dependent, view_dependent_gradients
from dgtalker_engine.gaussians.cpu.view import Framebuffer, view_of
from dgtalker_engine.gaussians.reference import blending, projection, spherical_harmonics
from dgtalker_engine.gaussians.reference.projection import Ellipses

FIELDS = ("means", "quats", "scales", "opacities", "sh")
SQUARE = 2 * math.log(2)  # records hold powers of two: log α = -½ SQUARE ((a·dx + b·dy)² + (c·dy)²)

orthography = pytest.mark.parametrize("orthographic", [False, True])


def close(found, expected, limit: float = 1e-4) -> bool:
    found, expected = np.asarray(found, np.float64), np.asarray(expected, np.float64)
    return np.linalg.norm(found - expected) <= limit * np.linalg.norm(expected)


def precise(cloud):
    return cloud.map(lambda tensor: tensor.double().requires_grad_())


def factors(records: np.ndarray) -> np.ndarray:
    """((a, b), (0, c)) of records: (N, 2, 2), float64."""
    a, b, c = (records[:, column].astype(np.float64) for column in (forward.A, forward.B, forward.C))
    return np.stack([np.stack([a, b], 1), np.stack([0 * a, c], 1)], 1)


@pytest.fixture
def projected(head, look):
    """``projected(orthographic, degree) -> (cloud, camera, view, Projected, which are drawn)``"""

    def make(orthographic: bool, degree: int = 0):
        cloud = head(500, degree=degree)
        camera = look((0.1, -0.35, 0.05), 90, 70, orthographic=orthographic, filling=1.4)
        view = view_of(camera, (0, 0, 90, 70))
        stage = raster.project_cloud(view, arrays_of(cloud))
        return cloud, camera, view, stage, np.flatnonzero(stage.depths != forward.NOT_DRAWN)

    return make


@orthography
def test_projection(projected, orthographic):
    cloud, camera, _, stage, seen = projected(orthographic)
    ellipses = projection.project_all(precise(cloud), camera)
    records = stage.records[seen]
    assert 100 < len(seen) < len(cloud), "some are seen, and some are beside the picture"
    assert close(records[:, [forward.X, forward.Y]], ellipses.centres[seen].detach(), 1e-6)
    conics = SQUARE * factors(records).transpose(0, 2, 1) @ factors(records)
    assert close(np.linalg.inv(conics), ellipses.covariances[seen].detach())
    assert close(np.exp2(records[:, forward.LOG_OPACITY]), ellipses.opacities[seen].detach(), 1e-5)
    assert close(records[:, forward.DEPTH], ellipses.depths[seen].detach(), 1e-6)
    assert (stage.depths[seen] == records[:, forward.DEPTH].view(np.uint32)).all()


@orthography
def test_what_the_projection_leaves_out_cannot_be_seen(projected, orthographic):
    cloud, camera, _, _, seen = projected(orthographic)
    ellipses = projection.project_all(precise(cloud), camera)
    drawn = projection.drawn(ellipses, camera).numpy()
    assert drawn[seen].all()
    left_out = ellipses[torch.from_numpy(np.setdiff1d(np.flatnonzero(drawn), seen))]
    rgb, alpha, _ = blending.blend_dense(left_out, (0, 0, camera.width, camera.height), torch.zeros(3).double())
    assert float(alpha.detach().max()) == float(rgb.detach().max()) == 0


@orthography
def test_projection_gradients(projected, orthographic):
    """Of a loss that looks at every ellipse through a few pixels of its own, at its depth and at its colour."""
    cloud, camera, view, stage, seen = projected(orthographic, degree=1)
    random = np.random.default_rng(0)
    count, records = len(seen), stage.records[seen]
    weights, offsets = random.normal(size=(count, 5)), random.normal(size=(count, 5, 2)) * 2
    by_depth, by_colour = random.normal(size=count) * 5, random.normal(size=(count, 3))

    leaves = precise(cloud)
    ellipses = projection.project_all(leaves, camera)[torch.from_numpy(seen)]
    pixels = ellipses.centres.detach()[:, None] + torch.from_numpy(offsets)
    away = pixels - ellipses.centres[:, None]
    conics = torch.linalg.inv(ellipses.covariances)
    logs = ellipses.opacities.log()[:, None] - 0.5 * torch.einsum("npi,nij,npj->np", away, conics, away)
    loss = (logs * torch.from_numpy(weights)).sum() + (ellipses.depths * torch.from_numpy(by_depth)).sum()
    (loss + (ellipses.colours * torch.from_numpy(by_colour)).sum()).backward()

    sums = np.zeros((len(cloud), backward.SUMS), np.float32)
    u, v = np.einsum("nij,npj->ipn", factors(records), offsets)
    h = weights.T
    for column, terms in (
        (backward.H, h), (backward.HU, h * u), (backward.HV, h * v),
        (backward.HUU, h * u * u), (backward.HUV, h * u * v), (backward.HVV, h * v * v),
    ):  # fmt: skip
        sums[seen, column] = terms.sum(axis=0)
    sums[np.ix_(seen, [backward.D_RED, backward.D_GREEN, backward.D_BLUE])] = by_colour
    sums[seen, backward.D_DEPTH] = by_depth
    state = raster.ForwardState(stage.records, stage.depths, [])
    found = raster.project_cloud_gradients(view, arrays_of(cloud), state, sums)
    for name in FIELDS:
        assert close(getattr(found, name), getattr(leaves, name).grad), name


@pytest.mark.parametrize("count", [4, 9, 16])
def test_spherical_harmonics(count):
    random = np.random.default_rng(count)
    sh = random.normal(size=(50, count, 3)).astype(np.float32)
    directions = random.normal(size=(50, 3)) * 3
    basis = spherical_harmonics.basis(torch.from_numpy(directions), count)[:, 1:]
    expected = torch.einsum("nk,nkc->nc", basis, torch.from_numpy(sh[:, 1:]).double())
    found = [view_dependent(sh, i, *direction) for i, direction in enumerate(directions)]
    np.testing.assert_allclose(found, expected, atol=1e-12)


@pytest.mark.parametrize("count", [4, 9, 16])
def test_spherical_harmonics_gradients(count):
    random = np.random.default_rng(count)
    sh = random.normal(size=(50, count, 3)).astype(np.float32)
    directions, by_colour = random.normal(size=(50, 3)) * 3, random.normal(size=(50, 3))
    leaves = torch.from_numpy(directions).requires_grad_(), torch.from_numpy(sh).double().requires_grad_()
    basis = spherical_harmonics.basis(leaves[0], count)[:, 1:]
    (torch.einsum("nk,nkc->nc", basis, leaves[1][:, 1:]) * torch.from_numpy(by_colour)).sum().backward()
    by_sh = np.zeros_like(sh)
    found = [view_dependent_gradients(sh, i, *directions[i], *by_colour[i], by_sh) for i in range(50)]
    np.testing.assert_allclose(found, leaves[0].grad, atol=1e-12)
    np.testing.assert_allclose(by_sh, leaves[1].grad, rtol=1e-6, atol=1e-6)


def test_colours_are_those_of_the_spherical_harmonics(projected):
    cloud, camera, _, stage, seen = projected(False, degree=3)
    ellipses = projection.project_all(precise(cloud), camera)
    found = stage.records[seen][:, [forward.RED, forward.GREEN, forward.BLUE]]
    assert close(found, ellipses.colours[seen].detach(), 1e-6)


def ellipses_of(count: int, seed: int) -> Ellipses:
    """Ellipses in and around a picture of 90 × 70, some opaque beyond the clip, some at one depth."""
    random = np.random.default_rng(seed)
    angles, sizes = random.uniform(0, math.pi, count), np.exp(random.uniform(-1, 2.5, (count, 2)))
    turns = np.stack([np.cos(angles), -np.sin(angles), np.sin(angles), np.cos(angles)], 1).reshape(-1, 2, 2)
    half = turns * sizes[:, None]
    arrays = {
        "centres": random.uniform((-15, -15), (105, 85), (count, 2)),
        "covariances": half @ half.transpose(0, 2, 1) + 0.3 * np.eye(2),
        "opacities": random.choice([0.05, 0.3, 0.8, 2.0], count),
        "colours": random.random((count, 3)),
        "depths": random.integers(1, 40, count) / 8,
    }
    return Ellipses(**{name: torch.from_numpy(array) for name, array in arrays.items()})


def records_of(ellipses: Ellipses) -> tuple[np.ndarray, np.ndarray]:
    """What `project` would write of them."""
    covariances, opacities = ellipses.covariances.numpy(), ellipses.opacities.numpy()
    xx, xy, yy = covariances[:, 0, 0], covariances[:, 0, 1], covariances[:, 1, 1]
    records = np.zeros((len(xx), forward.RECORD), np.float32)
    a = np.sqrt(yy / (SQUARE * (xx * yy - xy * xy)))
    reach = np.sqrt(2 * np.log(opacities / ALPHA_THRESHOLD)[:, None] * np.stack([xx, yy], 1))
    records[:, [forward.X, forward.Y]] = ellipses.centres
    records[:, [forward.REACH_X, forward.REACH_Y]] = reach
    records[:, forward.A], records[:, forward.B], records[:, forward.C] = a, -a * xy / yy, 1 / np.sqrt(SQUARE * yy)
    records[:, forward.LOG_OPACITY], records[:, forward.INVERSE_A] = np.log2(opacities), 1 / a
    records[:, forward.WIDEST_Y] = xy / xx * reach[:, 0]
    records[:, [forward.RED, forward.GREEN, forward.BLUE]] = ellipses.colours
    records[:, forward.DEPTH] = ellipses.depths
    return records, records[:, forward.DEPTH].copy().view(np.uint32)


@pytest.fixture
def blended(look):
    """``blended(ellipses, region, background) -> (view, records, Framebuffer, ForwardState)``"""

    def make(ellipses: Ellipses, region, background):
        view = view_of(look((0, -1, 0), 90, 70), region)
        records, depths = records_of(ellipses)
        counts = np.zeros((1, view.columns * view.rows), np.int64)
        bin_tiles(view, records, depths, 0, len(depths), counts[0], np.empty(0, np.uint64), 0, counts.shape[1])
        size = region[3], region[2]
        frame = Framebuffer(
            rgb=np.zeros((*size, 3), np.float32),
            alpha=np.zeros(size, np.float32),
            depth=np.zeros(size, np.float32),
            background=np.float32(background),
        )
        kept = raster.blend(view, raster.Projected(records, depths, counts), frame, keep=True)
        return view, records, frame, raster.ForwardState(records, depths, kept)

    return make


regions = pytest.mark.parametrize("region", [(0, 0, 90, 70), (13, 7, 50, 41)])


@regions
def test_blending(blended, decibels, region):
    ellipses, background = ellipses_of(300, 0), np.array([0.2, 0.4, 0.9])
    _, _, frame, _ = blended(ellipses, region, background)
    rgb, alpha, depth = blending.blend(ellipses.front_to_back(), region, background)
    assert alpha.max() > 0.999 > alpha.min()
    assert min(decibels(frame, Framebuffer(rgb=rgb, alpha=alpha, depth=depth, background=background))) >= 100


@regions
def test_blending_of_the_reference_with_gradients(region):
    """Both of the reference's ways are one."""
    ellipses, background = ellipses_of(300, 1).front_to_back(), np.array([0.2, 0.4, 0.9])
    dense = blending.blend_dense(ellipses, region, torch.from_numpy(background))
    for found, expected in zip(dense, blending.blend(ellipses, region, background), strict=True):
        np.testing.assert_allclose(found, expected, atol=1e-10)


@regions
def test_blending_gradients(blended, region):
    ellipses, background = ellipses_of(200, 2), np.array([0.2, 0.4, 0.9])
    view, records, frame, state = blended(ellipses, region, background)
    random = np.random.default_rng(3)
    gradients = Framebuffer(
        rgb=random.normal(size=frame.rgb.shape).astype(np.float32),
        alpha=random.normal(size=frame.alpha.shape).astype(np.float32),
        depth=np.where(frame.alpha > 1e-2, random.normal(size=frame.alpha.shape), 0).astype(np.float32),
        background=frame.background,
    )
    sums = raster.blend_gradients(view, frame, state, gradients).astype(np.float64)

    names = ("centres", "covariances", "opacities", "colours", "depths")
    leaves = Ellipses(**{name: getattr(ellipses, name).clone().requires_grad_() for name in names})
    pictures = blending.blend_dense(leaves.front_to_back(), region, torch.from_numpy(background))
    by_pictures = (gradients.rgb, gradients.alpha, gradients.depth)
    torch.autograd.backward(pictures, [torch.from_numpy(array).double() for array in by_pictures])

    factor = factors(records)
    hu, hv = sums[:, backward.HU], sums[:, backward.HV]
    square = np.stack([sums[:, backward.HUU], sums[:, backward.HUV], sums[:, backward.HUV], sums[:, backward.HVV]], 1)
    by_covariance = 0.5 * SQUARE**2 * factor.transpose(0, 2, 1) @ square.reshape(-1, 2, 2) @ factor
    by_centre = SQUARE * (factor.transpose(0, 2, 1) @ np.stack([hu, hv], 1)[..., None])[..., 0]
    assert close(by_centre, leaves.centres.grad)
    assert close(by_covariance, leaves.covariances.grad)
    assert close(sums[:, backward.H] / ellipses.opacities.numpy(), leaves.opacities.grad)
    assert close(sums[:, [backward.D_RED, backward.D_GREEN, backward.D_BLUE]], leaves.colours.grad)
    assert close(sums[:, backward.D_DEPTH], leaves.depths.grad)
