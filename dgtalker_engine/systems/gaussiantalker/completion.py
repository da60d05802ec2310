"""What no frame shows of a head, made of what is near it and of the other half: for views beside the camera's.

Gaussians that no frame shows well are moved, coloured and grown by chance as far as nothing holds them. They are taken
out, and those that the training began with come back in their places, opaque and in the colours of their surroundings.
"""

from __future__ import annotations

import math

import numpy as np
import torch
from scipy.spatial import KDTree
from torch import Tensor

from ...capture.face_model import Region
from ...capture.regions import project
from ...gaussians import Gaussians, render
from ...gaussians.constants import SH_C0
from ...training.clip_frames import ClipFrames
from .model import BY_GAUSSIAN, BY_LATENT, GaussianTalker
from .seeding import Seeds, borrowed

_FRAMES = 8
_OUTSIDE = (Region.SKIN, Region.SCALP, Region.NECK)
"""What may be replaced: lids, lips and the mouth's inside are hidden now and seen then."""
_SEEN = 0.002  # the share of a Gaussian's face that a frame shows at least
_CLEAR = 0.08  # the share from which on its colour is sure
_BEHIND = 0.008  # metres: what lies so far behind what is drawn, or farther, changes no frame
_OPACITY = 4.0  # as a logit


@torch.no_grad()
def complete(model: GaussianTalker, frames: ClipFrames, seeds: Seeds) -> None:
    """Replaces what the training frames do not show; they look as before."""
    chosen = frames.split.training
    chosen = [chosen[i] for i in np.unique(np.linspace(0, len(chosen) - 1, _FRAMES).astype(int))]
    outside = torch.from_numpy(np.isin(model.regions.numpy(), _OUTSIDE))
    seen = torch.zeros(len(model))
    depths: list[np.ndarray] = []
    for index in chosen:
        share, depth = _shown(model, frames, index)
        seen = torch.maximum(seen, share)
        depths.append(depth)
    kept = ~outside | (seen >= _SEEN)
    rest = model.pose(torch.zeros(len(model.face_model.expression_names)))

    triangles = model.triangle_frames(model.face_model.neutral)
    points = (seeds.barycentrics[:, :, None] * triangles.corners[seeds.triangles]).sum(dim=1)
    widths = seeds.log_scales.exp().amax(dim=1) * triangles.sizes[seeds.triangles]
    distance, _ = KDTree(rest.means[kept].numpy()).query(points.numpy())
    regions = seeds.regions[seeds.triangles]
    free = np.isin(regions.numpy(), _OUTSIDE) & (distance > widths.numpy())
    added = torch.from_numpy(np.flatnonzero(free & _hidden(frames, chosen, depths, seeds)))

    known = np.concatenate([(seen[kept] >= _CLEAR).numpy(), np.zeros(len(added), bool)])
    colours = borrowed(
        np.concatenate([rest.means[kept].numpy(), points[added].numpy()]),
        np.concatenate([model.colours[kept].numpy(), np.zeros((len(added), 3))]),
        known,
        np.concatenate([model.regions[kept].numpy(), regions[added].numpy()]),
    )
    new = {
        "positions": torch.zeros(len(added), 3),
        "quats": torch.tensor([[1.0, 0, 0, 0]]).repeat(len(added), 1),
        "log_scales": seeds.log_scales[added] + math.log(1.3),
        "opacity_logits": torch.full((len(added),), _OPACITY),
        "colours": torch.from_numpy(colours[int(kept.sum()) :].astype(np.float32)),
        "barycentric_logits": seeds.barycentrics[added].clamp_min(1e-3).log(),
    }
    model.triangles = torch.cat([model.triangles[kept], seeds.triangles[added]])
    for name in BY_GAUSSIAN:
        parameter = getattr(model, name)
        parameter.data = torch.cat([parameter.data[kept], new[name]])
    for name in BY_LATENT:
        parameter = getattr(model, name)
        if parameter is not None:
            nothing = torch.zeros(len(parameter), len(added), 3)
            parameter.data = torch.cat([parameter.data[:, kept], nothing], dim=1)


@torch.enable_grad()
def _shown(model: GaussianTalker, frames: ClipFrames, index: int) -> tuple[Tensor, np.ndarray]:
    """Which share of each Gaussian, lying flat before the camera, is in a frame's picture (N,), and the depth (H, W).

    How much a picture changes with a Gaussian's colour is how much of it is seen.
    """
    with torch.no_grad():
        cloud = model.pose_on(frames.vertices(index), frames.expression(index), frames.joint_pose(index))
    grey = torch.zeros_like(cloud.sh, requires_grad=True)
    camera = frames.camera(index, 2)
    painted = Gaussians(means=cloud.means, quats=cloud.quats, scales=cloud.scales, opacities=cloud.opacities, sh=grey)
    image = render(painted, camera, antialiased=True)
    image.rgb[..., 0].sum().backward()
    assert grey.grad is not None
    pose = torch.as_tensor(camera.world_to_camera, dtype=torch.float32)
    depth = cloud.means @ pose[2, :3] + pose[2, 3]
    widths = cloud.scales.sort(dim=1).values[:, 1:] * float(camera.K[0, 0]) / depth[:, None]
    return grey.grad[:, 0, 0] / SH_C0 / (2 * math.pi * widths.prod(dim=1)), image.depth.detach().numpy()


def _hidden(frames: ClipFrames, chosen: list[int], depths: list[np.ndarray], seeds: Seeds) -> np.ndarray:
    """Which seeds (N,) no frame would show: they lie behind what is drawn."""
    model = frames.face_model
    faces = np.concatenate([model.faces.numpy(), seeds.shell.faces + len(model.neutral)])[seeds.triangles.numpy()]
    hidden = np.ones(len(faces), bool)
    for index, drawn in zip(chosen, depths, strict=True):
        vertices = np.concatenate([frames.vertices(index).numpy(), seeds.shell.vertices])
        points = (seeds.barycentrics.numpy()[:, :, None] * vertices[faces]).sum(axis=1)
        pixels, depth = project(frames.camera(index, 2), points)
        column, row = pixels.astype(int).T
        within = (column >= 0) & (row >= 0) & (column < drawn.shape[1]) & (row < drawn.shape[0])
        before = drawn[row.clip(0, drawn.shape[0] - 1), column.clip(0, drawn.shape[1] - 1)]
        hidden &= ~within | (depth > before + _BEHIND)
    return hidden
