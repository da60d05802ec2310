"""Gaussians that ride on a mesh's triangles: GaussianTalker, equations 11 to 15.

`triangle_frames` and `bind` run compiled where nothing before them needs gradients, as in most of a training: the mesh
of a frame is then a constant. `reference_frames` and `reference_bind` are the same in PyTorch, for any device and with
gradients that reach the mesh.
"""

from __future__ import annotations

import math
from typing import Any, NamedTuple

import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor
from torch.autograd.function import once_differentiable

from ...gaussians.cpu.placing import quaternion
from ...gaussians.reference.placing import multiply, quaternions, triangle_axes
from ...kernels import thread_pool
from ...kernels.compilation import kernel

_CHUNK = 1024
_LEAST = 1e-12


class TriangleFrames(NamedTuple):
    """The local coordinate systems of F triangles.

    Attributes:
        corners: (F, 3, 3), metres; the second dimension counts v₀, v₁, v₂.
        rotations: R of equation 12 (F, 3, 3), columns n₀ along the first edge, n₁ the normal, n₂.
        quats: the same as wxyz (F, 4).
        sizes: S of equation 13, the mean length of the edges (F,), metres.
    """

    corners: Tensor
    rotations: Tensor
    quats: Tensor
    sizes: Tensor


class Local(NamedTuple):
    """Gaussians in the coordinate systems of their triangles.

    Attributes:
        triangles: index of each one's triangle, int64 (N,).
        barycentrics: η, sum 1 (N, 3).
        positions: ū′, metres along the axes of the triangle (N, 3).
        quats: r̄′, wxyz of any length but 0 (N, 4).
        log_scales: logarithm of s̄ (N, 3), whose unit is the triangle's size S.
    """

    triangles: Tensor
    barycentrics: Tensor
    positions: Tensor
    quats: Tensor
    log_scales: Tensor


def triangle_frames(vertices: Tensor, faces: Tensor) -> TriangleFrames:
    """Equations 12 to 14 for vertices (V, 3) and triangles (F, 3)."""
    if vertices.requires_grad or vertices.device.type != "cpu":
        return reference_frames(vertices, faces)
    count = len(faces)
    rotations, corners = np.empty((count, 3, 3), np.float32), np.empty((count, 3, 3), np.float32)
    quats, sizes = np.empty((count, 4), np.float32), np.empty(count, np.float32)
    _frames(vertices.contiguous().numpy(), faces.numpy(), corners, rotations, quats, sizes)
    return TriangleFrames(*(torch.from_numpy(array) for array in (corners, rotations, quats, sizes)))


def reference_frames(vertices: Tensor, faces: Tensor) -> TriangleFrames:
    """`triangle_frames` in PyTorch. The rotation and the size are constants for gradients, corners are not.

    A triangle's turn by its corners' tiny moves is as large as the triangle is small: fitting a face's parameters by
    it would follow noise.
    """
    corners = vertices[faces]
    with torch.no_grad():
        e01, e02 = corners[:, 1] - corners[:, 0], corners[:, 2] - corners[:, 0]
        e12 = corners[:, 2] - corners[:, 1]
        rotations = triangle_axes(corners)
        sizes = (e01.norm(dim=1) + e02.norm(dim=1) + e12.norm(dim=1)) / 3
        quats = quaternions(rotations)
    return TriangleFrames(corners, rotations, quats, sizes)


def bind(frames: TriangleFrames, local: Local) -> tuple[Tensor, Tensor, Tensor]:
    """Equations 11 and 15: means (N, 3), quats (N, 4) of length 1 and scales (N, 3) in head space, metres."""
    if frames.corners.requires_grad or frames.corners.device.type != "cpu":
        return reference_bind(frames, local)
    return _Bound.apply(*local, frames)  # pyright: ignore[reportReturnType]


def reference_bind(frames: TriangleFrames, local: Local) -> tuple[Tensor, Tensor, Tensor]:
    """`bind` in PyTorch."""
    index = local.triangles
    origins = (local.barycentrics[:, :, None] * frames.corners[index]).sum(dim=1)
    means = (frames.rotations[index] @ local.positions[:, :, None])[..., 0] + origins
    quats = multiply(frames.quats[index], F.normalize(local.quats, dim=1))
    return means, quats, frames.sizes[index, None] * local.log_scales.exp()


class _Bound(torch.autograd.Function):
    @staticmethod
    def forward(ctx: Any, *arguments: Any) -> Any:
        *local, frames = arguments
        arrays = [tensor.detach().contiguous().numpy() for tensor in local]
        count = len(arrays[0])
        means, quats = np.empty((count, 3), np.float32), np.empty((count, 4), np.float32)
        scales = np.empty((count, 3), np.float32)
        triangles = [tensor.numpy() for tensor in frames]
        _run(_bind, *arrays, *triangles, means, quats, scales)
        ctx.arrays, ctx.triangles, ctx.scales = arrays, triangles, scales
        return torch.from_numpy(means), torch.from_numpy(quats), torch.from_numpy(scales)

    @staticmethod
    @once_differentiable
    def backward(ctx: Any, *outer: Tensor) -> Any:
        index, barycentrics, positions, quats, log_scales = ctx.arrays
        by = [np.empty_like(array) for array in (barycentrics, positions, quats, log_scales)]
        given = [gradient.contiguous().numpy() for gradient in outer]
        _run(_bind_gradients, index, quats, *ctx.triangles[:3], ctx.scales, *given, *by)
        return None, *(torch.from_numpy(array) for array in by), None


def _run(task: Any, *arguments: Any) -> None:
    thread_pool.run(thread_pool.thread_count(), task, *arguments, np.zeros(1, np.int64))


@kernel
def _frames(vertices, faces, corners, rotations, quats, sizes):
    turn = np.empty((3, 3))
    a, b, c = np.int64(0), np.int64(1), np.int64(2)  # literals would compile `_edge` three times
    for f in range(len(faces)):
        for corner in range(3):
            for axis in range(3):
                corners[f, corner, axis] = vertices[faces[f, corner], axis]
        ax, ay, az = _edge(corners, f, a, b)
        bx, by, bz = _edge(corners, f, a, c)
        cx, cy, cz = _edge(corners, f, b, c)
        first = math.sqrt(ax * ax + ay * ay + az * az)
        sizes[f] = (first + math.sqrt(bx * bx + by * by + bz * bz) + math.sqrt(cx * cx + cy * cy + cz * cz)) / 3.0
        nx, ny, nz = ay * bz - az * by, az * bx - ax * bz, ax * by - ay * bx
        inverse, upright = 1.0 / max(first, _LEAST), 1.0 / max(math.sqrt(nx * nx + ny * ny + nz * nz), _LEAST)
        turn[0, 0], turn[1, 0], turn[2, 0] = ax * inverse, ay * inverse, az * inverse
        turn[0, 1], turn[1, 1], turn[2, 1] = nx * upright, ny * upright, nz * upright
        turn[0, 2] = turn[1, 0] * turn[2, 1] - turn[2, 0] * turn[1, 1]
        turn[1, 2] = turn[2, 0] * turn[0, 1] - turn[0, 0] * turn[2, 1]
        turn[2, 2] = turn[0, 0] * turn[1, 1] - turn[1, 0] * turn[0, 1]
        for row in range(3):
            for column in range(3):
                rotations[f, row, column] = turn[row, column]
        quats[f, 0], quats[f, 1], quats[f, 2], quats[f, 3] = quaternion(turn)


@kernel
def _edge(corners, f, start, end):
    return (
        np.float64(corners[f, end, 0]) - corners[f, start, 0],
        np.float64(corners[f, end, 1]) - corners[f, start, 1],
        np.float64(corners[f, end, 2]) - corners[f, start, 2],
    )


@kernel
def _bind(
    index, barycentrics, positions, quats, log_scales, corners, turns, turn_quats, sizes, means, posed, scales, counter
):
    while True:
        begin = thread_pool.atomic_increment(counter) * _CHUNK
        if begin >= len(index):
            return
        for i in range(begin, min(begin + _CHUNK, len(index))):
            f = index[i]
            for axis in range(3):
                total = np.float32(0)
                for k in range(3):
                    total += barycentrics[i, k] * corners[f, k, axis] + turns[f, axis, k] * positions[i, k]
                means[i, axis] = total
                scales[i, axis] = sizes[f] * math.exp(log_scales[i, axis])
            w, x, y, z = quats[i, 0], quats[i, 1], quats[i, 2], quats[i, 3]
            inverse = np.float32(1) / math.sqrt(w * w + x * x + y * y + z * z)
            w, x, y, z = w * inverse, x * inverse, y * inverse, z * inverse
            a, b, c, d = turn_quats[f, 0], turn_quats[f, 1], turn_quats[f, 2], turn_quats[f, 3]
            posed[i, 0] = a * w - b * x - c * y - d * z
            posed[i, 1] = b * w + a * x - d * y + c * z
            posed[i, 2] = c * w + d * x + a * y - b * z
            posed[i, 3] = d * w - c * x + b * y + a * z


@kernel
def _bind_gradients(
    index, quats, corners, turns, turn_quats, scales, by_mean, by_posed, by_scale,
    by_barycentrics, by_positions, by_quats, by_log_scales, counter,
):  # fmt: skip
    while True:
        begin = thread_pool.atomic_increment(counter) * _CHUNK
        if begin >= len(index):
            return
        for i in range(begin, min(begin + _CHUNK, len(index))):
            f = index[i]
            for k in range(3):
                along_corner, along_axis = np.float32(0), np.float32(0)
                for axis in range(3):
                    along_corner += by_mean[i, axis] * corners[f, k, axis]
                    along_axis += by_mean[i, axis] * turns[f, axis, k]
                by_barycentrics[i, k] = along_corner
                by_positions[i, k] = along_axis
                by_log_scales[i, k] = by_scale[i, k] * scales[i, k]
            a, b, c, d = turn_quats[f, 0], turn_quats[f, 1], turn_quats[f, 2], turn_quats[f, 3]
            gw, gx, gy, gz = by_posed[i, 0], by_posed[i, 1], by_posed[i, 2], by_posed[i, 3]
            # Back by the triangle's turn, then what changes the length is left out.
            hw = a * gw + b * gx + c * gy + d * gz
            hx = -b * gw + a * gx + d * gy - c * gz
            hy = -c * gw - d * gx + a * gy + b * gz
            hz = -d * gw + c * gx - b * gy + a * gz
            w, x, y, z = quats[i, 0], quats[i, 1], quats[i, 2], quats[i, 3]
            inverse = np.float32(1) / math.sqrt(w * w + x * x + y * y + z * z)
            w, x, y, z = w * inverse, x * inverse, y * inverse, z * inverse
            length = w * hw + x * hx + y * hy + z * hz
            by_quats[i, 0] = (hw - w * length) * inverse
            by_quats[i, 1] = (hx - x * length) * inverse
            by_quats[i, 2] = (hy - y * length) * inverse
            by_quats[i, 3] = (hz - z * length) * inverse
