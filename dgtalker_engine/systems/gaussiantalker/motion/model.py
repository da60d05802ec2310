"""The networks of the motion translator, and the person who speaks."""

from __future__ import annotations

from dataclasses import dataclass, fields

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from ....rig import ARKIT_NAMES
from ....speech.hearing.moments import PHONE_INPUTS, RATE
from .config import MotionConfig

MOTION_NAMES = tuple(name for name in ARKIT_NAMES if name.startswith(("jaw", "mouth")))
"""The curves that sound drives, N of them: those of the lower face. Lids, gaze, brows and the head have no words."""

ANYONE = 0
"""The row of the identity embedding that is nobody's: strangers speak with it."""


class UniversalAudioEncoder(nn.Module):
    """E_uni (eq. 1): features of a sound to what is said in it, whoever says it.

    The paper's is the whole wav2vec 2.0, fine-tuned; here its features, or our own, are given, and what is trained lies
    on top of them.
    """

    def __init__(self, sound_width: int, config: MotionConfig) -> None:
        super().__init__()
        width = config.width
        self.entry = nn.Linear(sound_width, width)
        self.convolution = nn.Conv1d(width, width, 5, padding=2)
        self.norm = nn.LayerNorm(width)
        self.dropout = nn.Dropout(config.dropout)

    def forward(self, sound: Tensor) -> Tensor:
        """(batch, T, sound width) to (batch, T, width)."""
        x = F.gelu(self.entry(self.dropout(sound)))
        return self.norm(x + self.convolution(x.mT).mT)


class _Layer(nn.Module):
    """A layer of a transformer whose attention sees `reach` moments on both sides, nearer ones more easily."""

    def __init__(self, config: MotionConfig) -> None:
        super().__init__()
        width = config.width
        self.heads = config.heads
        self.reach = round(config.reach * RATE)
        self.before_attention, self.before_feed = nn.LayerNorm(width), nn.LayerNorm(width)
        self.projections, self.joined = nn.Linear(width, 3 * width), nn.Linear(width, width)
        # Each head weighs the distances for itself.
        self.distances = nn.Parameter(torch.zeros(config.heads, 2 * self.reach + 1))
        self.feed = nn.Sequential(nn.Linear(width, 2 * width), nn.GELU(), nn.Linear(2 * width, width))
        self.dropout = nn.Dropout(config.dropout)

    def forward(self, x: Tensor) -> Tensor:
        batch, moments, width = x.shape
        parts = self.projections(self.before_attention(x)).reshape(batch, moments, 3, self.heads, -1)
        query, key, value = parts.permute(2, 0, 3, 1, 4)
        place = torch.arange(moments, device=x.device)
        apart = place[None, :] - place[:, None]
        bias = self.distances[:, apart.clamp(-self.reach, self.reach) + self.reach]
        bias = bias.masked_fill(apart.abs() > self.reach, -torch.inf)
        seen = F.scaled_dot_product_attention(query, key, value, attn_mask=bias)
        x = x + self.dropout(self.joined(seen.transpose(1, 2).reshape(batch, moments, width)))
        return x + self.dropout(self.feed(self.before_feed(x)))


class MotionDecoder(nn.Module):
    """D_m (eq. 4): audio features with a person's embedding added to the curves of all moments at once."""

    def __init__(self, config: MotionConfig) -> None:
        super().__init__()
        self.layers = nn.ModuleList(_Layer(config) for _ in range(config.layers))
        self.norm = nn.LayerNorm(config.width)
        self.exit = nn.Linear(config.width, len(MOTION_NAMES))

    def forward(self, x: Tensor) -> Tensor:
        """(batch, T, width) to (batch, T, N)."""
        for layer in self.layers:
            x = layer(x)
        return self.exit(self.norm(x))


class LipReader(nn.Module):
    """E_lip (eq. 7): the movement of the lips' vertices to what is heard; it is needed in training alone."""

    def __init__(self, vertices: int, sound_width: int, config: MotionConfig) -> None:
        super().__init__()
        self.entry = nn.Linear(3 * vertices, config.width)
        self.convolution = nn.Conv1d(config.width, config.width, 5, padding=2)
        self.exit = nn.Linear(config.width, sound_width)

    def forward(self, lips: Tensor) -> Tensor:
        """(batch, T, K, 3), in standard deviations, to (batch, T, sound width)."""
        x = F.gelu(self.entry(lips.flatten(-2)))
        return self.exit(F.gelu(self.convolution(x.mT).mT))


@dataclass(frozen=True)
class Scale:
    """Units of what comes in and goes out.

    Attributes:
        phones_mean, phones_deviation: of the phones' features (PHONE_INPUTS,).
        sound_mean, sound_deviation: of the sound's features (sound width,).
        usual: each person's mean curves, first `ANYONE`'s (speakers + 1, N).
        deviation: of the curves about that (N,).
    """

    phones_mean: Tensor
    phones_deviation: Tensor
    sound_mean: Tensor
    sound_deviation: Tensor
    usual: Tensor
    deviation: Tensor


class MotionTranslator(nn.Module):
    """A sound and a person to the curves of their lower face (eq. 4)."""

    def __init__(self, config: MotionConfig, sound_width: int, speakers: int) -> None:
        """Takes how many people it learns from; row `ANYONE` of the embedding comes before theirs."""
        super().__init__()
        self.config = config
        self.encoder = UniversalAudioEncoder(sound_width, config)
        self.phones = nn.Linear(PHONE_INPUTS, config.width)
        self.identity = nn.Embedding(speakers + 1, config.width)
        # How far each person opens the mouth at the same sound is what differs most.
        self.amplitude = nn.Linear(config.width, len(MOTION_NAMES))
        nn.init.zeros_(self.amplitude.weight)
        nn.init.zeros_(self.amplitude.bias)
        self.decoder = MotionDecoder(config)
        # A minute of faces teaches little more than what is linear, so that has a way of its own.
        self.straight = nn.Conv1d(PHONE_INPUTS + sound_width, len(MOTION_NAMES), 5, padding=4, dilation=2)
        nn.init.zeros_(self.straight.weight)
        nn.init.normal_(self.identity.weight, std=0.2)
        for name, width in (("phones", PHONE_INPUTS), ("sound", sound_width)):
            self.register_buffer(f"{name}_mean", torch.zeros(width))
            self.register_buffer(f"{name}_deviation", torch.ones(width))
        self.register_buffer("usual", torch.zeros(speakers + 1, len(MOTION_NAMES)))
        self.register_buffer("deviation", torch.ones(len(MOTION_NAMES)))

    def set_scale(self, scale: Scale) -> None:
        """Gives it the units of its training."""
        for field in fields(Scale):
            self.get_buffer(field.name).copy_(getattr(scale, field.name))

    def scaled_sound(self, sound: Tensor) -> Tensor:
        """Features in standard deviations: what `encoder` takes."""
        return (sound - self.get_buffer("sound_mean")) / self.get_buffer("sound_deviation")

    def forward(self, phones: Tensor, sound: Tensor, person: Tensor) -> tuple[Tensor, Tensor]:
        """The motion of some sequences.

        Args:
            phones: `Heard.phones` (batch, T, PHONE_INPUTS).
            sound: `Heard.sound` of one timbre (batch, T, sound width).
            person: row of the embedding (batch,).

        Returns:
            The curves in standard deviations from the person's usual ones (batch, T, N), and the audio features f
            (batch, T, width).
        """
        sound = self.scaled_sound(sound)
        phones = (phones - self.get_buffer("phones_mean")) / self.get_buffer("phones_deviation")
        if not self.config.recognised_phones:
            phones = torch.zeros_like(phones)
        audio = self.encoder(sound)
        x = audio + self.phones(phones)
        manner = self.identity(person)[:, None]
        if self.config.identity:
            x = x + manner
        motion = self.decoder(x)
        if self.config.straight:
            motion = motion + self.straight(torch.cat([phones, sound], dim=-1).mT).mT
        if self.config.identity:
            motion = motion * self.amplitude(manner).exp()
        return motion, audio

    def curves(self, motion: Tensor, person: Tensor) -> Tensor:
        """Weights of `MOTION_NAMES` of what `forward` returned."""
        return self.get_buffer("usual")[person][:, None] + motion * self.get_buffer("deviation")

    def motion(self, curves: Tensor, person: Tensor) -> Tensor:
        """What `forward` should have returned for some curves (batch, T, N)."""
        return (curves - self.get_buffer("usual")[person][:, None]) / self.get_buffer("deviation")
