"""Finds the latents of a head in pictures: what a prior makes of somebody before it is tuned to them."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import torch
from torch import Tensor

from ....gaussians import Camera, render
from ....training import losses
from ..generator import Generator
from ..inverted_latent import InvertedLatent, inversion_rate

_RATE = 0.03
_APART = 0.02
"""Weight of how far latents of W+ are from each other."""
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
    latent = InvertedLatent(generator)
    optimiser = latent.optimiser(_RATE)
    for step in range(steps):
        optimiser.param_groups[0]["lr"] = inversion_rate(_RATE, step / steps)
        seen = pictures[step % len(pictures)]
        image = render(generator(latent(seen.expression[None])).cloud(0), seen.camera, backend="cpu")
        said, alpha = torch.as_tensor(image.rgb), torch.as_tensor(image.alpha)
        loss = losses.l1(said, seen.rgb) + _STRUCTURE * losses.d_ssim(said, seen.rgb)
        loss = loss + (alpha - seen.mask).abs().mean() + _APART * latent.apart()
        optimiser.zero_grad()
        loss.backward()
        optimiser.step()
        progress(step, float(loss.detach()))
    return latent.at_rest().detach()
