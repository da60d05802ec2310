"""Somebody in the latent space: the generator that was tuned to them, and the latent at which they are at rest."""

from __future__ import annotations

from torch import Tensor, nn

from .attributes import Heads
from .generator import Generator
from .mapping import with_expression


class Person(nn.Module):
    """Somebody, whose generator is frozen from now on; moving through W+ moves them.

    Args:
        generator: tuned to them, of a decoded template.
        canonical: ω_can, at rest (1, latents, width).
    """

    canonical: Tensor

    def __init__(self, generator: Generator, canonical: Tensor) -> None:
        super().__init__()
        self.generator = generator.eval().requires_grad_(False)
        self.register_buffer("canonical", canonical.detach().clone())

    def latents(self, expression: Tensor, step: Tensor | None = None) -> Tensor:
        """W+ (B, latents, width): ω_can, on top of it the face model's expression, and a step.

        Args:
            expression: (B, E).
            step: what the person's blendshapes add (B, latents, width).
        """
        canonical = self.canonical.expand(len(expression), -1, -1)
        shown = with_expression(canonical, expression[:, None])
        return shown if step is None else shown + step

    def heads(self, latents: Tensor) -> Heads:
        """Gaussians of W+ (B, latents, width)."""
        return self.generator(latents)
