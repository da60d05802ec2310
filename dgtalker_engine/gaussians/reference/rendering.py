"""The stages together: a cloud and a camera → a picture."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import torch

from ..camera import Camera
from ..checks import Background, check_background, checked_region
from ..cloud import Gaussians
from ..image import Image
from .blending import blend, blend_dense
from .projection import project


def render(
    gaussians: Gaussians,
    camera: Camera,
    *,
    region: Sequence[int] | None = None,
    background: Background = (0.0, 0.0, 0.0),
) -> Image:
    """`gaussians.render` in float64, without gradients; the arrays of the image are float64 too."""
    here = checked_region(camera, region)
    check_background(background)
    gaussians.check_values()
    with torch.no_grad():
        cloud = gaussians.map(lambda tensor: tensor.cpu().double())
        ellipses = project(cloud, camera).front_to_back()
    rgb, alpha, depth = blend(ellipses, here, np.asarray(background, np.float64))
    return Image(rgb=rgb, alpha=alpha, depth=depth)


def render_dense(
    gaussians: Gaussians,
    camera: Camera,
    *,
    region: Sequence[int] | None = None,
    background: torch.Tensor,
) -> Image:
    """`render` as tensors with gradients, of the type that the cloud's tensors have. For small clouds and pictures."""
    ellipses = project(gaussians, camera).front_to_back()
    rgb, alpha, depth = blend_dense(ellipses, checked_region(camera, region), background)
    return Image(rgb=rgb, alpha=alpha, depth=depth)
