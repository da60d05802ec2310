"""How much of a picture each Gaussian makes."""

from __future__ import annotations

import numpy as np
import torch

from dgtalker_engine.gaussians import Camera, Gaussians
from dgtalker_engine.training.coverage import coverage

CAMERA = Camera(
    K=np.array([[60.0, 0, 32], [0, 60, 32], [0, 0, 1]]),
    world_to_camera=np.array([[1.0, 0, 0, 0], [0, 0, -1, 0], [0, 1, 0, 1], [0, 0, 0, 1]]),
    width=64,
    height=64,
)


def test_the_shares_of_gaussians_of_any_colour_are_the_pictures_opacity():
    torch.manual_seed(0)
    means = 0.2 * torch.randn(30, 3)
    cloud = Gaussians(
        means=means,
        quats=torch.tensor([1.0, 0, 0, 0]).expand(30, 4).contiguous(),
        scales=torch.full((30, 3), 0.05),
        opacities=torch.full((30,), 0.7),
        sh=torch.full((30, 1, 3), -3.0),
    )
    hidden = cloud.map(lambda each: torch.cat([each, each[:1]]))
    hidden.means[-1] = torch.tensor([0.0, 0.9, 0.0])
    hidden.scales[:2], hidden.opacities[:2] = 0.3, 1.0
    hidden.means[:2] = torch.tensor([0.0, -0.3, 0.0])
    pixels, image = coverage(hidden, CAMERA)
    np.testing.assert_allclose(float(pixels.sum()), float(image.alpha.detach().sum()), rtol=1e-3)
    assert float(pixels[-1]) < 0.05 * float(pixels[0])
