"""What no frame shows of a head, made of the seeds that the training began with: for views beside the camera's.

Gaussians that no frame shows are moved, coloured and grown by chance as far as nothing holds them. They are taken out,
and seeds come back in their places, opaque and in the colours of their surroundings. So do seeds where a view from the
side looks through the head: what is whole before the camera may have gaps that only its depth hides.
"""

from __future__ import annotations

import math

import numpy as np
import torch
from scipy.ndimage import maximum_filter
from scipy.spatial import KDTree

from ...capture.face_model import Region
from ...capture.regions import project
from ..clip_frames import ClipFrames
from .gaps import add_seeds, gaps_between, placed_seeds
from .model import BoundHead
from .seeding import Seeds
from .visibility import FRAMES, shown

_SEEN = 0.002  # the share of a Gaussian's face that a frame shows at least
_BEHIND = 0.006  # metres: what lies so far behind what is drawn, or farther, changes no frame
_AROUND = 0.006  # metres beside its middle where this must hold, too
_INWARD = (0.0, 0.002, 0.004, 0.007, 0.011, 0.016, 0.022)
"""Metres under its triangle where a seed may come back, where frames would show it farther out."""
_SOLID = 0.5  # the opacity from which on a Gaussian fills its place


@torch.no_grad()
def complete(model: BoundHead, frames: ClipFrames, seeds: Seeds) -> None:
    """Replaces what the training frames do not show of hair and neck, and fills gaps; they look as before.

    Skin that hair hides from these frames looks out of it where the head turns farther, and its seeds are brighter than
    what training made of it.
    """
    chosen = frames.spread(FRAMES)
    areas, depths = zip(*(shown(model, frames, index) for index in chosen), strict=True)
    rest = model.pose(torch.zeros(len(model.face_model.expression_names)))
    flat = 2 * math.pi * rest.scales.sort(dim=1).values[:, 1:].prod(dim=1)
    kept = ~(model.necks | (model.regions == Region.SCALP)) | (torch.stack(areas).amax(dim=0) >= _SEEN * flat)

    placed = placed_seeds(model, seeds)
    distance, _ = KDTree(rest.means[kept & (rest.opacities > _SOLID)].numpy()).query(placed.means.numpy())
    inward = _hiding_places(frames, chosen, [depth.numpy() for depth in depths], seeds)
    hair = (seeds.neck | (seeds.regions == Region.SCALP))[seeds.triangles].numpy()
    added = hair & (distance > placed.scales.amax(dim=1).numpy())
    add_seeds(model, seeds, added & np.isfinite(inward), inward, kept=kept)

    gaps = gaps_between(model, frames, seeds) & seeds.outside[seeds.triangles].numpy() & ~(added & np.isfinite(inward))
    add_seeds(model, seeds, gaps & np.isfinite(inward), inward)


def _hiding_places(frames: ClipFrames, chosen: list[int], depths: list[np.ndarray], seeds: Seeds) -> np.ndarray:
    """The least of `_INWARD` at which no frame would show a seed (N,), float32; NaN: at none.

    There it lies behind what is drawn, with some of its surroundings.
    """
    model = frames.face_model
    faces = np.concatenate([model.faces.numpy(), seeds.shell.faces + len(model.neutral)])[seeds.triangles.numpy()]
    hidden = np.ones((len(_INWARD), len(faces)), bool)
    for index, drawn in zip(chosen, depths, strict=True):
        corners = np.concatenate([frames.vertices(index).numpy(), seeds.shell.vertices])[faces]
        points = (seeds.barycentrics.numpy()[:, :, None] * corners).sum(axis=1)
        normals = np.cross(corners[:, 1] - corners[:, 0], corners[:, 2] - corners[:, 0])
        normals /= np.maximum(np.linalg.norm(normals, axis=1, keepdims=True), 1e-12)
        camera = frames.camera(index, 2)
        _, away = project(camera, points.mean(axis=0))
        around = maximum_filter(drawn, 1 + 2 * math.ceil(_AROUND * float(camera.K[0, 0] / away)))
        for row, inward in enumerate(_INWARD):
            hidden[row] &= _behind(*project(camera, points - inward * normals), around)
    return np.where(hidden.any(axis=0), np.array(_INWARD, np.float32)[hidden.argmax(axis=0)], np.float32(np.nan))


def _behind(pixels: np.ndarray, depth: np.ndarray, drawn: np.ndarray) -> np.ndarray:
    """Which points (N,) lie behind what is drawn (H, W), or beside the picture."""
    column, row = np.floor(pixels).astype(int).T
    within = (column >= 0) & (row >= 0) & (column < drawn.shape[1]) & (row < drawn.shape[0])
    before = drawn[row.clip(0, drawn.shape[0] - 1), column.clip(0, drawn.shape[1] - 1)]
    return ~within | (depth > before + _BEHIND)
