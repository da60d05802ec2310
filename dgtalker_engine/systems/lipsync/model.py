"""The models that are trained here.

They are `speech.lipsync.encoders`, where inference has them, since nothing that answers a user imports a system. What
they are given is `speech.lipsync.spectrum` (sound), `mouth.inputs` (lips) and `prosody_features.inputs` (expression).
"""

from __future__ import annotations

import numpy as np
import torch

from ...speech.lipsync import articulation
from ...speech.lipsync.encoders import LIP_TAPS, ExpressionEncoder, LipEncoder, SoundEncoder
from ...speech.visemes import ARTICULATORS

__all__ = ["MOVEMENT_SCALE", "ExpressionEncoder", "LipEncoder", "SoundEncoder", "still"]

MOVEMENT_SCALE = np.array([0.15, 0.12, 0.07, 0.1, 0.2, 0.08, 0.05, 0.35, 0.3], np.float32)
"""About the standard deviation of each of `encoders.CHANNELS` in speech: the units of the sound encoder's movement."""


def still() -> tuple[LipEncoder, ExpressionEncoder]:
    """Encoders that change nothing: the lips stay those of the rules, and brows are drawn."""
    lips, expression = LipEncoder().eval(), ExpressionEncoder().eval()
    torch.nn.init.zeros_(lips.convolution.weight)
    torch.nn.init.zeros_(expression.convolution.weight)
    # The lip encoder says where lips are, not how far they differ: as far as the rules have them.
    gains = articulation.lips(np.eye(len(ARTICULATORS)))
    with torch.no_grad():
        lips.convolution.weight[:, : len(ARTICULATORS), LIP_TAPS // 2] = torch.from_numpy(gains.T)
    return lips, expression
