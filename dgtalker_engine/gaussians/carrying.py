"""Gaussians carried by a mesh that was deformed by more than an affine map: bends, lattices, armatures, sculpting.

Every vertex gets an affine map, from how the triangles around it were moved, turned and stretched; a Gaussian takes
the mean of the maps of the vertices that carry it (linear blend skinning, with the mesh's vertices for bones). So a
Gaussian beside the mesh keeps its place in the frame of the nearest triangles, and turns and stretches as they do.
"""

from __future__ import annotations

import numpy as np
import torch

from ..kernels import thread_pool
from .arrays import arrays_of, coloured_like, gaussians_of, stays_tensors
from .binding import Binding
from .cloud import Gaussians
from .cpu import carrying as cpu
from .placement import Placement
from .reference import carrying as reference

_SINGULAR = 1e-3
"""Of an affine map's largest stretch: where the least is less, the mesh is flat, and the map says nothing across it."""


def vertex_maps(before: np.ndarray, after: np.ndarray, triangles: np.ndarray) -> np.ndarray:
    """The affine map (V, 3, 4), float32, of each vertex from a mesh to the same mesh deformed.

    The map that fits best as a whole comes first; what it leaves is what triangles add to it. So a mesh that was moved
    by an affine map has that for every vertex.

    Args:
        before, after: (V, 3), metres.
        triangles: int32 (T, 3).
    """
    whole = affine(before, after)
    rest = np.ascontiguousarray(before @ whole[:, :3].T + whole[:, 3])
    maps = np.empty((len(before), 3, 4))
    cpu.vertex_maps(rest, np.ascontiguousarray(after, np.float64), triangles, maps)
    return reference.after(maps, whole).astype(np.float32)


def affine(before: np.ndarray, after: np.ndarray) -> np.ndarray:
    """The affine map (3, 4) that fits best; the identity where the one mesh or the other is flat."""
    rows = np.column_stack([before, np.ones(len(before))]).astype(np.float64)
    whole = np.linalg.lstsq(rows, np.asarray(after, np.float64), rcond=None)[0].T
    stretches = np.linalg.svd(whole[:, :3], compute_uv=False)
    return whole if stretches[2] > _SINGULAR * stretches[0] else np.eye(3, 4)


def carried(gaussians: Gaussians, binding: Binding, maps: np.ndarray, placement: Placement) -> Gaussians:
    """The cloud where a deformed mesh takes it.

    Colours that depend on the direction of view are evaluated here: they turn with what carries them.

    Args:
        gaussians: posed as the mesh was before.
        binding: of this cloud.
        maps: `vertex_maps`.
        placement: of the deformed mesh's space in the world, and what sees it.

    Returns:
        A cloud in the deformed mesh's space, spherical harmonics of degree 0; on the cloud's device.

    Raises:
        DGTalkerError: the binding is of another cloud or mesh.
    """
    binding.check(len(gaussians), len(maps))
    if stays_tensors(gaussians):
        return reference.carry(gaussians, binding, torch.from_numpy(maps), placement)
    cloud = arrays_of(gaussians)
    result = coloured_like(cloud)
    arguments = (placement, binding.nodes, binding.weights, maps, cloud, result, np.zeros(1, np.int64))
    thread_pool.run(thread_pool.thread_count(), cpu.carry, *arguments)
    return gaussians_of(result)
