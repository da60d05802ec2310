"""Heads put into the world: cpu/placing.py as functions of PyTorch's tensors, on any device, with gradients.

Means and axes are computed in float64, as the kernel does.
"""

from __future__ import annotations

import torch
import torch.nn.functional as F

from ..cloud import Gaussians
from ..constants import SH_C0
from ..placement import Placement
from .projection import rotation_matrices
from .spherical_harmonics import basis

_SMALL = 1e-12


def triangle_axes(corners: torch.Tensor) -> torch.Tensor:
    """Rotations (…, 3, 3) of triangles (…, 3, 3): columns along the first edge, the normal, and across both."""
    first, second = corners[..., 1, :] - corners[..., 0, :], corners[..., 2, :] - corners[..., 0, :]
    along = F.normalize(first, dim=-1, eps=_SMALL)
    normal = F.normalize(torch.linalg.cross(first, second), dim=-1, eps=_SMALL)
    return torch.stack([along, normal, torch.linalg.cross(along, normal)], dim=-1)


def place(gaussians: Gaussians, placement: Placement) -> Gaussians:
    """The cloud in the world, spherical harmonics of degree 0; see `gaussians.transform.placed`."""
    means = gaussians.means.double()
    linear, offset, turn, eye = (
        torch.from_numpy(array).to(means.device)
        for array in (placement.linear, placement.offset, placement.turn, placement.eye)
    )
    if placement.similar:
        quats = multiply(turn.expand(len(means), 4), gaussians.quats.double())
        scales = placement.scale * gaussians.scales
    else:
        axes = rotation_matrices(gaussians.quats.double()) * gaussians.scales.double()[:, None, :]
        quats, scales = principal_axes(linear @ axes)
    sh = gaussians.sh
    if sh.shape[1] > 1:
        directions = eye.expand_as(means) if placement.orthographic else means - eye
        higher = torch.einsum("nk,nkc->nc", basis(directions, sh.shape[1])[:, 1:].to(sh.dtype), sh[:, 1:])
        # The coefficient that alone gives the colour of all, not below 0.
        sh = (sh[:, 0] + higher / SH_C0).clamp(min=-0.5 / SH_C0)[:, None]
    return Gaussians(
        means=(means @ linear.T + offset).to(gaussians.means.dtype),
        quats=quats.to(gaussians.quats.dtype),
        scales=scales.to(gaussians.scales.dtype),
        opacities=gaussians.opacities,
        sh=sh,
    )


def principal_axes(matrices: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
    """Quaternions (N, 4) and scales (N, 3), longest first, of the ellipsoids A Aᵀ of matrices A (N, 3, 3), float64.

    Those of the singular value decomposition A = U S Vᵀ. Its derivative (Papadopoulo and Lourakis 2000), with
    P = Uᵀ dA V: dS = diag P and dU = U Ω, Ωᵢⱼ = (sⱼ Pᵢⱼ + sᵢ Pⱼᵢ) / (sⱼ² - sᵢ²). PyTorch's own has no limit where two
    scales are alike; here Ω is 0 between them: how the axes of a circle turn means nothing.
    """
    with torch.no_grad():
        usable = torch.isfinite(matrices).all(dim=-1).all(dim=-1)
        u, _, vh = torch.linalg.svd(torch.where(usable[:, None, None], matrices, 0))
        # A rotation: an ellipsoid's axes may be turned round, all three at once.
        sign = torch.linalg.det(u).sign()[:, None, None]
        u, v = u * sign, vh.mT * sign
    inner = u.mT @ matrices @ v
    scales = torch.diagonal(inner, dim1=1, dim2=2)
    with torch.no_grad():
        square = scales.square()
        gap = square[:, None, :] - square[:, :, None]
        alike = gap.abs() <= _SMALL * square.amax(dim=1)[:, None, None]
        inverse = torch.where(alike, 0, 1 / torch.where(alike, 1, gap))
    turning = inverse * (inner * scales.detach()[:, None, :] + inner.mT * scales.detach()[:, :, None])
    # Of no value, since `inner` is diagonal, but for its derivative.
    turning = turning - turning.detach()
    half = 0.5 * torch.stack([turning[:, 2, 1], turning[:, 0, 2], turning[:, 1, 0]], dim=1)
    quats = multiply(quaternions(u), torch.cat([torch.ones_like(half[:, :1]), half], dim=1))
    return torch.where(usable[:, None], quats, torch.nan), scales.clamp(min=0)


def multiply(p: torch.Tensor, q: torch.Tensor) -> torch.Tensor:
    """Hamilton's product of quaternions (…, 4), wxyz: first q's rotation, then p's."""
    pw, px, py, pz = p.unbind(dim=-1)
    qw, qx, qy, qz = q.unbind(dim=-1)
    return torch.stack(
        [
            pw * qw - px * qx - py * qy - pz * qz,
            px * qw + pw * qx - pz * qy + py * qz,
            py * qw + pz * qx + pw * qy - px * qz,
            pz * qw - py * qx + px * qy + pw * qz,
        ],
        dim=-1,
    )


def rotated(quats: torch.Tensor, vectors: torch.Tensor) -> torch.Tensor:
    """Vectors (…, 3) turned by quaternions (…, 4), wxyz of any length but 0."""
    w, axis = quats[..., :1], quats[..., 1:]
    once = torch.linalg.cross(axis, vectors)
    length = quats.square().sum(dim=-1, keepdim=True)
    return vectors + 2 * (w * once + torch.linalg.cross(axis, once)) / length


def quaternions(r: torch.Tensor) -> torch.Tensor:
    """Rotation matrices (N, 3, 3) → wxyz (N, 4) of length 1, without gradients (Shepperd 1978).

    SciPy's `Rotation` would take them to the processor and back.
    """
    (xx, xy, xz), (yx, yy, yz), (zx, zy, zz) = (row.unbind(dim=1) for row in r.unbind(dim=1))
    one = torch.ones_like(xx)
    # Each is 4 w, x, y or z times (w, x, y, z); that of the largest of the four is exact.
    rows = torch.stack(
        [
            torch.stack([one + xx + yy + zz, zy - yz, xz - zx, yx - xy], dim=1),
            torch.stack([zy - yz, one + xx - yy - zz, xy + yx, xz + zx], dim=1),
            torch.stack([xz - zx, xy + yx, one - xx + yy - zz, yz + zy], dim=1),
            torch.stack([yx - xy, xz + zx, yz + zy, one - xx - yy + zz], dim=1),
        ],
        dim=1,
    )
    largest = torch.diagonal(rows, dim1=1, dim2=2).argmax(dim=1)
    return torch.nn.functional.normalize(rows[torch.arange(len(r), device=r.device), largest], dim=1)
