"""How codes of motion or sound deform the canonical face: the two Gaussian attribute deformation fields."""

from __future__ import annotations

from collections.abc import Sequence

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from .config import D3TalkerConfig
from .encoding import TriPlaneHash

MEANS, LOG_SCALES, TURNS, COLOURS = (slice(first, first + 3) for first in range(0, 12, 3))
"""Where in δ (P, 12) is what: Δμ, metres in head space; Δs; Δq, axis-angle in head space; Δκ, colour of degree 0."""
UNITS = torch.tensor((3e-4,) * 3 + (0.02,) * 6 + (0.05,) * 3)
"""What 1 of a field's output is (12,): about alike where they look alike, and so small that a step moves little."""


class Field(nn.Module):
    """δ(x, c) = U · Σ_r a_r(x) R_r(c): places attend to regions, and each region answers the code.

    Answers are linear in the code: what some frames in turn say of a weight then agrees from the first step on, where a
    network that hears place and code together needs thousands of steps before it tells frames apart.

    Args:
        places: on the canonical face, 0 to 1 (P, 3).
        code: numbers of a code.
        parts: of δ that it has, of `MEANS` and the others; the rest is 0.
        config: its sizes.
    """

    def __init__(self, places: Tensor, code: int, parts: Sequence[slice], config: D3TalkerConfig) -> None:
        super().__init__()
        self.encoding = TriPlaneHash(
            places,
            levels=config.levels,
            coarsest=config.coarsest,
            finest=config.finest,
            entries=config.table_entries,
            features=config.table_features,
        )
        self.attention = nn.Linear(self.encoding.width, config.regions)
        self.answers = nn.Linear(code, config.regions * 12)
        nn.init.zeros_(self.answers.weight)
        nn.init.zeros_(self.answers.bias)
        units = torch.zeros(12)
        for part in parts:
            units[part] = UNITS[part]
        self.register_buffer("units", units / config.regions**0.5, persistent=False)

    def forward(self, code: Tensor) -> Tensor:
        """(code,) → δ (P, 12)."""
        attention = F.gelu(self.attention(self.encoding()))
        return (attention @ self.answers(code).unflatten(0, (-1, 12))) * self.get_buffer("units")
