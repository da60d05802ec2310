"""Somebody in the latent space: the generator that was tuned to them, and the latent at which they are at rest."""

from __future__ import annotations

import torch
from torch import Tensor, nn

from ...training.latent_pose import LatentPose
from .attributes import Heads
from .generator import Generator
from .mapping import with_expression


class OwnSteps(nn.Module):
    """How somebody's tracked expressions differ from the face model's: Σ γ b, a step through W+.

    γ are K numbers that follow from expression and head's turn (`LatentPose`); the K blendshapes b are learned.

    Args:
        latent: γ; stays as it is.
        latents, width: of W+.
    """

    def __init__(self, latent: LatentPose, latents: int, width: int) -> None:
        super().__init__()
        self.latent = latent.requires_grad_(False)
        self.blendshapes = nn.Parameter(torch.zeros(latent.size, latents, width))

    def forward(self, expression: Tensor, joint_pose: Tensor, turn: Tensor | None = None) -> Tensor:
        """(E,), (J, 3), and the head's turn (3,), none: the clip's mean → (1, latents, width)."""
        return self.at(self.latent(expression, joint_pose, turn))

    def at(self, latent: Tensor) -> Tensor:
        """γ (K,) → (1, latents, width)."""
        return torch.tensordot(latent, self.blendshapes, 1)[None]


class Person(nn.Module):
    """Somebody, whose generator is frozen from now on; moving through W+ moves them.

    Args:
        generator: tuned to them, of a decoded template.
        canonical: ω_can, at rest (1, latents, width).
        own: steps that go with what was tracked; None: the generator alone has what is theirs.
    """

    canonical: Tensor

    def __init__(self, generator: Generator, canonical: Tensor, own: OwnSteps | None = None) -> None:
        super().__init__()
        self.generator = generator.eval().requires_grad_(False)
        self.own = None if own is None else own.requires_grad_(False)
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
