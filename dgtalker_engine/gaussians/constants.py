"""The constants of splatting: one definition for the kernels, for gsplat and for the reference.

Those of 3D Gaussian Splatting (Kerbl et al. 2023) have the values that are compiled into gsplat 1.5.3.
"""

from __future__ import annotations

ALPHA_THRESHOLD = 1 / 255
"""A Gaussian whose α in a pixel is below that is not seen there."""

ALPHA_CLIP = 0.999
"""The largest α of one Gaussian in one pixel."""

TRANSMITTANCE_THRESHOLD = 1e-4
"""A pixel takes no Gaussian that would leave so little of what is behind it, and none after that one."""

EPS2D = 0.3
"""Added to the variances of an ellipse, square pixels: none is smaller than a pixel."""

FRUSTUM_MARGIN = 0.15
"""How far beyond the picture, in widths and heights of it, the perspective of a Gaussian is still linearised anew."""

NOTHING_HIT = 1e10
"""Depth where nothing was hit, metres."""

CPU_TILE = 32
"""Pixels of a side of a tile: 8 × 8 blocks of 4 × 4 pixels, one bit of 64 for each block."""

CUDA_TILE = 16
"""Likewise, of gsplat's."""

# Real spherical harmonics Y_l^m with the Condon-Shortley phase, in 3D Gaussian Splatting's order and with its signs.
SH_C0 = 0.28209479177387814
SH_C1 = 0.4886025119029199
SH_C2 = (1.0925484305920792, -1.0925484305920792, 0.31539156525252005, -1.0925484305920792, 0.5462742152960396)
SH_C3 = (
    -0.5900435899266435,
    2.890611442640554,
    -0.4570457994644658,
    0.3731763325901154,
    -0.4570457994644658,
    1.445305721320277,
    -0.5900435899266435,
)
