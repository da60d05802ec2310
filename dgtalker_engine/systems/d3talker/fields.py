"""How codes of motion or sound deform the canonical face: the two Gaussian attribute deformation fields."""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor, nn

from .config import D3TalkerConfig
from .encoding import TriPlaneHash

MEANS, LOG_SCALES, TURNS, COLOURS = (slice(first, first + 3) for first in range(0, 12, 3))
"""Where in δ (P, 12) is what: Δμ, metres in head space; Δs; Δq, axis-angle in head space; Δκ, colour of degree 0."""
_UNITS = (2e-3, 0.1, 0.1, 0.2)
"""What 1 of a field's output is."""


class Field(nn.Module):
    """δ of places by a code, with region attention: each place hears a part of the code.

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
        self.attention = nn.Linear(self.encoding.width, code)
        self.entry = nn.Linear(self.encoding.width + code, config.field_width)
        self.exit = nn.Linear(config.field_width, 12, bias=False)
        nn.init.zeros_(self.exit.weight)
        units = torch.zeros(12)
        for part in parts:
            units[part] = _UNITS[part.start // 3]
        self.register_buffer("units", units, persistent=False)

    def forward(self, code: Tensor) -> Tensor:
        """(code,) → δ (P, 12)."""
        encoding = self.encoding()
        heard = self.attention(encoding).sigmoid() * code
        hidden = torch.relu(self.entry(torch.cat([encoding, heard], dim=1)))
        return self.get_buffer("units") * self.exit(hidden)
