"""Whisper's encoder: from a spectrum to what is heard, 50 times a second."""

from __future__ import annotations

from functools import cache

import numpy as np
import torch
from torch import Tensor, nn
from torch.nn import functional

WIDTH, HEADS, LAYERS = 384, 6, 4
MEL_BANDS = 80

STEP = 2
"""Frames of the spectrum between two that the encoder answers for."""

HOP = 160
"""Samples between two frames of the spectrum."""

POSITIONS = 1500
"""The most answers: 30 seconds."""

LOWER = 3
"""Layers up to where it says most about lips: one layer fewer or more says less."""

_WINDOW = 400
_DYNAMIC_RANGE = 8.0
_HIGHEST = 8000.0


class Attention(nn.Module):
    """What a sequence (n, WIDTH) looks up in itself, after the norm of its own layer."""

    def __init__(self) -> None:
        super().__init__()
        self.norm = nn.LayerNorm(WIDTH)
        self.inwards = nn.Linear(WIDTH, 3 * WIDTH)
        self.outwards = nn.Linear(WIDTH, WIDTH)

    def split(self, x: Tensor) -> Tensor:
        """Queries, keys and values (3, HEADS, n, WIDTH / HEADS)."""
        return heads(self.inwards(self.norm(x)), 3)

    def forward(self, x: Tensor) -> Tensor:
        queries, keys, values = self.split(x)
        return self.outwards(joined(functional.scaled_dot_product_attention(queries, keys, values)))


class FeedForward(nn.Module):
    """Each of a sequence (n, WIDTH) by itself, after a norm."""

    def __init__(self) -> None:
        super().__init__()
        self.norm = nn.LayerNorm(WIDTH)
        self.inwards = nn.Linear(WIDTH, 4 * WIDTH)
        self.outwards = nn.Linear(4 * WIDTH, WIDTH)

    def forward(self, x: Tensor) -> Tensor:
        return self.outwards(functional.gelu(self.inwards(self.norm(x))))


class EncoderLayer(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.attention = Attention()
        self.feed_forward = FeedForward()

    def forward(self, x: Tensor) -> Tensor:
        x = x + self.attention(x)
        return x + self.feed_forward(x)


class WhisperEncoder(nn.Module):
    """50 answers a second."""

    def __init__(self) -> None:
        super().__init__()
        self.conv1 = nn.Conv1d(MEL_BANDS, WIDTH, 3, padding=1)
        self.conv2 = nn.Conv1d(WIDTH, WIDTH, 3, stride=STEP, padding=1)
        self.positions = nn.Parameter(torch.zeros(POSITIONS, WIDTH))
        self.layers = nn.ModuleList(EncoderLayer() for _ in range(LAYERS))
        self.norm = nn.LayerNorm(WIDTH)

    def lower(self, energies: Tensor) -> Tensor:
        """What the first `LOWER` layers hear in `log_mel` (bands, frames), 30 s at most: (frames / 2, WIDTH)."""
        x = functional.gelu(self.conv2(functional.gelu(self.conv1(energies[None]))))[0].T
        x = x + self.positions[: len(x)]
        for layer in self.layers[:LOWER]:
            x = layer(x)
        return x

    def forward(self, energies: Tensor) -> Tensor:
        """The same by all layers: what the decoder looks at."""
        x = self.lower(energies)
        for layer in self.layers[LOWER:]:
            x = layer(x)
        return self.norm(x)


def heads(x: Tensor, parts: int) -> Tensor:
    """(n, parts · WIDTH) to (parts, HEADS, n, WIDTH / HEADS)."""
    return x.view(len(x), parts, HEADS, -1).permute(1, 2, 0, 3)


def joined(x: Tensor) -> Tensor:
    """(HEADS, n, WIDTH / HEADS) to (n, WIDTH)."""
    return x.permute(1, 0, 2).reshape(x.shape[1], WIDTH)


def log_mel(samples: np.ndarray) -> Tensor:
    """Whisper's spectrum of samples at `sound.RATE` (n,), float32 (`MEL_BANDS`, n // HOP)."""
    transform = torch.stft(
        torch.from_numpy(samples), _WINDOW, HOP, window=torch.hann_window(_WINDOW), return_complex=True
    )
    energies = (_mel_bank() @ transform[:, :-1].abs().square()).clamp(min=1e-10).log10()
    return (torch.maximum(energies, energies.max() - _DYNAMIC_RANGE) + 4.0) / 4.0


@cache
def _mel_bank() -> Tensor:
    """Slaney's triangles of equal area, float32 (`MEL_BANDS`, 201)."""
    # Below 1000 Hz a mel is 200/3 Hz, above it is a step of 6.4^(1/27).
    linear, step = 200.0 / 3.0, np.log(6.4) / 27.0
    mels = np.linspace(0.0, 15.0 + np.log(_HIGHEST / 1000.0) / step, MEL_BANDS + 2)
    edges = np.where(mels < 15.0, mels * linear, 1000.0 * np.exp(step * (mels - 15.0)))[:, None]
    frequency = np.linspace(0.0, _HIGHEST, _WINDOW // 2 + 1)
    left, middle, right = edges[:-2], edges[1:-1], edges[2:]
    triangles = np.minimum((frequency - left) / (middle - left), (right - frequency) / (right - middle))
    return torch.from_numpy((np.maximum(triangles, 0.0) * 2.0 / (right - left)).astype(np.float32))
