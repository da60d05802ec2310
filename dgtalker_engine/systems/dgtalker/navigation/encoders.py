"""The two audio encoders: sound around a frame to αᵉ and αˡ."""

from __future__ import annotations

import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor, nn

from ....speech.hearing.moments import PHONE_INPUTS, RATE, Heard
from .config import NavigationConfig

FRAMES, SPACING = 8, 0.04
"""What an encoder hears of the sound around a frame, and how far apart, seconds."""


def windows(heard: Heard, times: np.ndarray) -> Tensor:
    """What is heard around some moments, float32 (T, `FRAMES`, `PHONE_INPUTS` + sound width).

    Args:
        heard: a sound.
        times: seconds from its first sample (T,).
    """
    rows = np.concatenate([heard.phones, heard.sound[0]], axis=1)
    around = times[:, None] + (np.arange(FRAMES) - (FRAMES - 1) / 2) * SPACING
    places = np.clip(around * RATE, 0, len(rows) - 1)
    first = np.minimum(places.astype(np.int64), max(len(rows) - 2, 0))
    share = (places - first)[..., None].astype(np.float32)
    after = np.minimum(first + 1, len(rows) - 1)
    return torch.from_numpy(((1 - share) * rows[first] + share * rows[after]).astype(np.float32))


def inputs(sound_width: int) -> int:
    """How many numbers are heard at a moment."""
    return PHONE_INPUTS + sound_width


class AudioEncoder(nn.Module):
    """α of the sound around a frame: attention over its `FRAMES`, and beside it a linear way.

    Some seconds of a face teach hardly more than what is linear, and that only where `squares` are kept small.

    Args:
        heard: numbers at a moment, `inputs`.
        beside: numbers besides the sound: 1 of the encoder that takes the blink.
        outputs: how many α.
        config: its sizes.
    """

    def __init__(self, heard: int, beside: int, outputs: int, config: NavigationConfig) -> None:
        super().__init__()
        self.entry = nn.Linear(heard, config.width)
        self.attention = nn.Linear(config.width, 1)
        self.places = nn.Parameter(torch.zeros(FRAMES))
        self.dropout = config.dropout
        self.straight = nn.Linear(FRAMES * heard + beside, outputs)
        self.exit = nn.Linear(config.width + beside, outputs)
        for layer in (self.straight, self.exit):
            nn.init.zeros_(layer.weight)
            nn.init.zeros_(layer.bias)
        self.register_buffer("mean", torch.zeros(outputs))
        self.register_buffer("deviation", torch.ones(outputs))

    def set_scale(self, alpha: Tensor, least: Tensor) -> None:
        """Units of what comes out, from α that are to be expected (T, outputs), and the least of them (outputs,)."""
        self.get_buffer("mean").copy_(alpha.mean(dim=0))
        self.get_buffer("deviation").copy_(alpha.std(dim=0).maximum(least))

    def squares(self) -> Tensor:
        """The squares of what makes α of features, in units of α²."""
        weights = torch.cat([self.straight.weight, self.exit.weight], dim=1)
        return (self.get_buffer("deviation").square()[:, None] * weights.square()).sum()

    def forward(self, window: Tensor, *beside: Tensor) -> Tensor:
        """(…, B, `FRAMES`, heard) in standard deviations, and (B, 1) each of what is besides, to α (…, B, outputs).

        What a training leaves out of a sample is a feature in all of its moments, and the same in all that is stacked
        before the batch: what of α differs there is what is heard.
        """
        window = window * F.dropout(window.new_ones(window.shape[-3], 1, window.shape[-1]), self.dropout, self.training)
        beside = tuple(each.expand(*window.shape[:-2], -1) for each in beside)
        features = F.gelu(self.entry(window))
        shares = (self.attention(features)[..., 0] + self.places).softmax(dim=-1)
        pooled = (shares[..., None] * features).sum(dim=-2)
        said = self.exit(torch.cat([pooled, *beside], dim=-1)) + self.straight(
            torch.cat([window.flatten(-2), *beside], dim=-1)
        )
        return self.get_buffer("mean") + said * self.get_buffer("deviation")


class Encoders(nn.Module):
    """E_exp and E_lip; without `NavigationConfig.dual_encoders` one network is both.

    Args:
        heard: numbers at a moment, `inputs`.
        sizes: how many αᵉ and αˡ.
        config: their sizes.
    """

    def __init__(self, heard: int, sizes: tuple[int, int], config: NavigationConfig) -> None:
        super().__init__()
        self.sizes = sizes
        self.both: AudioEncoder | None = None
        if config.dual_encoders:
            self.upper = AudioEncoder(heard, 1, sizes[0], config)
            self.lower = AudioEncoder(heard, 0, sizes[1], config)
        else:
            self.both = AudioEncoder(heard, 1, sum(sizes), config)
        self.register_buffer("heard_mean", torch.zeros(heard))
        self.register_buffer("heard_deviation", torch.ones(heard))

    def set_scale(self, window: Tensor, alpha: tuple[Tensor, Tensor], least: tuple[Tensor, Tensor]) -> None:
        """Units, from the windows (T, `FRAMES`, heard) and the αᵉ and αˡ of the training frames (T, `sizes`).

        `least` are the least deviations of either's outputs (`sizes`,).
        """
        self.get_buffer("heard_mean").copy_(window.mean(dim=(0, 1)))
        self.get_buffer("heard_deviation").copy_(window.std(dim=(0, 1)) + 0.05)
        if self.both is not None:
            self.both.set_scale(torch.cat(alpha, dim=1), torch.cat(least))
        else:
            self.upper.set_scale(alpha[0], least[0])
            self.lower.set_scale(alpha[1], least[1])

    def expression(self, window: Tensor, blink: Tensor) -> Tensor:
        """αᵉ (…, B, `sizes[0]`) of sounds (…, B, `FRAMES`, heard) and of how far the eyes are shut (B, 1), 0 to 1."""
        window = self._scaled(window)
        return self.upper(window, blink) if self.both is None else self.both(window, blink)[..., : self.sizes[0]]

    def lips(self, window: Tensor) -> Tensor:
        """αˡ (…, B, `sizes[1]`) of sounds."""
        window = self._scaled(window)
        if self.both is None:
            return self.lower(window)
        return self.both(window, window.new_zeros(window.shape[-3], 1))[..., self.sizes[0] :]

    def squares(self) -> Tensor:
        """`AudioEncoder.squares` of all."""
        return self.both.squares() if self.both is not None else self.upper.squares() + self.lower.squares()

    def _scaled(self, window: Tensor) -> Tensor:
        return (window - self.get_buffer("heard_mean")) / self.get_buffer("heard_deviation")
