"""Gaussians in another light than the one that they were made in, by the normals of the mesh that carries them."""

from __future__ import annotations

import numpy as np
import torch

from ..kernels import thread_pool
from .arrays import arrays_of, gaussians_of, stays_tensors
from .binding import Binding
from .cloud import Gaussians
from .constants import SH_C0
from .cpu import lighting as cpu
from .normals import unit
from .reference import lighting as reference
from .reference.spherical_harmonics import basis


def gains(light: np.ndarray, normals: np.ndarray) -> np.ndarray:
    """What light makes of surfaces, (V, 3): the irradiance by that of a white world, in linear Rec.709, not below 0.

    Ramamoorthi and Hanrahan (2001), equation 11: irradiance has hardly any detail above degree 2.

    Args:
        light: (9, 3), real spherical harmonics of degree 0 to 2, in the order of `Gaussians.sh`.
        normals: (V, 3), unit or 0, which has the mean of all directions.
    """
    functions = basis(torch.from_numpy(normals), len(light)).numpy()
    return np.maximum(functions @ light, 0)


def lit(gaussians: Gaussians, binding: Binding, vertex_gains: np.ndarray) -> Gaussians:
    """The cloud with its colours multiplied, in linear light.

    Args:
        gaussians: spherical harmonics of degree 0, as `transform.placed` gives them.
        binding: of this cloud.
        vertex_gains: (V, 3), of the mesh's vertices.

    Raises:
        DGTalkerError: the binding is of another cloud or mesh.
    """
    binding.check(len(gaussians), len(vertex_gains))
    if stays_tensors(gaussians):
        return reference.light(gaussians, binding, torch.from_numpy(vertex_gains))
    cloud = arrays_of(gaussians)
    result = cloud._replace(sh=np.empty_like(cloud.sh))
    factors = np.ascontiguousarray(vertex_gains, np.float32)
    arguments = (cloud.sh, result.sh, binding.nodes, binding.weights, factors, np.zeros(1, np.int64))
    thread_pool.run(thread_pool.thread_count(), cpu.light, *arguments)
    return gaussians_of(result)


def coloured_by_normals(gaussians: Gaussians, binding: Binding, normals: np.ndarray) -> Gaussians:
    """The cloud with the sRGB colour (1 + n) / 2 of each Gaussian's normal n.

    Args:
        gaussians: on any device.
        binding: of this cloud.
        normals: (V, 3), of the mesh's vertices.

    Raises:
        DGTalkerError: the binding is of another cloud or mesh.
    """
    binding.check(len(gaussians), len(normals))
    own = unit((normals[binding.nodes] * binding.weights[..., None]).sum(axis=1))
    return coloured(gaussians, (1 + own) / 2)


def coloured(gaussians: Gaussians, colours: np.ndarray) -> Gaussians:
    """The cloud with an sRGB colour (N, 3) for each Gaussian, the same from all sides."""
    sh = torch.from_numpy(np.asarray((colours - 0.5) / SH_C0, np.float32))[:, None].to(gaussians.means.device)
    cloud = {name: getattr(gaussians, name) for name in ("means", "quats", "scales", "opacities")}
    return Gaussians(**cloud, sh=sh)
