"""Heads that leave holes: their part of what covers a pixel is taken from its alpha, and their colours are nowhere.

A pixel's Gaussians from front to back, of colours cᵢ and weights wᵢ (which sum up to its alpha), give Σ wᵢ cᵢ. So with
colours of 1 where a head is seen and 0 where it is a holdout, the same picture gives the alpha that is left: exactly.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import NamedTuple

import numpy as np
import torch

from ..gaussians import Camera, Gaussians, Image, render
from ..gaussians.constants import ALPHA_THRESHOLD, NOTHING_HIT, SH_C0
from ..gaussians.lighting import coloured

_LEAST = 1e-6


class Seen(NamedTuple):
    """A picture of heads some of which are holdouts, arrays.

    Attributes:
        image: of the others: premultiplied sRGB over black, alpha and depth of what is seen of them.
        held_out: float32 (H, W), what holdouts cover of each pixel.
        depth: float32 (H, W), as `Image` has it, of all heads.
    """

    image: Image
    held_out: np.ndarray
    depth: np.ndarray


@torch.no_grad()
def seen(cloud: Gaussians, held_out: np.ndarray, camera: Camera, region: Sequence[int] | None = None) -> Seen:
    """Renders a cloud twice: with its colours, and with what says whose they are.

    What covers less than Gaussians are seen at all from (`ALPHA_THRESHOLD`) is not seen: a far head shimmers through
    every hole, since no Gaussian hides all of what is behind it.

    Args:
        cloud: in the world, spherical harmonics of degree 0.
        held_out: bool (N,), which Gaussians are holdouts'.
        camera: in the world.
        region: as `gaussians.render` has it.
    """
    matrix = np.asarray(camera.world_to_camera, np.float64)
    depths = cloud.means.detach().cpu().numpy().astype(np.float64) @ matrix[2, :3] + matrix[2, 3]
    farthest = max(float(np.abs(depths[~held_out]).max(initial=0.0)), _LEAST)
    told = np.stack([np.ones_like(depths), np.maximum(depths, 0) / farthest, np.zeros_like(depths)], axis=1)
    told[held_out] = 0
    whole = render(_blackened(cloud, held_out), camera, region=region).on_cpu()
    left = render(coloured(cloud, told), camera, region=region).on_cpu()
    alpha, along = np.ascontiguousarray(left.rgb[..., 0]), left.rgb[..., 1]
    alpha[alpha < ALPHA_THRESHOLD] = 0
    is_seen = alpha > 0
    depth = np.full_like(alpha, NOTHING_HIT)
    depth[is_seen] = along[is_seen] / alpha[is_seen] * farthest
    return Seen(Image(whole.rgb * is_seen[..., None], alpha, depth), np.maximum(whole.alpha - alpha, 0), whole.depth)


def _blackened(cloud: Gaussians, chosen: np.ndarray) -> Gaussians:
    sh = cloud.sh.clone()
    sh[torch.from_numpy(chosen).to(sh.device)] = -0.5 / SH_C0
    return replace(cloud, sh=sh)
