"""Sound as the individual field hears it, and what takes its place where a face is moved by sliders."""

from __future__ import annotations

import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor, nn

from ...speech.hearing.moments import PHONE_INPUTS, Heard

FRAMES, SPACING = 8, 0.04
"""What is heard of the sound around a frame, and how far apart, seconds."""
_BOUND = 3.0
_NOISE = 0.05  # of an expression, from tracking, and of what is heard
_RIDGES = tuple(0.5 * 2.0**i for i in range(9))  # of the squares of what is heard in a frame
_FOLDS = 5
_GAP = FRAMES  # frames that a fold's edge keeps away: what is heard around them overlaps
_LEAST = 0.03  # what varies so much less than the first component is not blown up to 1


def windows(heard: Heard, times: np.ndarray) -> Tensor:
    """What is heard around moments (T,), seconds: float32 (T, `FRAMES`, `inputs`)."""
    return torch.from_numpy(heard.around(times, FRAMES, SPACING))


def inputs(sound_width: int) -> int:
    """How many numbers are heard at a moment."""
    return PHONE_INPUTS + sound_width


class SoundEncoder(nn.Module):
    """Sound around a frame to the individual code: attention over its moments, and beside it a linear way.

    Args:
        heard: numbers at a moment, `inputs`.
        code: numbers of the code.
        dropout: the share of what is heard that a step leaves out.
    """

    mean: Tensor
    deviation: Tensor

    def __init__(self, heard: int, code: int, dropout: float) -> None:
        super().__init__()
        self.register_buffer("mean", torch.zeros(heard))
        self.register_buffer("deviation", torch.ones(heard))
        self.entry = nn.Linear(heard, code)
        self.attention = nn.Linear(code, 1)
        self.places = nn.Parameter(torch.zeros(FRAMES))
        self.straight = nn.Linear(FRAMES * heard, code)
        self.exit = nn.Linear(code, code)
        self.dropout = dropout
        for layer in (self.straight, self.exit):
            nn.init.zeros_(layer.weight)
            nn.init.zeros_(layer.bias)

    @torch.no_grad()
    def begin(self, window: Tensor, codes: Tensor, said: Tensor) -> None:
        """Sets the units of what is heard, and the linear way to what ridge regression says.

        Seconds of speech teach little: how little, parts of them tell that are left out in turn.

        Args:
            window: of the training frames (T, `FRAMES`, heard), in the order of time.
            codes: theirs, as expressions tell them (T, code).
            said: what a code says of an expression (E, code).
        """
        self.mean.copy_(window.mean(dim=(0, 1)))
        self.deviation.copy_(window.std(dim=(0, 1)) + _NOISE)
        heard = ((window - self.mean) / self.deviation).flatten(1).double()
        mean = codes.double().mean(dim=0)
        self.straight.weight.copy_(_ridge(heard, codes.double() - mean, said.double()).T)
        self.straight.bias.copy_(mean)

    def forward(self, window: Tensor) -> Tensor:
        """(B, `FRAMES`, heard) → codes (B, code)."""
        window = (window - self.mean) / self.deviation
        window = window * F.dropout(window.new_ones(len(window), 1, window.shape[2]), self.dropout, self.training)
        features = F.gelu(self.entry(window))
        shares = (self.attention(features)[..., 0] + self.places).softmax(dim=1)
        code = self.exit((shares[..., None] * features).sum(dim=1)) + self.straight(window.flatten(1))
        return _BOUND * torch.tanh(code / _BOUND)


def _ridge(heard: Tensor, wanted: Tensor, said: Tensor) -> Tensor:
    """Ridge regression (D, code), as strong as is best in frames that are left out in turn; nothing where that is best.

    Args:
        heard: (T, D), in deviations, in the order of time.
        wanted: (T, code), its mean 0.
        said: by which errors count (E, code).
    """
    count = len(heard)
    errors = torch.zeros(len(_RIDGES) + 1, dtype=torch.float64)
    frames = torch.arange(count)
    for number in range(_FOLDS):
        first, last = number * count // _FOLDS, (number + 1) * count // _FOLDS
        rest = (frames < first - _GAP) | (frames >= last + _GAP)
        if not rest.any() or first == last:
            continue
        by_strength = _ridges(heard[rest], wanted[rest])
        wrong = [wanted[first:last]] + [wanted[first:last] - heard[first:last] @ each for each in by_strength]
        errors += torch.stack([(each @ said.T).square().sum() for each in wrong])
    best = int(errors.argmin())  # the first of equals: nothing, where frames are too few to tell
    return _ridges(heard, wanted)[best - 1] if best else torch.zeros_like(heard.T @ wanted)


def _ridges(heard: Tensor, wanted: Tensor) -> list[Tensor]:
    """Of each strength, (D, code)."""
    left, spread, right = torch.linalg.svd(heard, full_matrices=False)
    told = left.T @ wanted
    return [
        right.T @ ((spread / (spread.square() + strength * heard.shape[1]))[:, None] * told) for strength in _RIDGES
    ]


class ExpressionCode(nn.Module):
    """The individual code that an expression would sound like: it takes the sound's place where there is none.

    At first it is the principal components of the training frames' expressions, which vary by about 1 each.

    Args:
        expressions: of the training frames (T, E).
        code: numbers of the code.
    """

    mean: Tensor
    deviation: Tensor

    def __init__(self, expressions: Tensor, code: int) -> None:
        super().__init__()
        self.register_buffer("mean", expressions.mean(dim=0))
        self.register_buffer("deviation", expressions.std(dim=0) + _NOISE)
        self.linear = nn.Linear(len(self.mean), code)
        nn.init.zeros_(self.linear.weight)
        nn.init.zeros_(self.linear.bias)
        _, spread, axes = torch.linalg.svd(self.standard(expressions), full_matrices=False)
        count = min(code, len(spread))
        deviations = spread[:count] / len(expressions) ** 0.5
        with torch.no_grad():
            # a face that stands still varies by nothing
            units = (deviations + _LEAST * deviations[0]).clamp_min(_LEAST)
            self.linear.weight[:count] = axes[:count] / units[:, None]

    def standard(self, expression: Tensor) -> Tensor:
        """Expressions (B, E) in deviations of the training frames."""
        return (expression - self.mean) / self.deviation

    def said(self) -> nn.Linear:
        """What a code says of an expression in these deviations, as far as principal components tell."""
        layer = nn.Linear(self.linear.out_features, len(self.mean))
        with torch.no_grad():
            layer.weight.copy_(torch.linalg.pinv(self.linear.weight))
        nn.init.zeros_(layer.bias)
        return layer

    def forward(self, expression: Tensor) -> Tensor:
        """(B, E) → codes (B, code)."""
        return _BOUND * torch.tanh(self.linear(self.standard(expression)) / _BOUND)
