"""What a GaussianTalker head is trained by: equations 20 to 24, and what keeps views that no frame shows clean."""

from __future__ import annotations

import math

import torch
import torch.nn.functional as F
from torch import Tensor

from ...capture.face_model import Region
from ...capture.regions import NOTHING
from ...gaussians import Gaussians, Image, render
from ...gaussians.constants import SH_C0
from ...training.clip_frames import View
from ...training.losses import d_ssim
from .config import GaussianTalkerConfig
from .model import BY_LATENT, GaussianTalker

_CLASSES = {
    Region.SKIN: (1.0, 0.0, 0.0),
    Region.UPPER_FACE: (1.0, 0.0, 0.0),
    Region.LIPS: (1.0, 1.0, 0.0),
    Region.MOUTH_INSIDE: (0.0, 1.0, 0.0),
    Region.TEETH: (0.0, 1.0, 0.0),
    Region.EYES: (0.0, 0.0, 1.0),
    Region.SCALP: (0.0, 1.0, 1.0),
    Region.NECK: (1.0, 0.0, 0.0),
}
"""c_fix of equation 22."""
_BLEND_SCALES = {"blend_positions": 3e3, "blend_rotations": 0.03, "blend_colours": 0.03}
"""λ of the squares of W_pos (metres), W_rot (radians) and W_color: about alike where they matter alike."""
_TILT = 0.02


def picture_losses(picture: Tensor, image: Image, view: View, config: GaussianTalkerConfig) -> dict[str, Tensor]:
    """L1 and D-SSIM of equation 20, and how far the opacity is from the head's mask.

    Args:
        picture: the head over its background (h, w, 3).
        image: the head alone, as it was rendered.
        view: what is wanted.
        config: the weights; the terms are weighted.
    """
    difference = (picture - view.picture).abs()
    terms = {"l1": difference.mean()}
    if config.mouth_weight:
        around = difference[view.mouth]
        if around.numel():
            terms["mouth"] = config.mouth_weight * around.sum() / difference.numel()
    if config.ssim_weight:
        terms["ssim"] = config.ssim_weight * d_ssim(picture, view.picture)
    if config.mask_weight:
        terms["mask"] = config.mask_weight * (view.certain * (image.alpha - view.head).abs()).mean()
    return terms


def attribute_losses(model: GaussianTalker, config: GaussianTalkerConfig) -> dict[str, Tensor]:
    """Equation 21, and that the Gaussians, which are flat, lie in their triangles' planes."""
    far = F.relu(model.positions.norm(dim=1) - config.position_bound) * 1e3
    large = F.relu(model.log_scales - math.log(config.scale_bound))
    tilt = model.quats[:, 1].square() + model.quats[:, 3].square()
    tilt = tilt / model.quats.square().sum(dim=1)
    return {
        "positions": config.position_weight * 0.01 * far.square().mean(),
        "scales": config.scale_weight * 0.1 * large.square().mean(),
        "tilt": _TILT * tilt.mean(),
    }


def blendshape_loss(model: GaussianTalker, config: GaussianTalkerConfig) -> dict[str, Tensor]:
    """Ridge on the speaker's blendshapes."""
    total = torch.zeros(())
    for name in BY_LATENT:
        weights = getattr(model, name)
        if weights is not None:
            total = total + _BLEND_SCALES[name] * weights.square().mean()
    return {"blendshapes": config.blend_weight * total}


def semantic_loss(cloud: Gaussians, regions: Tensor, view: View, config: GaussianTalkerConfig) -> Tensor:
    """Equations 22 and 23: the Gaussians in the colours of their triangles' classes, against the frame's classes.

    The paper takes M_gt from a face parser. Here it is the fitted face model's, and hair where it shows nothing within
    the head's mask; so what counts is only where the mask's edge is certain.
    """
    palette = torch.zeros(256, 3)
    for region, colour in _CLASSES.items():
        palette[int(region)] = torch.tensor(colour)
    wanted = view.labels.clone()
    wanted[(view.labels == NOTHING) & (view.head > 0.5)] = int(Region.SCALP)
    truth = palette[wanted.long()] * view.head[..., None]
    painted = Gaussians(
        means=cloud.means,
        quats=cloud.quats,
        scales=cloud.scales,
        opacities=cloud.opacities,
        sh=((palette[regions.long()] - 0.5) / SH_C0)[:, None],
    )
    image = render(painted, view.camera, region=view.region)
    return config.semantic_weight * (view.certain[..., None] * (image.rgb - truth).square()).mean()
