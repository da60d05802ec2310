"""The renderer that fast ones are tested against, stage by stage: float64, slow and readable.

`projection` (Gaussians in the world → ellipses in the picture), `spherical_harmonics` (colours) and `blending`
(ellipses → pixels) are functions of PyTorch's tensors: automatic differentiation of each is the reference of its
gradients, so a parity test names the stage that broke. `rendering` puts them together. `placing` stands beside them:
heads put into the world, which is also how clouds on a GPU, and with gradients, are placed.
"""

from __future__ import annotations

from .rendering import render, render_dense

__all__ = ["render", "render_dense"]
