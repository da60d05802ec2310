"""Pictures have the gradients that automatic differentiation of the reference has."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
import torch

from dgtalker_engine.errors import DGTalkerError
from dgtalker_engine.gaussians import Gaussians, reference, render

FIELDS = ("means", "quats", "scales", "opacities", "sh")


def leaves(cloud: Gaussians, kind: torch.dtype = torch.float32) -> Gaussians:
    return cloud.map(lambda tensor: tensor.to(kind, copy=True).requires_grad_())


def loss(image, seed: int = 0):
    """A random weight for every number of the picture; depth counts where something is well seen."""
    random = torch.Generator().manual_seed(seed)
    shape = tuple(image.alpha.shape)
    by_rgb, by_alpha, by_depth = (
        (torch.rand(size, generator=random, dtype=torch.float64) - 0.4).to(image.rgb)
        for size in ((*shape, 3), shape, shape)
    )
    depth = torch.where(image.alpha.detach() > 1e-2, image.depth, 0)
    return (image.rgb * by_rgb).sum() + (image.alpha * by_alpha).sum() + (depth * by_depth).sum()


def gradients(renderer, cloud: Gaussians, camera, kind: torch.dtype, **options) -> dict[str, torch.Tensor]:
    cloud = leaves(cloud, kind)
    background = torch.tensor([0.3, 0.5, 0.9], dtype=kind, requires_grad=True)
    loss(renderer(cloud, camera, background=background, **options)).backward()
    found = {name: getattr(cloud, name).grad for name in FIELDS} | {"background": background.grad}
    return {name: gradient.double() for name, gradient in found.items()}


def assert_as_in_the_reference(cloud, camera, limit=1e-4, **options):
    found = gradients(render, cloud, camera, torch.float32, **options)
    expected = gradients(reference.render_dense, cloud, camera, torch.float64, **options)
    for name, gradient in expected.items():
        assert (found[name] - gradient).norm() <= limit * gradient.norm(), name
        # And each number, of those that are not tiny.
        assert (found[name] - gradient).abs().max() <= 2 * limit * gradient.abs().max(), name


@pytest.mark.parametrize("orthographic", [False, True])
@pytest.mark.parametrize("degree", [0, 1, 2, 3])
def test_as_in_the_reference(head, look, degree, orthographic):
    camera = look((0.2, -0.6, 0.1), 72, 50, orthographic=orthographic, filling=1.1)
    assert_as_in_the_reference(head(250, degree=degree), camera)


def test_where_opacities_are_cut(head, look):
    """Many a pixel has an α that the clip cuts, which has no gradient."""
    cloud, camera = head(250), look((0.1, -0.6, 0.1), 50, 40)
    bright = replace(cloud, opacities=1 + 2 * cloud.opacities)
    assert_as_in_the_reference(bright, camera)
    plain, cut = (gradients(render, each, camera, torch.float32)["opacities"] for each in (cloud, bright))
    assert cut.norm() < 0.5 * plain.norm()


def test_of_a_crowded_picture(head, look):
    """Many Gaussians behind one another, pixels that become full, and a clip that keeps none from being full."""
    cloud = replace(head(1500), opacities=torch.linspace(0.3, 0.99, 1500))
    assert_as_in_the_reference(cloud, look((0, -0.6, 0.1), 40, 40, filling=0.8))


def test_near_the_camera_and_beside_the_picture(head, look):
    """The perspective is linearised at most so far from the middle: there its slopes have no gradient."""
    assert_as_in_the_reference(head(300, degree=1), look((0.02, -0.18, 0.0), 40, 30, filling=1.6), 2e-4)


def test_of_quaternions_of_any_length(head, look):
    cloud = head(200)
    cloud = replace(cloud, quats=cloud.quats * torch.linspace(0.2, 5, 200)[:, None])
    assert_as_in_the_reference(cloud, look((0.2, -0.6, 0.1), 40, 40))


def test_of_a_region(head, look):
    """The gradients of a part of the picture are those of the whole where the loss looks at that part only."""
    camera, found = look((0.2, -0.6, 0.1), 100, 80), []
    for region in (None, (33, 20, 40, 35)):
        cloud = leaves(head(2000, degree=1))
        image = render(cloud, camera, region=region)
        rgb = image.rgb if region else image.rgb[20:55, 33:73]
        (rgb**2).sum().backward()
        found.append([getattr(cloud, name).grad for name in FIELDS])
    for whole, part in zip(*found, strict=True):
        torch.testing.assert_close(part, whole, rtol=1e-5, atol=1e-5 * float(whole.abs().max()))


def test_bitwise_the_same_for_any_number_of_threads(head, look, threads):
    cloud, camera, found = head(8000, degree=1), look((0.3, -0.6, 0.2), 333, 222), []
    for count in (1, 2, 3, 8):
        threads(count)
        found.append(gradients(render, cloud, camera, torch.float32))
    for other in found[1:]:
        assert all(torch.equal(other[name], found[0][name]) for name in other)


def test_when_lists_are_made_in_parts(head, look, monkeypatch):
    cloud, camera = head(3000), look((0, -0.5, 0), 200, 150)
    whole = gradients(render, cloud, camera, torch.float32)
    monkeypatch.setattr("dgtalker_engine.gaussians.cpu.raster._MOST_PAIRS", 300)
    parts = gradients(render, cloud, camera, torch.float32)
    assert all(torch.equal(whole[name], parts[name]) for name in whole)


def test_tensors_only_where_gradients_are_asked_for(head, look):
    camera, cloud = look((0, -0.6, 0), 40, 30), head(100)
    plain, attached = render(cloud, camera), render(leaves(cloud), camera)
    assert isinstance(plain.rgb, np.ndarray)
    assert attached.rgb.requires_grad
    for name in ("rgb", "alpha", "depth"):
        assert np.array_equal(getattr(attached, name).detach().numpy(), getattr(plain, name))
    with torch.no_grad():
        assert isinstance(render(leaves(cloud), camera).rgb, np.ndarray)


def test_only_what_requires_a_gradient_gets_one(head, look):
    cloud, camera = head(100), look((0, -0.6, 0), 40, 30)
    cloud.sh.requires_grad_()
    render(cloud, camera).rgb.sum().backward()
    assert cloud.sh.grad is not None
    assert cloud.means.grad is None


def test_through_what_makes_the_cloud(head, look):
    """As in training: parameters before their activations, one of them not contiguous, one in float64."""
    cloud, camera = head(300), look((0, -0.6, 0), 40, 30)
    raw = torch.logit(cloud.opacities.double(), eps=1e-3).requires_grad_()
    logs = cloud.scales.log().T.contiguous().requires_grad_()
    image = render(replace(cloud, opacities=torch.sigmoid(raw), scales=logs.T.exp()), camera)
    image.alpha.mean().backward()
    assert raw.grad is not None
    assert raw.grad.dtype == torch.float64
    assert logs.grad is not None
    assert float(logs.grad.abs().sum()) > 0


def test_nothing_to_see_has_gradients_of_nothing(head, look):
    camera = look((0, -0.6, 0), 40, 30)
    for cloud in (head(1).map(lambda tensor: tensor[:0]), head(50)):
        cloud = leaves(replace(cloud, means=cloud.means - torch.tensor([0.0, 5.0, 0.0])))
        render(cloud, camera).rgb.sum().backward()
        assert all((getattr(cloud, name).grad == 0).all() for name in FIELDS)


def test_values_that_are_not_finite(head, look):
    cloud = head(50)
    cloud.means[7, 1] = float("nan")
    with pytest.raises(DGTalkerError, match="number 7"):
        render(leaves(cloud), look((0, -0.6, 0), 40, 30))


def test_pictures_that_were_changed_cannot_be_differentiated(head, look):
    image = render(leaves(head(50)), look((0, -0.6, 0), 40, 30))
    total = image.rgb.sum()
    with torch.no_grad():
        image.rgb.mul_(2)
    with pytest.raises(RuntimeError, match="modified by an inplace operation"):
        total.backward()


def test_a_picture_can_be_learned(head, look):
    """A grey, blurred head finds the colours and the shape of another."""
    camera = look((0, -0.6, 0.1), 64, 64)
    wanted = torch.from_numpy(render(head(2000), camera).rgb)
    start = head(2000)
    cloud = leaves(replace(start, sh=torch.zeros_like(start.sh), scales=start.scales * 1.5))
    optimizer = torch.optim.Adam([{"params": [cloud.sh], "lr": 0.1}, {"params": [cloud.scales], "lr": 1e-4}])
    errors = []
    for _ in range(30):
        optimizer.zero_grad()
        error = ((render(cloud, camera).rgb - wanted) ** 2).mean()
        error.backward()
        optimizer.step()
        errors.append(float(error.detach()))
    assert errors[-1] < 0.05 * errors[0]
