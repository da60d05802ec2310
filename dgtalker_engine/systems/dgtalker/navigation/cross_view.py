"""Masked cross-view supervision: a head that never was, half of it known in one frame, half in another."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import numpy as np
import torch
from torch import Tensor

from ....capture.face_model import FaceModel
from ....capture.regions import project
from ....gaussians import Camera, Gaussians, Image, render
from ....training.clip_frames import Box, View
from ....training.view_losses import view_losses
from .config import NavigationConfig

_NOSE_BASE, _ASIDE = 2, 0.05
Perceptual = Callable[[Tensor, Tensor], Tensor]


def nose_base(face_model: FaceModel) -> np.ndarray:
    """Where the nose ends above the upper lip, of a face at rest, head space, metres (3,)."""
    return face_model.landmarks(face_model.neutral)[_NOSE_BASE].numpy()


def upper_half(camera: Camera, region: Box, base: np.ndarray, feather: float) -> Tensor:
    """How much of each pixel of a view is the upper face: 1 above the nose's base, 0 below, (h, w).

    The halves part along the head's own left and right, in the head's pose.

    Args:
        camera: of the whole frame.
        region: where the view lies in it.
        base: `nose_base`.
        feather: pixels over which they pass into each other.
    """
    aside = np.array([_ASIDE, 0, 0])
    ends = np.stack([base - aside, base, base + aside])
    right, middle, left = project(camera, ends)[0][:, :2]
    along = (left - right) / np.linalg.norm(left - right)
    # Head space has x to the subject's left, which is right in the picture, and rows count downwards.
    up = np.array([along[1], -along[0]])
    x, y, width, height = region
    columns, rows = np.meshgrid(np.arange(width) + x + 0.5, np.arange(height) + y + 0.5)
    above = (columns - middle[0]) * up[0] + (rows - middle[1]) * up[1]
    return torch.from_numpy(np.clip(0.5 + above / feather, 0, 1).astype(np.float32))


def drawn(cloud: Gaussians, view: View) -> tuple[Tensor, Image]:
    """A head over a view's background (h, w, 3), and alone."""
    image = render(cloud, view.camera, region=view.region)
    image = replace(image, rgb=torch.as_tensor(image.rgb), alpha=torch.as_tensor(image.alpha))
    return image.rgb + (1 - image.alpha)[..., None] * view.background, image


def picture_losses(
    cloud: Gaussians, view: View, mask: Tensor | None, config: NavigationConfig, perceptual: Perceptual | None = None
) -> dict[str, Tensor]:
    """How far a head is from what a view shows, where the mask is 1; None: everywhere. Terms are weighted.

    What is masked out is filled with what is wanted: no gradient comes from there.
    """
    picture, image = drawn(cloud, view)
    if mask is not None:
        picture = torch.lerp(view.picture, picture, mask[..., None])
        image = replace(image, alpha=torch.lerp(view.head, image.alpha, mask))
    terms = view_losses(picture, image, view, config)
    if perceptual is not None:
        terms["perceptual"] = config.perceptual * perceptual(picture, view.picture)
    return terms


def cross_view_losses(
    cloud: Gaussians,
    views: tuple[View, View],
    base: np.ndarray,
    config: NavigationConfig,
    perceptual: Perceptual | None = None,
) -> dict[str, Tensor]:
    """The two halves of a head with the expression of one frame and the lips of another.

    Args:
        cloud: the head.
        views: the frame that supervises the upper half, under its own camera; the one that does the lower half.
        base: `nose_base`.
        config: weights.
        perceptual: where the user has its weights.
    """
    terms: dict[str, Tensor] = {}
    for view, lower in zip(views, (False, True), strict=True):
        mask = upper_half(view.camera, view.region, base, config.feather / config.down)
        own = picture_losses(cloud, view, 1 - mask if lower else mask, config, perceptual)
        terms |= {name: terms.get(name, 0.0) + term for name, term in own.items()}
    return terms
