"""How far a head's pictures are from a clip's views: what heads from videos are trained by, whatever their system."""

from __future__ import annotations

from dataclasses import replace
from typing import Protocol

import torch
from torch import Tensor

from ..capture.face_model import Region
from ..capture.regions import NOTHING
from ..gaussians import Gaussians, Image, render
from ..gaussians.constants import SH_C0
from .clip_frames import View
from .losses import d_ssim

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
"""c_fix of GaussianTalker's equation 22."""


class ViewWeights(Protocol):
    """Of the terms of `view_losses`, which leave out a term whose weight is 0.

    Attributes:
        ssim_weight: of D-SSIM beside L1.
        mouth_weight: how much more L1 counts around the mouth.
        mask_weight: of opacity beside the head and transparency inside it.
    """

    @property
    def ssim_weight(self) -> float: ...
    @property
    def mouth_weight(self) -> float: ...
    @property
    def mask_weight(self) -> float: ...


def view_losses(picture: Tensor, image: Image, view: View, weights: ViewWeights) -> dict[str, Tensor]:
    """L1 and D-SSIM, and how far the opacity is from the head's mask; weighted.

    Args:
        picture: the head over its background (h, w, 3).
        image: the head alone, as it was rendered.
        view: what is wanted.
        weights: of the terms.
    """
    difference = (picture - view.picture).abs()
    terms = {"l1": difference.mean()}
    if weights.mouth_weight:
        around = difference[view.mouth]
        if around.numel():
            terms["mouth"] = weights.mouth_weight * around.sum() / difference.numel()
    if weights.ssim_weight:
        terms["ssim"] = weights.ssim_weight * d_ssim(picture, view.picture)
    if weights.mask_weight:
        terms["mask"] = weights.mask_weight * (view.certain * (image.alpha - view.head).abs()).mean()
    return terms


def semantic_loss(cloud: Gaussians, regions: Tensor, view: View) -> Tensor:
    """GaussianTalker's equations 22 and 23: Gaussians in the colours of their triangles' classes, against the frame's.

    The paper takes M_gt from a face parser. Here it is the fitted face model's, and hair where it shows nothing within
    the head's mask; so what counts is only where the mask's edge is certain.

    Args:
        cloud: N Gaussians, those of the neck left out.
        regions: `Region` of each (N,).
        view: what is wanted.
    """
    palette = torch.zeros(256, 3)
    for region, colour in _CLASSES.items():
        palette[int(region)] = torch.tensor(colour)
    wanted = view.labels.clone()
    wanted[(view.labels == NOTHING) & (view.head > 0.5)] = int(Region.SCALP)
    truth = palette[wanted.long()] * view.head[..., None]
    painted = replace(cloud, sh=((palette[regions.long()] - 0.5) / SH_C0)[:, None])
    image = render(painted, view.camera, region=view.region)
    return (view.certain[..., None] * (image.rgb - truth).square()).mean()


def before_colour(view: View, colour: Tensor) -> View:
    """The view with another colour (3,) where it certainly shows nothing of the head."""
    beside = (view.certain * (1 - view.head) > 0.99)[..., None]
    picture, background = (torch.where(beside, colour, each) for each in (view.picture, view.background))
    return replace(view, picture=picture, background=background)
