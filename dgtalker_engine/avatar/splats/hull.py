"""A coarse mesh around a cloud, for what stands for it in Blender: the rim of the cells in which there is something."""

from __future__ import annotations

import numpy as np
import torch
from scipy import ndimage

from ...gaussians.cloud import Gaussians
from ...gaussians.constants import SH_C0
from ...gaussians.reference.projection import rotation_matrices
from ...kernels import srgb
from ..base import ProxyMesh

CELLS = 40
"""Along the longest side."""
_SEEN = 0.1
"""The opacity from which on a Gaussian counts."""
_MOST = 200_000
"""Gaussians that are looked at: every so manieth of more."""
_OUTLIERS = 1.0
"""Percent of the Gaussians at either end of each axis that may lie outside, as skies do."""
_MARGIN = 0.2
"""Of the extent of the others, beyond which they are left out."""
_SMOOTHING = 2
_RIM = 2
"""Empty cells around the others: gaps of up to two are closed."""


def hull(cloud: Gaussians) -> ProxyMesh:
    """The rim of a cloud, closed, without UVs, in the cloud's colours, and without shapes."""
    opacities = cloud.opacities.numpy()
    chosen = np.flatnonzero(opacities >= min(_SEEN, opacities.max()))
    chosen = chosen[:: -(-len(chosen) // _MOST)]
    means, scales = (each.numpy()[chosen].astype(np.float64) for each in (cloud.means, cloud.scales))
    colours = np.clip(cloud.sh.numpy()[chosen, 0] * SH_C0 + 0.5, 0, 1)
    reach = rotation_matrices(cloud.quats[torch.from_numpy(chosen)].double()).numpy() * scales[:, None]
    points = np.concatenate([means, *(means + sign * reach[..., axis] for axis in range(3) for sign in (-1, 1))])
    low, high = np.percentile(points, (_OUTLIERS, 100 - _OUTLIERS), axis=0)
    margin = _MARGIN * (high - low)
    low, high = np.maximum(points.min(axis=0), low - margin), np.minimum(points.max(axis=0), high + margin)
    side = max(float((high - low).max()) / CELLS, 1e-6)
    origin = low - (_RIM + 0.5) * side
    shape = np.ceil((high - low) / side).astype(int) + 2 * _RIM + 1
    cells = np.floor((points - origin) / side).astype(int)
    inside = np.all((cells >= _RIM) & (cells < shape - _RIM), axis=1)
    flat = np.ravel_multi_index(tuple(cells[inside].T), tuple(shape))
    counts = np.bincount(flat, minlength=int(shape.prod()))
    every = np.tile(colours, (7, 1))[inside]
    sums = np.stack([np.bincount(flat, every[:, channel], len(counts)) for channel in range(3)], axis=1)
    near = ndimage.uniform_filter(np.column_stack([sums, counts]).reshape(*shape, 4), 3, axes=(0, 1, 2)).reshape(-1, 4)
    shown = near[:, :3] / np.maximum(near[:, 3:], 1e-9)
    closed = ndimage.binary_closing((counts > 0).reshape(shape), np.ones((3, 3, 3)))
    corners, cell = _rim(np.asarray(ndimage.binary_fill_holes(closed)))
    used, faces = np.unique(corners, return_inverse=True)
    faces = faces.reshape(-1, 4).astype(np.int32)
    vertices = np.stack(np.unravel_index(used, tuple(shape + 1)), axis=1).astype(np.float64)
    weights = np.bincount(faces.ravel(), minlength=len(vertices))[:, None]
    tint = np.zeros((len(vertices), 3))
    np.add.at(tint, faces, shown[cell][:, None])
    rgba = np.column_stack([srgb.decode(tint / weights), np.ones(len(vertices))])
    return ProxyMesh(
        vertices=(origin + side * _smoothed(vertices, faces)).astype(np.float32),
        faces=faces,
        uv=np.zeros((len(vertices), 2), np.float32),
        colours=rgba.astype(np.float32),
        deltas=np.zeros((0, len(vertices), 3), np.float32),
    )


def _rim(filled: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """The quads (F, 4) between full and empty cells, counter-clockwise from outside, as flat indices of the grid's
    corners; and the full cell (F,) of each, flat."""
    corners: list[np.ndarray] = []
    cells: list[np.ndarray] = []
    grid = tuple(side + 1 for side in filled.shape)
    for axis in range(3):
        steps = np.zeros((4, 3), int)
        steps[1:3, (axis + 1) % 3] = 1
        steps[2:4, (axis + 2) % 3] = 1
        for outward in (1, -1):
            full = np.argwhere(filled & ~np.roll(filled, -outward, axis))
            first = full + (np.arange(3) == axis) * (outward > 0)
            quads = first[:, None] + steps[::outward]
            corners.append(np.asarray(np.ravel_multi_index(tuple(np.moveaxis(quads, 2, 0)), grid)))
            cells.append(np.asarray(np.ravel_multi_index(tuple(full.T), filled.shape)))
    return np.concatenate(corners), np.concatenate(cells)


def _smoothed(vertices: np.ndarray, faces: np.ndarray) -> np.ndarray:
    """Each vertex in the middle of its neighbours, as often as `_SMOOTHING` says."""
    for _ in range(_SMOOTHING):
        sums, counts = np.zeros_like(vertices), np.zeros(len(vertices))
        for i in range(4):
            for neighbour in (faces[:, (i + 1) % 4], faces[:, (i + 3) % 4]):
                np.add.at(sums, faces[:, i], vertices[neighbour])
                np.add.at(counts, faces[:, i], 1)
        vertices = sums / counts[:, None]
    return vertices
