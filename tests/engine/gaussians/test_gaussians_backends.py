"""Both renderers: many frames in one call, what is hard for either, and that a GPU makes the processor's picture."""

from __future__ import annotations

import math
from dataclasses import replace

import numpy as np
import pytest
import torch

from dgtalker_engine.errors import DGTalkerError
from dgtalker_engine.gaussians import (
    Camera,
    Gaussians,
    Image,
    backend,
    reference,
    render,
    render_many,
    render_scene_linear,
)
from dgtalker_engine.gaussians.arrays import tensors_of
from dgtalker_engine.gaussians.colour import to_scene_linear
from dgtalker_engine.gaussians.constants import NOTHING_HIT
from dgtalker_engine.gaussians.transform import merged, placed

FIELDS = ("means", "quats", "scales", "opacities", "sh")
on_gpu = pytest.mark.skipif(bool(backend.gpu_problem()), reason=f"needs gsplat on a GPU: {backend.gpu_problem()}")
either = pytest.mark.parametrize("renderer", ["cpu", pytest.param("cuda", marks=on_gpu)])

LEAST_PARITY = 75


def same(a, b) -> bool:
    return all(np.array_equal(getattr(a, name), getattr(b, name)) for name in ("rgb", "alpha", "depth"))


def clouds_of(head, count: int, size: int = 2000, degree: int = 0):
    return [head(size, seed=seed, degree=degree) for seed in range(count)]


@either
def test_many_frames_are_those_that_are_rendered_alone(head, look, decibels, renderer):
    clouds = [*clouds_of(head, 5), head(10), head(2000, degree=2)]
    cameras = [look((0.1 * i, -0.8, 0.1), 90, 70) for i in range(7)]
    options = {"background": (0.1, 0.2, 0.3), "backend": renderer}
    images = render_many(clouds, cameras, **options)
    for image, cloud, camera in zip(images, clouds, cameras, strict=True):
        assert min(decibels(image, render(cloud, camera, **options))) >= 100
        assert image.rgb.shape == (70, 90, 3)
        assert image.rgb.dtype == image.alpha.dtype == image.depth.dtype == np.float32
        assert image.rgb.flags.c_contiguous
        assert image.depth.flags.c_contiguous


@either
def test_one_cloud_seen_by_many_cameras(head, look, decibels, renderer):
    cloud, cameras = head(2000, degree=1), [look((0.2 * i, -0.8, 0.1), 90, 70) for i in range(4)]
    for image, camera in zip(render_many([cloud] * 4, cameras, backend=renderer), cameras, strict=True):
        assert min(decibels(image, reference.render(cloud, camera))) >= LEAST_PARITY


@either
def test_scene_linear_frames(head, look, renderer):
    clouds, cameras = clouds_of(head, 2), [look((0.1 * i, -0.8, 0.1), 60, 50) for i in range(2)]
    pictures = render_scene_linear(clouds, cameras, region=(5, 6, 40, 30), backend=renderer)
    for (rgba, depth), cloud, camera in zip(pictures, clouds, cameras, strict=True):
        image = render(cloud, camera, region=(5, 6, 40, 30), backend=renderer)
        assert rgba.dtype == np.float32
        assert rgba.flags.c_contiguous
        np.testing.assert_allclose(rgba, to_scene_linear(image.rgb, image.alpha), atol=1e-5)
        np.testing.assert_allclose(depth, image.depth, rtol=1e-5)


@either
def test_a_camera_for_each_cloud(head, look, renderer):
    assert render_many([], [], backend=renderer) == []
    with pytest.raises(DGTalkerError, match="2 clouds cannot be seen by 1 cameras"):
        render_many([head(3)] * 2, [look((0, -1, 0), 8, 8)], backend=renderer)


@either
def test_frames_with_nothing_in_them(head, one, straight, renderer):
    """Empty, behind the camera, too faint, and one single Gaussian: in one call, and in pictures of one pixel."""
    nothing = head(1, degree=1).map(lambda tensor: tensor[:0])
    behind = replace(head(100), means=head(100).means - torch.tensor([0.0, 0.0, 5.0]))
    clouds = [nothing, behind, one(opacity=0.003), one(mean=(0.0, 0.0, 0.0)), one()]
    for side in (32, 1):
        camera = straight(side, side, near=0.0)
        images = render_many(clouds, [camera] * 5, background=(0, 1, 0), backend=renderer)
        for image in images[:4]:
            assert (image.rgb == [0, 1, 0]).all()
            assert (image.alpha == 0).all()
            assert (image.depth == np.float32(NOTHING_HIT)).all()
        assert images[4].alpha.max() == pytest.approx(0.8, abs=0.01)


@either
@pytest.mark.parametrize("value", [math.nan, math.inf])
@pytest.mark.parametrize("field", FIELDS)
def test_values_that_are_not_numbers_are_named_in_whatever_frame(head, look, renderer, field, value):
    clouds = clouds_of(head, 3, degree=1)
    broken = getattr(clouds[1], field).clone()
    broken[1234] = value
    clouds[1] = replace(clouds[1], **{field: broken})
    with pytest.raises(DGTalkerError, match=f"1 of 2000 Gaussians have {field} .* number 1234"):
        render_many(clouds, [look((0, -1, 0), 64, 64)] * 3, backend=renderer)


@either
def test_a_quaternion_of_length_0_is_named(head, look, renderer):
    cloud = head(10)
    cloud.quats[7] = 0
    with pytest.raises(DGTalkerError, match="quats of length 0; the first is number 7"):
        render(cloud, look((0, -1, 0), 64, 64), backend=renderer)


@either
def test_a_million_gaussians(renderer):
    """A wall of them, 1 m wide, 1 m away: opaque, of the colour that all have."""
    random = torch.Generator().manual_seed(0)
    n = 1_000_000
    cloud = Gaussians(
        means=torch.rand(n, 3, generator=random) + torch.tensor([-0.5, -0.5, 1.0]),
        quats=torch.tensor([[1.0, 0, 0, 0]]).expand(n, 4),
        scales=torch.full((n, 3), 0.002),
        opacities=torch.full((n,), 0.9),
        sh=torch.full((n, 1, 3), 0.5),
    )
    K = np.array([[400.0, 0, 128], [0, 400, 128], [0, 0, 1]])
    camera = Camera(K=K, world_to_camera=np.eye(4), width=256, height=256)
    image = render(cloud, camera, backend=renderer)
    middle = np.s_[100:156, 100:156]
    assert image.alpha[middle].min() > 0.99
    np.testing.assert_allclose(image.rgb[middle] / image.alpha[middle][..., None], 0.5 + 0.28209479 * 0.5, rtol=1e-4)
    assert ((image.depth[middle] > 1) & (image.depth[middle] < 1.2)).all()


@on_gpu
def test_a_very_large_picture_on_the_gpu(one, straight):
    """8192²; the processor's is tested with its positions."""
    image = render(one(mean=(0.5, 0.5, 1.0), scale=0.001), straight(8192, 8192, 8000.0), backend="cuda")
    weights = image.alpha[8000:8192, 8000:8192].sum(axis=0)
    assert (weights * (np.arange(8000, 8192) + 0.5)).sum() / weights.sum() == pytest.approx(8096.0, abs=1e-2)
    assert image.alpha.sum() == pytest.approx(image.alpha[8000:8192, 8000:8192].sum())


@on_gpu
@pytest.mark.parametrize("size", [1e-30, 1e-10, 1e5, 1e15, 1e30])
def test_extreme_values_do_no_harm_on_the_gpu(head, straight, size):
    random = torch.Generator().manual_seed(1)
    cloud = head(400, degree=1)
    for means, scales in ((size, 1.0), (1.0, size), (size, size)):
        wild = replace(cloud, means=torch.randn(400, 3, generator=random) * means, scales=cloud.scales * scales)
        for camera in (straight(near=0.0, far=math.inf), straight(near=0.0, orthographic=True, focal=1e6)):
            image = render(wild, camera, backend="cuda")
            assert np.isfinite(image.rgb).all()
            assert ((image.alpha >= 0) & (image.alpha <= 1)).all()


@on_gpu
@pytest.mark.parametrize("region", [None, (37, 41, 100, 77)])
@pytest.mark.parametrize("orthographic", [False, True])
@pytest.mark.parametrize("degree", [0, 1, 2, 3])
def test_parity(head, look, decibels, degree, orthographic, region):
    clouds = clouds_of(head, 3, 20_000, degree)
    cameras = [look((0.3 * i, -0.7, 0.2), 200, 150, orthographic=orthographic) for i in range(3)]
    options = {"region": region, "background": (0.1, 0.2, 0.3)}
    found, expected = (render_many(clouds, cameras, **options, backend=name) for name in ("cuda", "cpu"))
    for one, other in zip(found, expected, strict=True):
        assert min(decibels(one, other)) >= LEAST_PARITY


@on_gpu
def test_parity_from_within_the_head(head, look, decibels):
    """Where gsplat's clamped perspective shows: a region has the whole picture's."""
    cloud, camera = head(20_000), look((0.02, -0.06, 0.02), 300, 200, filling=0.2, near=0.001)
    for region in (None, (200, 120, 100, 80)):
        found, expected = (render(cloud, camera, region=region, backend=name) for name in ("cuda", "cpu"))
        assert min(decibels(found, expected)) >= LEAST_PARITY - 10


@on_gpu
def test_clouds_that_are_on_the_gpu_already(head, look, decibels):
    """Their pictures stay there, and the processor's renderer can be asked for them too."""
    cloud, camera = head(5000, degree=1), look((0, -0.8, 0), 100, 100)
    there = cloud.map(lambda tensor: tensor.cuda())
    image = render(there, camera)
    assert image.rgb.is_cuda
    assert image.alpha.is_cuda
    assert image.depth.is_cuda
    fetched = Image(rgb=image.rgb.cpu(), alpha=image.alpha.cpu(), depth=image.depth.cpu())
    assert min(decibels(fetched, render(cloud, camera, backend="cuda"))) >= 100
    assert same(render(there, camera, backend="cpu"), render(cloud, camera, backend="cpu"))
    placed_there = placed(there, np.diag([1.0, 2.0, 1.0, 1.0]), camera)
    assert all(tensor.is_cuda for tensor in tensors_of(merged([placed_there, there])))


@on_gpu
@pytest.mark.parametrize("orthographic", [False, True])
@pytest.mark.parametrize("degree", [0, 3])
def test_gradients_on_the_gpu_are_those_of_the_processor(head, look, degree, orthographic):
    """Wherever the parameters are; gsplat sums in float32 in any order."""
    camera, found = look((0.2, -0.6, 0.1), 72, 50, orthographic=orthographic), []
    for device, renderer in (("cpu", "cpu"), ("cuda", "cuda"), ("cpu", "cuda")):
        cloud = head(300, degree=degree).map(lambda tensor, to=device: tensor.to(to, copy=True).requires_grad_())
        image = render(cloud, camera, backend=renderer)
        assert image.rgb.device.type == device
        (image.rgb.square().sum() + image.alpha.sum()).backward()
        found.append([tensor.grad.cpu() for tensor in tensors_of(cloud)])
    for expected, *others in zip(*found, strict=True):
        assert all(float((other - expected).norm()) <= 5e-3 * float(expected.norm()) for other in others)
