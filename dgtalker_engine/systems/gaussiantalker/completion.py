"""What no frame shows of a head, made of the seeds that the training began with: for views beside the camera's.

Gaussians that no frame shows are moved, coloured and grown by chance as far as nothing holds them. They are taken out,
and seeds come back in their places, opaque and in the colours of their surroundings. So do seeds where a view from the
side looks through the head: what is whole before the camera may have gaps that only its depth hides.
"""

from __future__ import annotations

import math
from dataclasses import replace

import numpy as np
import torch
from scipy.ndimage import maximum_filter
from scipy.spatial import KDTree

from ...capture.regions import project
from ...gaussians import Camera, Gaussians, render
from ...gaussians.constants import SH_C0
from ...training.clip_frames import ClipFrames
from ...training.head_evaluation import turned
from .binding import Local, bind
from .model import BY_GAUSSIAN, BY_LATENT, GaussianTalker
from .seeding import Seeds
from .visibility import FRAMES, shown

_SEEN = 0.002  # the share of a Gaussian's face that a frame shows at least
_BEHIND = 0.006  # metres: what lies so far behind what is drawn, or farther, changes no frame
_AROUND = 0.006  # metres beside its middle where this must hold, too
_INWARD = (0.0, 0.002, 0.004, 0.007, 0.011, 0.016, 0.022)
"""Metres under its triangle where a seed may come back, where frames would show it farther out."""
_SOLID = 0.5  # the opacity from which on a Gaussian fills its place
_OPACITY = 4.0  # as a logit
_TURNS = ((-45, 0), (-30, 0), (-15, 0), (15, 0), (30, 0), (45, 0), (0, -15), (0, 15))
"""Degrees of yaw and pitch from where gaps are looked for."""
_WHOLE = 0.9  # the alpha from which on nothing is seen through
_PIXELS = 0.25  # of a gap, at half the frame's size


@torch.no_grad()
def complete(model: GaussianTalker, frames: ClipFrames, seeds: Seeds) -> None:
    """Replaces what the training frames do not show; they look as before."""
    chosen = frames.spread(FRAMES)
    areas, depths = zip(*(shown(model, frames, index) for index in chosen), strict=True)
    rest = model.pose(torch.zeros(len(model.face_model.expression_names)))
    flat = 2 * math.pi * rest.scales.sort(dim=1).values[:, 1:].prod(dim=1)
    kept = ~model.outer | (torch.stack(areas).amax(dim=0) >= _SEEN * flat)

    placed = _placed(model, seeds)
    distance, _ = KDTree(rest.means[kept & (rest.opacities > _SOLID)].numpy()).query(placed.means.numpy())
    replaceable = seeds.outside[seeds.triangles].numpy()
    inward = _hiding_places(frames, chosen, [depth.numpy() for depth in depths], seeds)
    added = replaceable & (distance > placed.scales.amax(dim=1).numpy())
    _take(model, kept, seeds, added, inward)

    gaps = (
        _gaps(model, frames.camera(chosen[len(chosen) // 2], 2), seeds, placed)
        & replaceable
        & ~(added & np.isfinite(inward))
    )
    _take(model, torch.ones(len(model), dtype=torch.bool), seeds, gaps, inward)


def _placed(model: GaussianTalker, seeds: Seeds) -> Gaussians:
    """The seeds on the face at rest, opaque."""
    count = len(seeds.triangles)
    still = torch.tensor([[1.0, 0, 0, 0]]).repeat(count, 1)
    local = Local(seeds.triangles, seeds.barycentrics, torch.zeros(count, 3), still, seeds.log_scales)
    means, quats, scales = bind(model.triangle_frames(model.face_model.neutral), local)
    opaque = torch.full((count,), _OPACITY).sigmoid()
    return Gaussians(means=means, quats=quats, scales=scales, opacities=opaque, sh=seeds.colours[:, None])


def _gaps(model: GaussianTalker, middle: Camera, seeds: Seeds, placed: Gaussians) -> np.ndarray:
    """Which seeds (N,) fill what is seen through from beside a frame's camera: bool."""
    head = model.pose(torch.zeros(len(model.face_model.expression_names)))
    filling = np.zeros(len(placed.means), bool)
    vertices = model.face_model.neutral
    for turn in _TURNS:
        camera = turned(middle, *turn)
        # What is seen of the far side is a gap as well.
        near, fills = model.facing(vertices, camera), model.facing(vertices, camera, seeds.triangles)
        through = torch.as_tensor(render(head.map(lambda t: t[near]), camera, antialiased=True).alpha) < _WHOLE
        with torch.enable_grad():
            grey = torch.zeros_like(placed.sh, requires_grad=True)
            image = render(replace(placed, sh=grey).map(lambda t: t[fills]), camera, antialiased=True)
            gap = through & (image.alpha.detach() > _WHOLE)
            image.rgb[gap].sum().backward()
        assert grey.grad is not None
        filling |= (grey.grad[:, 0, 0] / SH_C0 > _PIXELS).numpy()
    return filling


def _take(model: GaussianTalker, kept: torch.Tensor, seeds: Seeds, wanted: np.ndarray, inward: np.ndarray) -> None:
    """Leaves the Gaussians `kept` (N,) and adds the seeds `wanted` that have a place `inward` of their triangles."""
    added = torch.from_numpy(np.flatnonzero(wanted & np.isfinite(inward)))
    positions = torch.zeros(len(added), 3)
    positions[:, 1] = -torch.from_numpy(inward)[added]
    new = {
        "positions": positions,
        "quats": torch.tensor([[1.0, 0, 0, 0]]).repeat(len(added), 1),
        "log_scales": seeds.log_scales[added] + math.log(1.3),
        "opacity_logits": torch.full((len(added),), _OPACITY),
        "colours": seeds.colours[added],
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
