"""Finds the latents of a head in pictures: what a prior makes of somebody before it is tuned to them."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import torch
import torch.nn.functional as F
from torch import Tensor

from ....gaussians import Camera, render
from ....training import losses
from ..generator import Generator
from ..mapping import with_expression

_RATE, _RISE, _FALL = 0.03, 0.05, 0.4
"""Of Adam, and the shares of the steps in which the rate rises and falls, as StyleGAN2's projector has it."""
_APART = 0.02
"""Weight of how far latents of W+ are from their mean: W+ can say what is no head."""
_STRUCTURE = 0.2


@dataclass(frozen=True)
class Seen:
    """A picture of a head.

    Attributes:
        camera: that it was taken with.
        rgb: sRGB, black outside of the head (H, W, 3).
        mask: 1 on the head (H, W).
        expression: of the face model (E,).
    """

    camera: Camera
    rgb: Tensor
    mask: Tensor
    expression: Tensor


def invert(
    generator: Generator,
    pictures: Sequence[Seen],
    steps: int,
    progress: Callable[[int, float], None] = lambda *_: None,
) -> Tensor:
    """Latents in W+, at rest (1, latents, width), whose heads look like pictures of one person.

    Each step sees one picture, in turn. W+ begins as the mean head of W.

    Args:
        generator: whose parameters do not change.
        pictures: any number.
        steps: how many.
        progress: is told the step and its loss.
    """
    room = generator.config.width - generator.config.expressions
    common = generator.mapping.w_avg[None].clone().requires_grad_()
    own = torch.zeros(1, generator.config.latents, room, requires_grad=True)
    optimiser = torch.optim.Adam([common, own], _RATE, betas=(0.9, 0.99))

    def latents(expression: Tensor) -> Tensor:
        wide = F.pad(common[:, None] + own, (0, generator.config.expressions))
        return with_expression(wide, expression)

    for step in range(steps):
        share = step / steps
        for group in optimiser.param_groups:
            group["lr"] = _RATE * min(1.0, (share + 1e-3) / _RISE, (1 - share) / _FALL)
        seen = pictures[step % len(pictures)]
        image = render(generator(latents(seen.expression)).cloud(0), seen.camera, backend="cpu")
        said, alpha = torch.as_tensor(image.rgb), torch.as_tensor(image.alpha)
        loss = losses.l1(said, seen.rgb) + _STRUCTURE * losses.d_ssim(said, seen.rgb)
        loss = loss + (alpha - seen.mask).abs().mean() + _APART * own.square().mean()
        optimiser.zero_grad()
        loss.backward()
        optimiser.step()
        progress(step, float(loss.detach()))
    return latents(torch.zeros(generator.config.expressions)).detach()
