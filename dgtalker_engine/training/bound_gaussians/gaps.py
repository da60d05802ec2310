"""Gaps that views from the side look through, and the seeds that fill them.

What is whole before the camera may have gaps that only its depth hides: Gaussians slide along the view until all
frames fit. Behind them the far side of the head shows, or the inside of the hair. So seeds come back there while there
is time left to train with them.
"""

from __future__ import annotations

import math
from dataclasses import replace

import numpy as np
import torch
from torch import Tensor

from ...gaussians import Gaussians, render
from ...gaussians.constants import SH_C0
from ..clip_frames import ClipFrames
from ..head_evaluation import turned
from .binding import Local, bind
from .model import BY_GAUSSIAN, BoundHead
from .seeding import Seeds
from .visibility import FRAMES

_TURNS = ((-45, 0), (-30, 0), (-15, 0), (15, 0), (30, 0), (45, 0), (0, -15), (0, 15))
"""Degrees of yaw and pitch from where gaps are looked for."""
_OPACITY = 4.0  # as a logit
_WHOLE = 0.9  # the alpha from which on nothing is seen through
_PIXELS = 0.25  # of a gap, at half the frame's size
_UNDER = 0.002  # metres under its triangle: there is a seed that frames may show
_ALIKE = 0.16  # of sRGB, root mean square: so little a seed may differ from what frames show
_TRACE = 1e-3  # square of sRGB times pixels, at half the frame's size


@torch.no_grad()
def fill(model: BoundHead, frames: ClipFrames, seeds: Seeds, optimiser: torch.optim.Optimizer) -> None:
    """Adds seeds where views from the side look through the near side of the head, but for those that frames belie."""
    wanted = gaps_between(model, frames, seeds) & seeds.outside[seeds.triangles].numpy()
    candidates = np.flatnonzero(wanted)
    if not len(candidates):
        return
    wanted[candidates] = _fitting(model, frames, seeds, candidates)
    add_seeds(model, seeds, wanted, np.full(len(wanted), _UNDER, np.float32), optimiser=optimiser)


def add_seeds(
    model: BoundHead,
    seeds: Seeds,
    added: np.ndarray,
    inward: np.ndarray,
    *,
    kept: Tensor | None = None,
    optimiser: torch.optim.Optimizer | None = None,
) -> None:
    """Adds seeds to a model, opaque and without blendshapes.

    Args:
        model: whose parameters keep their identity.
        seeds: N of them.
        added: which, bool (N,).
        inward: how far under their triangles, metres (N,).
        kept: which Gaussians stay, bool; None: all.
        optimiser: that goes on with the parameters.
    """
    rows = torch.from_numpy(np.flatnonzero(added))
    stay = torch.ones(len(model), dtype=torch.bool) if kept is None else kept
    positions = torch.zeros(len(rows), 3)
    positions[:, 1] = -torch.from_numpy(inward)[rows]
    new = {
        "positions": positions,
        "quats": torch.tensor([[1.0, 0, 0, 0]]).repeat(len(rows), 1),
        "log_scales": seeds.log_scales[rows] + math.log(1.3),
        "opacity_logits": torch.full((len(rows),), _OPACITY),
        "colours": seeds.colours[rows],
        "barycentric_logits": seeds.barycentrics[rows].clamp_min(1e-3).log(),
    }
    model.triangles = torch.cat([model.triangles[stay], seeds.triangles[rows]])
    for name in (*BY_GAUSSIAN, *model.by_latent):
        parameter = getattr(model, name)
        if parameter is None:
            continue
        axis = 1 if name in model.by_latent else 0
        old = stay.nonzero()[:, 0]
        nothing = torch.zeros(len(rows), *parameter.movedim(axis, 0).shape[1:]).movedim(0, axis)
        state = {} if optimiser is None else optimiser.state.get(parameter, {})
        for key, value in state.items():
            if isinstance(value, Tensor) and value.shape == parameter.shape:
                state[key] = torch.cat([value.index_select(axis, old), nothing], dim=axis)
        parameter.data = torch.cat([parameter.data.index_select(axis, old), new.get(name, nothing)], dim=axis)
        parameter.grad = None


def placed_seeds(model: BoundHead, seeds: Seeds) -> Gaussians:
    """The seeds on the face at rest, opaque."""
    count = len(seeds.triangles)
    still = torch.tensor([[1.0, 0, 0, 0]]).repeat(count, 1)
    local = Local(seeds.triangles, seeds.barycentrics, torch.zeros(count, 3), still, seeds.log_scales)
    means, quats, scales = bind(model.triangle_frames(model.face_model.neutral), local)
    opaque = torch.full((count,), _OPACITY).sigmoid()
    return Gaussians(means=means, quats=quats, scales=scales, opacities=opaque, sh=seeds.colours[:, None])


def gaps_between(model: BoundHead, frames: ClipFrames, seeds: Seeds) -> np.ndarray:
    """Which seeds (N,) fill what is seen through from beside a frame's camera: bool."""
    head, placed = model.pose(torch.zeros(len(model.face_model.expression_names))), placed_seeds(model, seeds)
    vertices = model.face_model.neutral
    filling = np.zeros(len(placed.means), bool)
    chosen = frames.spread(FRAMES)
    middle = frames.camera(chosen[len(chosen) // 2], 2)
    for turn in _TURNS:
        camera = turned(middle, *turn)
        # What is seen of the far side is a gap as well.
        near, fills = model.facing(vertices, camera), model.facing(vertices, camera, seeds.triangles)
        through = torch.as_tensor(render(_rows(head, near), camera).alpha) < _WHOLE
        with torch.enable_grad():
            grey = torch.zeros_like(placed.sh, requires_grad=True)
            image = render(_rows(replace(placed, sh=grey), fills), camera)
            gap = through & (image.alpha.detach() > _WHOLE)
            image.rgb[gap].sum().backward()
        assert grey.grad is not None
        filling |= (grey.grad[:, 0, 0] / SH_C0 > _PIXELS).numpy()
    return filling


def _rows(cloud: Gaussians, chosen: Tensor) -> Gaussians:
    return cloud.map(lambda tensor: tensor[chosen])


def _fitting(model: BoundHead, frames: ClipFrames, seeds: Seeds, wanted: np.ndarray) -> np.ndarray:
    """Which of the seeds `wanted` (n,), a little under their triangles, have in all frames about the frame's colour.

    By how much a picture changes with a seed's colour, one knows its weight in each pixel's sum, and so the mean square
    of the difference between its colour and the pixels that it would colour.
    """
    rows = torch.from_numpy(wanted)
    positions = torch.zeros(len(rows), 3)
    positions[:, 1] = -_UNDER
    still = torch.tensor([[1.0, 0, 0, 0]]).repeat(len(rows), 1)
    local = Local(seeds.triangles[rows], seeds.barycentrics[rows], positions, still, seeds.log_scales[rows])
    opaque = torch.full((len(rows),), _OPACITY).sigmoid()
    colour = seeds.colours[rows] * SH_C0 + 0.5
    fits = torch.ones(len(rows), dtype=torch.bool)
    for index in frames.spread(FRAMES):
        vertices = frames.vertices(index)
        head = model.pose_on(vertices, frames.expression(index), frames.joint_pose(index), frames.turn(index))
        means, quats, scales = bind(model.triangle_frames(vertices), local)
        grey = torch.zeros(len(head.means) + len(rows), 1, 3, requires_grad=True)
        both = Gaussians(
            means=torch.cat([head.means, means]),
            quats=torch.cat([head.quats, quats]),
            scales=torch.cat([head.scales, scales]),
            opacities=torch.cat([head.opacities, opaque]),
            sh=grey,
        )
        view = frames.view(index, 2, neck=True)
        with torch.enable_grad():
            image = render(both, view.camera)
            sums = [
                torch.autograd.grad((image.rgb * factor).sum(), grey, retain_graph=True)[0][-len(rows) :, 0] / SH_C0
                for factor in (torch.ones_like(view.picture), view.picture, view.picture.square())
            ]
        weight, first, second = sums
        error = (colour.square() * weight - 2 * colour * first + second).mean(dim=1)
        fits &= error <= _ALIKE**2 * weight.mean(dim=1) + _TRACE
    return fits.numpy()
