"""How much of a picture each Gaussian makes."""

from __future__ import annotations

import torch
from torch import Tensor

from ..gaussians import Camera, Gaussians, Image, render
from ..gaussians.constants import SH_C0


@torch.enable_grad()
def coverage(cloud: Gaussians, camera: Camera) -> tuple[Tensor, Image]:
    """How many pixels each Gaussian is seen in (N,), behind others' shares, and the picture, whose depth is to be used.

    How much a picture changes with a Gaussian's colour is how much of it is seen. All are grey here, since a colour
    that is as dark as can be changes nothing.
    """
    grey = torch.zeros_like(cloud.sh, requires_grad=True)
    image = render(
        Gaussians(means=cloud.means, quats=cloud.quats, scales=cloud.scales, opacities=cloud.opacities, sh=grey),
        camera,
    )
    image.rgb[..., 0].sum().backward()
    assert grey.grad is not None
    return (grey.grad[:, 0, 0] / SH_C0).clamp_min(0), image
