"""Latents: numbers that follow from a rig's weights, for what a person does only near what was seen of them.

A sum over controls says the same of a slider wherever it stands. What a speaker's face does beside what all faces do is
known for the expressions of a clip alone, and is nonsense far from them: so it hangs on a few numbers that are linear
in the weights there, are bounded, and vanish beyond (the latent pose γ of GaussianTalker, equation 16).
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import torch

from ..rig import Rig
from .document import plain

MAX_LATENTS = 64
LEAST = 1e-6
"""Of bound and reach: they divide."""
VANISHED = 1.5
"""In units of the reach, from where on latents are 0."""


@dataclass(frozen=True)
class Latents:
    """K numbers γ that weights w (C,) of a rig give:

        z = offset + w · linear,   γ = bound · tanh(z / bound) · f(|z|² / reach²)

    f is 1 up to 1, 0 from `VANISHED`² on, and 3 t² - 2 t³ with t falling evenly from 1 to 0 between.

    Attributes:
        linear: C rows of K.
        offset: K.
        bound: of every γ.
        reach: how far z was from 0 in what was seen.
    """

    linear: tuple[tuple[float, ...], ...]
    offset: tuple[float, ...]
    bound: float
    reach: float

    def __len__(self) -> int:
        return len(self.offset)

    def at(self, weights: torch.Tensor) -> torch.Tensor:
        """γ (K,) at weights (C,), in their precision and on their device; differentiable."""
        linear, offset = (each.to(weights) for each in self.tensors)
        return self.bounded(offset + weights @ linear)

    def bounded(self, z: torch.Tensor) -> torch.Tensor:
        """γ (K,) at z (K,)."""
        far = z.square().sum() / self.reach**2
        t = ((VANISHED**2 - far) / (VANISHED**2 - 1)).clamp(0, 1)
        return self.bound * torch.tanh(z / self.bound) * (t * t * (3 - 2 * t))

    @cached_property
    def tensors(self) -> tuple[torch.Tensor, torch.Tensor]:
        """The linear map (C, K) and the offset (K,), float64 on the processor."""
        linear = torch.tensor(self.linear, dtype=torch.float64).reshape(-1, len(self))
        return linear, torch.tensor(self.offset, dtype=torch.float64)

    def to_json(self) -> dict[str, Any]:
        linear = [list(row) for row in self.linear]
        return {"linear": linear, "offset": list(self.offset), "bound": self.bound, "reach": self.reach}

    @classmethod
    def from_json(cls, data: Mapping[str, Any], rig: Rig) -> Latents:
        """Raises ValueError, TypeError or KeyError when `data` is not what `to_json` makes for this rig."""
        linear, offset = tuple(plain(row) for row in data["linear"]), plain(data["offset"])
        bound, reach = plain([data["bound"], data["reach"]])
        if not 1 <= len(offset) <= MAX_LATENTS or min(bound, reach) < LEAST:
            raise ValueError(f"there are 1 to {MAX_LATENTS} latents, with a bound and a reach of {LEAST} or more")
        if len(linear) != len(rig.controls) or any(len(row) != len(offset) for row in linear):
            raise ValueError("the latents' linear map has a row for every control, with a number for every latent")
        return cls(linear, offset, bound, reach)
