"""The networks: one that knows any language's sounds, and two that move the rig's halves, as in DGTalker."""

from __future__ import annotations

import torch
from torch import Tensor, nn

from ..recognition.recogniser import PHONES, SILENCE
from ..visemes import ARTICULATORS
from ..whisper.encoder import WIDTH
from .spectrum import BANDS

CHANNELS = (*ARTICULATORS, "closure", "bite")
"""What the mouth is described by: the articulators, how far lips touch, and how far the lower one the teeth."""

PHONE_CLASSES = (SILENCE, *sorted(PHONES))
CLASSES = len(PHONE_CLASSES)

EXPRESSION = ("browInnerUp", "browOuterUp", "browDown", "eyeSquint", "eyeWide", "cheekSquint", "noseSneer")
"""What the expression encoder moves; names without a side stand for both."""

PROSODY = ("loudness", "pitch", "voiced", "prominence")
"""What brows follow: how loud it is, how high above its surroundings, whether there is a voice, and stress."""

LIP_INPUTS = len(CHANNELS) + WIDTH + 1
"""The rules' movement, what Whisper hears, and 1 in speech; all of it fades to 0 where the mouth rests."""

LIP_OUTPUTS = ("opening", "width")
"""Millimetres between the lips of the built-in heads, and by which the mouth is wider than at rest."""

LIP_TAPS, EXPRESSION_TAPS = 5, 3
"""Frames that the face encoders look at."""

SPACING = 4
"""Frames between two that a face encoder looks at."""

_WIDTH = 128
_DILATIONS = (1, 2, 4, 8, 2, 1)


class _Block(nn.Module):
    def __init__(self, dilation: int) -> None:
        super().__init__()
        self.convolution = nn.Conv1d(_WIDTH, _WIDTH, 3, padding=dilation, dilation=dilation)
        self.norm = nn.BatchNorm1d(_WIDTH)
        self.dropout = nn.Dropout(0.1)

    def forward(self, x: Tensor) -> Tensor:
        return x + self.dropout(torch.relu(self.norm(self.convolution(x))))


class SoundEncoder(nn.Module):
    """Hears 0.4 s before and after each moment: 0.4 M parameters, 50 steps a second inside.

    It is trained on the rules' movement and phones of voices in many languages (`systems.lipsync`), so that it needs no
    words.
    """

    def __init__(self) -> None:
        super().__init__()
        self.entry = nn.Conv1d(BANDS, _WIDTH, 5, stride=2, padding=2)
        self.blocks = nn.Sequential(*(_Block(dilation) for dilation in _DILATIONS))
        self.exit = nn.Conv1d(_WIDTH, len(CHANNELS) + CLASSES, 1)

    def forward(self, sound: Tensor) -> tuple[Tensor, Tensor]:
        """Movement of the mouth and the logits of phones at every second frame.

        Args:
            sound: `spectrum.normalised` energies (batch, bands, frames).

        Returns:
            (batch, channels, ceil(frames / 2)), in units of the trainer's scales, and (batch, classes, …).
        """
        outputs = self.exit(self.blocks(torch.relu(self.entry(sound))))
        return outputs[:, : len(CHANNELS)], outputs[:, len(CHANNELS) :]


class FaceEncoder(nn.Module):
    """What one half of the rig does, from what is given around each moment: a convolution of taps 40 ms apart.

    It is linear and has no constant: small enough for minutes of tracked faces, and still where its inputs are 0.
    What lies beyond the ends is taken to be as it is at the ends, in training (`ridge.context_windows`) as in use.
    """

    def __init__(self, inputs: int, outputs: int, taps: int) -> None:
        super().__init__()
        self.reach = taps // 2 * SPACING
        """Frames on either side that an answer depends on."""
        self.convolution = nn.Conv1d(
            inputs, outputs, taps, padding=self.reach, padding_mode="replicate", dilation=SPACING, bias=False
        )

    def forward(self, inputs: Tensor) -> Tensor:
        """(batch, inputs, frames) to (batch, outputs, frames)."""
        return self.convolution(inputs)


class LipEncoder(FaceEncoder):
    """The rig's lower half. In: `LIP_INPUTS`, as `mouth.inputs` makes them. Out: `LIP_OUTPUTS`."""

    def __init__(self) -> None:
        super().__init__(LIP_INPUTS, len(LIP_OUTPUTS), LIP_TAPS)


class ExpressionEncoder(FaceEncoder):
    """The rig's upper half. In: `prosody_features.inputs`, that is `PROSODY`, then eyeBlink. Out: `EXPRESSION`."""

    def __init__(self) -> None:
        super().__init__(len(PROSODY) + 1, len(EXPRESSION), EXPRESSION_TAPS)
