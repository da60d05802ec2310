"""The live mouth over a whole sound, slowly: what `mouth.LiveMouth` must agree with."""

from __future__ import annotations

import numpy as np
import torch

from ..lipsync.spectrum import log_mel
from ..lipsync.weights import Encoders
from . import moment
from .decimation import FACTOR, TAPS
from .mouth import INTERVAL
from .pyramid import REACH


def weights_of(encoders: Encoders, samples: np.ndarray, lookahead: int = moment.LOOKAHEAD) -> np.ndarray:
    """The rows that `LiveMouth` gives for a sound, and for the silence after it those that still depend on it.

    Args:
        encoders, lookahead: as of `LiveMouth`.
        samples: all of the sound, mono (n,) at `decimation.CAPTURE_RATE`.

    Returns:
        float32 (rows, `mouth.NAMES`).
    """
    energies = log_mel(np.convolve(samples, TAPS, mode="same")[::FACTOR])

    @torch.inference_mode()
    def hears(around: np.ndarray) -> np.ndarray:
        answer, _ = encoders.sound(torch.from_numpy(np.ascontiguousarray(around.T))[None])
        return answer[0, :, REACH // moment.STEP].numpy() * encoders.scale

    part, rows = 0.0, []
    for frame in range(0, len(energies) - lookahead, moment.STEP):
        known = energies[: frame + lookahead + 1]
        settled = frame - frame % (moment.RENEWED * moment.STEP)
        usual = moment.surroundings(energies[: settled + lookahead + 1])
        part = moment.taking_part(part, moment.speaks(usual, known, frame), INTERVAL)
        rows.append(moment.weights(moment.movement(hears, usual, known, frame), part))
    return np.array(rows, np.float32)
