"""How far a baked avatar is from its model."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from ...avatar import Avatar
from ...gaussians import Camera, Gaussians
from .. import metrics
from . import pictures
from .source import PICTURE, BakeSource

MOST_DECIBELS = 99.0
"""What pictures that are the same count as: a file holds no infinite numbers."""


@dataclass(frozen=True, kw_only=True)
class BakeError:
    """How far a file is from its model, over expressions that the model has seen.

    Attributes:
        psnr: dB, inside the head, of the mean squared error over all pictures.
        lip_error: px of a picture of 512², the mean distance of the lips' Gaussians from where the model has them.
    """

    psnr: float
    lip_error: float


def compare(source: BakeSource, avatar: Avatar, kept: np.ndarray, check: Callable[[float], None]) -> BakeError:
    """Draws both at examples, as their cameras saw them.

    Args:
        source: the model.
        avatar: as its file is read.
        kept: the model's rows that the avatar's Gaussians are.
        check: is told the fraction done.
    """
    errors, distances = [], []
    lips = source.lips[kept]
    views = pictures.seen(source)
    for done, view in enumerate(views):
        model, baked = source.cloud(view.weights), avatar.pose(view.weights)
        wanted, alpha = pictures.wanted(source, view)
        rgb, _ = pictures.drawn(baked, view.camera)
        decibels = metrics.psnr(rgb.clamp(0, 1), wanted.clamp(0, 1), alpha > 0.5)
        errors.append(10 ** (-decibels / 10))
        if lips.any():
            apart = _pixels(baked, view.camera)[lips] - _pixels(model, view.camera)[kept][lips]
            distances.append(np.linalg.norm(apart, axis=1).mean() * PICTURE / view.camera.width)
        check(done / len(views))
    psnr = -10 * np.log10(max(float(np.mean(errors)), 10 ** (-MOST_DECIBELS / 10)))
    return BakeError(psnr=round(float(psnr), 2), lip_error=round(float(np.mean(distances or [0.0])), 3))


def _pixels(cloud: Gaussians, camera: Camera) -> np.ndarray:
    """Where the Gaussians' centres are in the picture, (N, 2)."""
    in_camera = cloud.means.numpy() @ camera.world_to_camera[:3, :3].T + camera.world_to_camera[:3, 3]
    return (in_camera @ camera.K.T)[:, :2] / in_camera[:, 2:]
