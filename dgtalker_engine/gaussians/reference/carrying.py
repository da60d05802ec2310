"""Gaussians carried by a deformed mesh: cpu/carrying.py, slow and readable, on any device."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import torch

from ..cloud import Gaussians
from ..constants import SH_C0
from ..placement import Placement
from .placing import principal_axes
from .projection import rotation_matrices
from .spherical_harmonics import basis

if TYPE_CHECKING:
    from ..binding import Binding

_DEGENERATE = 1e-6
"""Of the square of its longest edge: a triangle whose area is less has no direction."""


def after(maps: np.ndarray, first: np.ndarray) -> np.ndarray:
    """Affine maps (V, 3, 4) that come after another one (3, 4), as one each."""
    return np.concatenate([maps[..., :3] @ first[:, :3], maps[..., :3] @ first[:, 3:] + maps[..., 3:]], axis=-1)


def vertex_maps(before: np.ndarray, after: np.ndarray, triangles: np.ndarray) -> np.ndarray:
    """`cpu.carrying.vertex_maps`: the affine map (V, 3, 4) of each vertex, the mean of its triangles' by their area.

    A triangle's linear part takes its edges to where they are, and its normal to the new normal, as much longer as the
    triangle became larger or smaller in every direction: what is only stretched along one keeps its thickness.
    """
    linear = np.zeros((len(before), 3, 3))
    weight = np.zeros(len(before))
    for triangle in triangles:
        a, b, c = before[triangle]
        new_a, new_b, new_c = after[triangle]
        normal, new_normal = np.cross(b - a, c - a), np.cross(new_b - new_a, new_c - new_a)
        area, new_area = np.linalg.norm(normal), np.linalg.norm(new_normal)
        if area <= _DEGENERATE * max(np.sum((b - a) ** 2), np.sum((c - a) ** 2)):
            continue
        new_sides = np.column_stack([new_b - new_a, new_c - new_a])
        in_plane = np.linalg.qr(np.column_stack([b - a, c - a])).R
        stretches = np.linalg.svd(new_sides @ np.linalg.inv(in_plane), compute_uv=False)
        thickness = np.median([*stretches, 1.0])
        turned = new_normal / new_area if new_area > 0 else np.zeros(3)
        old = np.column_stack([b - a, c - a, normal / area])
        new = np.column_stack([new_sides, thickness * turned])
        for vertex in triangle:
            linear[vertex] += area * (new @ np.linalg.inv(old))
            weight[vertex] += area
    alone = weight == 0
    linear[alone], weight[alone] = np.eye(3), 1.0
    linear /= weight[:, None, None]
    offset = after - np.einsum("vij,vj->vi", linear, before)
    return np.concatenate([linear, offset[..., None]], axis=-1)


def carry(gaussians: Gaussians, binding: Binding, maps: torch.Tensor, placement: Placement) -> Gaussians:
    """`gaussians.carrying.carried`, in float64."""
    means = gaussians.means.double()
    device = means.device
    nodes = torch.from_numpy(binding.nodes).to(device, torch.int64)
    weights = torch.from_numpy(binding.weights).to(device, torch.float64)
    every = maps.to(device, torch.float64)
    blended = torch.zeros(len(means), 3, 4, dtype=torch.float64, device=device)
    for node, weight in zip(nodes.T, weights.T, strict=True):
        blended = blended + weight[:, None, None] * every[node]
    linear, offset = blended[..., :3], blended[..., 3]
    moved = (linear @ means[..., None])[..., 0] + offset
    axes = linear @ (rotation_matrices(gaussians.quats.double()) * gaussians.scales.double()[:, None, :])
    quats, scales = principal_axes(axes)
    sh = gaussians.sh
    if sh.shape[1] > 1:
        eye = torch.from_numpy(placement.eye).to(device)
        seen = eye.expand_as(moved) if placement.orthographic else moved - eye
        # Where from in the cloud's own space: as the inverse has it, which a flat map does not have.
        cofactors = torch.stack([torch.linalg.cross(linear[:, i - 2], linear[:, i - 1]) for i in range(3)], dim=1)
        sign = torch.where(torch.linalg.det(linear) < 0, -1.0, 1.0)
        directions = sign[:, None] * (cofactors.mT @ seen[..., None])[..., 0]
        higher = torch.einsum("nk,nkc->nc", basis(directions, sh.shape[1])[:, 1:].to(sh.dtype), sh[:, 1:])
        sh = (sh[:, 0] + higher / SH_C0).clamp(min=-0.5 / SH_C0)[:, None]
    return Gaussians(
        means=moved.to(gaussians.means.dtype),
        quats=quats.to(gaussians.quats.dtype),
        scales=scales.to(gaussians.scales.dtype),
        opacities=gaussians.opacities,
        sh=sh,
    )
