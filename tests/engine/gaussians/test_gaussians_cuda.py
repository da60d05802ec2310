"""What calls gsplat: batches, shapes, regions, colours and the flow of gradients, on the processor.

gsplat's functions are stood in for by `torch_gsplat`, made of the reference: so this is no proof about gsplat, nor
about a GPU, which is what tests/gpu is for. It proves that the code around gsplat's functions asks them for the right
things and makes the right thing of their answers.
"""

from __future__ import annotations

import importlib
from dataclasses import replace

import numpy as np
import pytest
import torch

from dgtalker_engine.errors import DGTalkerError
from dgtalker_engine.gaussians import reference, render, render_many, render_scene_linear
from dgtalker_engine.gaussians.arrays import tensors_of
from dgtalker_engine.gaussians.cloud import FIELDS
from dgtalker_engine.gaussians.constants import NOTHING_HIT

PARITY = 75


def leaves(cloud):
    return cloud.map(lambda tensor: tensor.clone().requires_grad_())


def options(raster, **changed):
    usual = {"background": (0.0, 0.0, 0.0), "scene_linear": False, "as_tensors": True}
    return raster.Options(**(usual | changed))


@pytest.mark.parametrize("region", [None, (17, 11, 30, 25)])
@pytest.mark.parametrize("orthographic", [False, True])
@pytest.mark.parametrize("degree", [0, 2])
def test_pictures_are_those_of_the_processor(raster, head, look, decibels, degree, orthographic, region):
    clouds = [head(200, seed=seed, degree=degree) for seed in range(2)]
    cameras = [look((0.3 * i, -0.7, 0.2), 60, 50, orthographic=orthographic) for i in range(2)]
    asked = {"region": region, "background": (0.1, 0.2, 0.3)}
    found, expected = (render_many(clouds, cameras, **asked, backend=name) for name in ("cuda", "cpu"))
    for one, other in zip(found, expected, strict=True):
        assert isinstance(one.rgb, np.ndarray)
        assert min(decibels(one, other)) >= PARITY
        assert (one.depth[one.alpha == 0] == np.float32(NOTHING_HIT)).all()


def test_one_cloud_seen_by_many_cameras(raster, head, look, decibels):
    cloud, cameras = head(200, degree=1), [look((0.2 * i, -0.8, 0.1), 40, 30) for i in range(3)]
    for image, camera in zip(render_many([cloud] * 3, cameras, backend="cuda"), cameras, strict=True):
        assert min(decibels(image, reference.render(cloud, camera))) >= PARITY


def test_scene_linear_pictures(raster, head, look):
    clouds, cameras = [head(200), leaves(head(200, seed=1))], [look((0.1 * i, -0.8, 0.1), 40, 30) for i in range(2)]
    found, expected = (render_scene_linear(clouds, cameras, backend=name) for name in ("cuda", "cpu"))
    for pair, other in zip(found, expected, strict=True):
        for one, wanted in zip(pair, other, strict=True):
            assert isinstance(one, np.ndarray)
            np.testing.assert_allclose(one, wanted, rtol=1e-3, atol=1e-4)


@pytest.mark.parametrize("region", [None, (17, 11, 20, 15)])
@pytest.mark.parametrize("orthographic", [False, True])
@pytest.mark.parametrize("degree", [0, 2])
def test_gradients_are_those_of_the_processor(raster, head, look, degree, orthographic, region):
    """Of colours, alpha and depth, by the cloud and by the background; of two frames at once."""
    cameras = [look((0.2 * i, -0.6, 0.1), 48, 40, orthographic=orthographic) for i in range(2)]
    found = []
    for backend in ("cuda", "cpu"):
        clouds = [leaves(head(100, seed=seed, degree=degree)) for seed in range(2)]
        background = torch.tensor([0.3, 0.5, 0.9], requires_grad=True)
        images = render_many(clouds, cameras, region=region, background=background, backend=backend)
        random, total = torch.Generator().manual_seed(0), torch.zeros(())
        for image in images:
            depth = torch.where(image.alpha.detach() > 1e-2, image.depth, 0)
            for picture in (image.rgb, image.alpha, depth):
                total = total + (picture * (torch.rand(picture.shape, generator=random) - 0.4)).sum()
        total.backward()
        found.append([tensor.grad for cloud in clouds for tensor in tensors_of(cloud)] + [background.grad])
    for one, other in zip(*found, strict=True):
        assert torch.isfinite(one).all()
        assert float((one - other).norm()) <= 1e-3 * float(other.norm())


def test_tensors_are_left_where_they_were_drawn(raster, head, look):
    """As of a cloud on a GPU; without gradients there is no graph."""
    cloud, camera = head(100), look((0, -0.6, 0), 40, 30)
    for each, attached in ((cloud, False), (leaves(cloud), True)):
        ((rgb, alpha, depth),) = raster.render([each], [camera], None, options(raster))
        assert all(isinstance(picture, torch.Tensor) for picture in (rgb, alpha, depth))
        assert rgb.requires_grad is alpha.requires_grad is depth.requires_grad is attached
        assert (tuple(rgb.shape), tuple(alpha.shape), tuple(depth.shape)) == ((30, 40, 3), (30, 40), (30, 40))
    with torch.no_grad():
        ((rgb, _, _),) = raster.render([leaves(cloud)], [camera], None, options(raster))
    assert not rgb.requires_grad


def test_a_cloud_with_gradients_and_one_without_in_one_call(raster, head, look):
    cloud, camera = leaves(head(100)), look((0, -0.6, 0), 40, 30)
    images = render_many([cloud, head(100, seed=1), head(50)], [camera] * 3, backend="cuda")
    sum(image.rgb.sum() for image in images).backward()
    assert all(float(tensor.grad.abs().sum()) > 0 for tensor in tensors_of(cloud) if tensor.ndim < 3)


def test_nothing_to_see_has_gradients_of_nothing(raster, head, look):
    camera = look((0, -0.6, 0), 40, 30)
    for cloud in (head(1, degree=1).map(lambda tensor: tensor[:0]), head(50, degree=1)):
        cloud = leaves(replace(cloud, means=cloud.means - torch.tensor([0.0, 5.0, 0.0])))
        image = render(cloud, camera, background=(0, 1, 0), backend="cuda")
        assert (image.rgb.detach() == torch.tensor([0.0, 1.0, 0.0])).all()
        (image.rgb.sum() + image.alpha.sum()).backward()
        assert all((tensor.grad == 0).all() for tensor in tensors_of(cloud))


def test_a_picture_that_does_not_fit_is_made_in_bands_with_gradients(raster, head, look, monkeypatch):
    cloud, camera, draw = leaves(head(100)), look((0, -0.6, 0), 40, 30), raster.draw

    def small(batch, asked):
        if batch.region[3] > 16:
            raise torch.OutOfMemoryError("CUDA out of memory.")
        return draw(batch, asked)

    whole = render(cloud, camera, backend="cuda")
    monkeypatch.setattr(raster, "draw", small)
    bands = render(cloud, camera, backend="cuda")
    np.testing.assert_allclose(bands.rgb.detach(), whole.rgb.detach(), atol=1e-5)
    by_bands, by_whole = (torch.autograd.grad(image.rgb.square().sum(), cloud.means)[0] for image in (bands, whole))
    assert float((by_bands - by_whole).norm()) <= 1e-3 * float(by_whole.norm())


@pytest.mark.parametrize("field", FIELDS)
@pytest.mark.parametrize("attached", [False, True])
def test_values_that_are_not_numbers_are_named(raster, head, look, field, attached):
    cloud = head(100, degree=1)
    getattr(cloud, field)[12] = float("nan")
    with pytest.raises(DGTalkerError, match=f"1 of 100 Gaussians have {field} .* number 12"):
        render(leaves(cloud) if attached else cloud, look((0, -1, 0), 20, 20), backend="cuda")


def test_without_a_wish_gradients_of_clouds_on_the_processor_are_made_there(raster, head, look, monkeypatch):
    monkeypatch.setattr(raster, "draw", lambda *_: pytest.fail("drawn on the GPU"))
    render(leaves(head(10)), look((0, -1, 0), 20, 20)).rgb.sum().backward()


def test_the_self_test_looks_at_what_is_drawn(raster):
    self_test = importlib.import_module("dgtalker_engine.gaussians.cuda.self_test")
    assert self_test.problem() == ""
