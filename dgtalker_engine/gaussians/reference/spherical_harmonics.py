"""Colours of Gaussians as a camera sees them: real spherical harmonics up to degree 3."""

from __future__ import annotations

import math

import torch


def colours(directions: torch.Tensor, sh: torch.Tensor) -> torch.Tensor:
    """Directions (N, 3) of any length and coefficients (N, K, 3) → sRGB (N, 3), not below 0."""
    return (torch.einsum("nk,nkc->nc", basis(directions, sh.shape[1]), sh) + 0.5).clamp(min=0)


def basis(directions: torch.Tensor, count: int) -> torch.Tensor:
    """The first `count` of 16 real spherical harmonics at directions (N, 3) of any length: (N, count).

    With the Condon-Shortley phase, ordered by degree and then by order -l to l, as 3D Gaussian Splatting has them.
    """
    length = torch.linalg.norm(directions, dim=1, keepdim=True)
    x, y, z = (directions / torch.where(length > 0, length, 1)).T
    pi = math.pi
    functions = (
        torch.full_like(x, math.sqrt(1 / (4 * pi))),
        -math.sqrt(3 / (4 * pi)) * y,
        math.sqrt(3 / (4 * pi)) * z,
        -math.sqrt(3 / (4 * pi)) * x,
        math.sqrt(15 / (4 * pi)) * x * y,
        -math.sqrt(15 / (4 * pi)) * y * z,
        math.sqrt(5 / (16 * pi)) * (2 * z * z - x * x - y * y),
        -math.sqrt(15 / (4 * pi)) * x * z,
        math.sqrt(15 / (16 * pi)) * (x * x - y * y),
        -math.sqrt(35 / (32 * pi)) * y * (3 * x * x - y * y),
        math.sqrt(105 / (4 * pi)) * x * y * z,
        -math.sqrt(21 / (32 * pi)) * y * (4 * z * z - x * x - y * y),
        math.sqrt(7 / (16 * pi)) * z * (2 * z * z - 3 * x * x - 3 * y * y),
        -math.sqrt(21 / (32 * pi)) * x * (4 * z * z - x * x - y * y),
        math.sqrt(105 / (16 * pi)) * z * (x * x - y * y),
        -math.sqrt(35 / (32 * pi)) * x * (x * x - 3 * y * y),
    )
    return torch.stack(functions[:count], dim=1)
