"""Whisper's decoder: from what was heard, and the tokens so far, to the next token."""

from __future__ import annotations

from dataclasses import dataclass, field

import torch
from torch import Tensor, nn
from torch.nn import functional

from .encoder import LAYERS, WIDTH, Attention, FeedForward, heads, joined

TOKENS, MOST_TOKENS = 51864, 448


class CrossAttention(nn.Module):
    """What a sequence (n, WIDTH) looks up in what was heard."""

    def __init__(self) -> None:
        super().__init__()
        self.norm = nn.LayerNorm(WIDTH)
        self.asking = nn.Linear(WIDTH, WIDTH)
        self.hearing = nn.Linear(WIDTH, 2 * WIDTH)
        self.outwards = nn.Linear(WIDTH, WIDTH)

    def forward(self, x: Tensor, keys_and_values: Tensor) -> Tensor:
        (queries,) = heads(self.asking(self.norm(x)), 1)
        keys, values = keys_and_values
        return self.outwards(joined(functional.scaled_dot_product_attention(queries, keys, values)))


class DecoderLayer(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.attention = Attention()
        self.cross = CrossAttention()
        self.feed_forward = FeedForward()

    def forward(self, x: Tensor, heard: Tensor, before: Tensor) -> tuple[Tensor, Tensor]:
        """Tokens (n, WIDTH) to (n, WIDTH), and keys and values of all tokens so far (2, HEADS, tokens, …).

        Args:
            heard: keys and values of what was heard.
            before: those of the tokens before these.
        """
        queries, keys, values = self.attention.split(x)
        so_far = torch.cat([before, torch.stack([keys, values])], dim=2)
        # the first tokens come together, and none looks at those after it; later ones come alone
        keys, values = so_far
        looked_up = functional.scaled_dot_product_attention(queries, keys, values, is_causal=len(x) > 1)
        x = x + self.attention.outwards(joined(looked_up))
        x = x + self.cross(x, heard)
        return x + self.feed_forward(x), so_far


@dataclass
class Listening:
    """A text that is being written down.

    Attributes:
        heard: of each layer, keys and values of what was heard.
        so_far: of each layer, those of the tokens until now.
        tokens: how many these are.
    """

    heard: list[Tensor]
    so_far: list[Tensor] = field(default_factory=list)
    tokens: int = 0


class WhisperDecoder(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.embeddings = nn.Parameter(torch.zeros(TOKENS, WIDTH))
        self.positions = nn.Parameter(torch.zeros(MOST_TOKENS, WIDTH))
        self.layers = nn.ModuleList(DecoderLayer() for _ in range(LAYERS))
        self.norm = nn.LayerNorm(WIDTH)

    def begin(self, heard: Tensor) -> Listening:
        """A text of what the encoder heard (n, WIDTH)."""
        kept = [heads(layer.cross.hearing(heard), 2).contiguous() for layer in self.layers]  # pyright: ignore[reportAttributeAccessIssue, reportCallIssue] (these are DecoderLayers)
        return Listening(kept, [each[:, :, :0] for each in kept])

    def forward(self, tokens: list[int], listening: Listening) -> Tensor:
        """How likely each token (TOKENS,) is to follow these, which follow those of before; logits."""
        first, listening.tokens = listening.tokens, listening.tokens + len(tokens)
        x = self.embeddings[tokens] + self.positions[first : listening.tokens]
        for i, layer in enumerate(self.layers):
            x, listening.so_far[i] = layer(x, listening.heard[i], listening.so_far[i])
        return self.embeddings @ self.norm(x[-1])
