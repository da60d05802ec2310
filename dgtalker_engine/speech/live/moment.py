"""What the mouth does at one moment, of which only a little of the future is known.

Offline, the sound encoder is given energies about those of the 12 s around each moment, and 0.4 s of what follows it.
Here they are about those of the 12 s before, and what is not known yet of what follows is taken to stay as it is, which
is what the encoder knows from the ends of recordings.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from scipy.ndimage import uniform_filter1d

from .. import visemes
from ..lipsync.encoders import CHANNELS
from ..lipsync.spectrum import QUIETEST
from ..visemes import ARTICULATORS
from .pyramid import REACH

Hears = Callable[[np.ndarray], np.ndarray]
"""Normalised energies around a moment (2 · `REACH` + 1, bands) to the movement (`encoders.CHANNELS`,)."""

STEP = 2
"""Frames of `spectrum.HOP` from one moment to the next: the sound encoder answers for every second frame."""

LOOKAHEAD = 8
"""Frames of the future that a moment waits for; docs/live.md has the correlation and the delay of each number."""

RENEWED = 5
"""Moments for which what is usual stays as it is."""

HISTORY = 1200
"""Frames, 12 s, that are loud or quiet, and bright or dull, by comparison."""

_LOUD = 15.0
"""dB below the loudest within which the voice's usual spectrum is taken."""

_PRIOR, _SPREAD = 50, 8.0
"""How many frames of a flat spectrum are believed in before a voice was heard, and how far, in dB, its bands vary."""
_LEAST_SPREAD = 3.0

_FAINTEST = -48.0
"""dB of `level` at the loudest of a faint voice: whatever is heard in a silent room is far below."""

_SPEECH, _MOST, _LEAST = 0.35, -14.0, -32.0
"""Of the way from the softest to the loudest at which somebody speaks, and what that is at most and at least, dB about
the loudest."""
_ABOVE_NOISE = 9.0
"""dB above the softest that a voice has at least."""

_HELD = 25
"""Frames of silence that lips ride out: stops and short pauses are no longer."""
_RISE, _FALL = 0.06, 0.2
"""Seconds in which the mouth takes part, and comes to rest."""


_CONTROLS = visemes.arkit_matrix(visemes.CONTROLS)


@dataclass(frozen=True)
class Surroundings:
    """What is usual of the voice and the room at a moment, of what was heard before.

    Attributes:
        mean: of the voice's spectrum, dB, float32 (bands,).
        spread: how far it varies about that, dB.
        limit: dB of `level` above which somebody speaks.
    """

    mean: np.ndarray
    spread: float
    limit: float


def level(energies: np.ndarray) -> np.ndarray:
    """Loudness in dB of frames of `spectrum.log_mel` (n, bands): float32 (n,)."""
    return energies.mean(axis=1)


def surroundings(energies: np.ndarray) -> Surroundings:
    """What is usual, of all that is known, or the last `HISTORY` frames of it (n, bands)."""
    recent = energies[-HISTORY:]
    loudness = uniform_filter1d(level(recent), 5, mode="nearest")
    voiced = recent[loudness > loudness.max() - _LOUD]
    count = len(voiced) + _PRIOR
    mean = (voiced.sum(axis=0) + _PRIOR * voiced.mean()) / count
    spread = np.sqrt((((voiced - mean) ** 2).mean(axis=1).sum() + _PRIOR * _SPREAD**2) / count)
    peak, floor = max(float(loudness.max()), _FAINTEST), float(np.percentile(loudness, 5))
    limit = float(np.clip(floor + _SPEECH * (peak - floor), peak + _LEAST, peak + _MOST))
    return Surroundings(
        mean=mean.astype(np.float32),
        spread=max(float(spread), _LEAST_SPREAD),
        limit=max(limit, floor + _ABOVE_NOISE),
    )


def movement(hears: Hears, usual: Surroundings, energies: np.ndarray, moment: int) -> np.ndarray:
    """How the mouth moves where it speaks: float32 (`encoders.CHANNELS`,).

    Args:
        hears: the sound encoder.
        usual: `surroundings`.
        energies: `spectrum.log_mel` of all that is known at that moment, or of the last `REACH` frames before it.
        moment: a frame of them.
    """
    first = max(moment - REACH, 0)
    rows = np.clip((energies[first:] - usual.mean) / np.float32(usual.spread), QUIETEST, -QUIETEST)
    before, after = REACH - (moment - first), REACH - (len(energies) - 1 - moment)
    around = np.pad(rows, ((before, max(after, 0)), (0, 0)), mode="edge")
    return hears(around[: 2 * REACH + 1])


def speaks(usual: Surroundings, energies: np.ndarray, moment: int) -> bool:
    """Whether somebody speaks at a moment, shortly before, or in what is known of what follows.

    Args:
        usual, energies, moment: as of `movement`.
    """
    loudness = uniform_filter1d(level(energies[max(moment - _HELD, 0) :]), 5, mode="nearest")
    return bool((loudness > usual.limit).any())


def taking_part(before: float, speaking: bool, seconds: float) -> float:
    """How far the mouth takes part, 0 to 1, some seconds after it did so by `before`."""
    return min(before + seconds / _RISE, 1.0) if speaking else max(before - seconds / _FALL, 0.0)


def weights(moved: np.ndarray, part: float) -> np.ndarray:
    """The controls `visemes.CONTROLS` of a movement (`encoders.CHANNELS`,) of a mouth that takes part: float32 (n,)."""
    apart = 1.0 - np.clip(moved[CHANNELS.index("closure")], 0.0, 1.0)
    articulators = np.maximum(moved[: len(ARTICULATORS)], 0.0) * (apart * part)
    return np.clip(articulators @ _CONTROLS, 0.0, 1.0).astype(np.float32)
