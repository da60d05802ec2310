"""What the mouth does at one moment, of which only a little of the future is known.

Offline, the sound encoder is given energies about those of the 12 s around each moment, and 0.4 s of what follows it.
Here they are about those of the 12 s before, and what is not known yet of what follows is taken to stay as it is, which
is what the encoder knows from the ends of recordings.
"""

from __future__ import annotations

from collections.abc import Callable

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


def level(energies: np.ndarray) -> np.ndarray:
    """Loudness in dB of frames of `spectrum.log_mel` (n, bands): float32 (n,)."""
    return uniform_filter1d(energies.mean(axis=1), 5, mode="nearest")


def movement(hears: Hears, energies: np.ndarray, moment: int) -> np.ndarray:
    """How the mouth moves where it speaks: float32 (`encoders.CHANNELS`,).

    Args:
        hears: the sound encoder.
        energies: `spectrum.log_mel` of all that is known at that moment, or of `HISTORY` and `REACH` frames of it.
        moment: a frame of them.
    """
    recent = energies[-HISTORY:]
    loudness = level(recent)
    voiced = recent[loudness > loudness.max() - _LOUD]
    count = len(voiced) + _PRIOR
    mean = (voiced.sum(axis=0) + _PRIOR * voiced.mean()) / count
    spread = np.sqrt((((voiced - mean) ** 2).mean(axis=1).sum() + _PRIOR * _SPREAD**2) / count)
    first = max(moment - REACH, 0)
    around = (energies[first:][: REACH + moment - first + 1] - mean) / max(float(spread), _LEAST_SPREAD)
    rows = np.clip(around, QUIETEST, -QUIETEST).astype(np.float32)
    beyond = REACH - (len(energies) - 1 - moment)
    return hears(np.pad(rows, ((REACH - (moment - first), max(beyond, 0)), (0, 0)), mode="edge"))


def speaks(energies: np.ndarray, moment: int) -> bool:
    """Whether somebody speaks at a moment, shortly before, or in what is known of what follows.

    Args:
        energies, moment: as of `movement`.
    """
    loudness = level(energies[-HISTORY:])
    peak, floor = max(float(loudness.max()), _FAINTEST), float(np.percentile(loudness, 5))
    limit = float(np.clip(floor + _SPEECH * (peak - floor), peak + _LEAST, peak + _MOST))
    near = loudness[max(len(loudness) - (len(energies) - moment) - _HELD, 0) :]
    return bool((near > max(limit, floor + _ABOVE_NOISE)).any())


def taking_part(before: float, speaking: bool, seconds: float) -> float:
    """How far the mouth takes part, 0 to 1, some seconds after it did so by `before`."""
    return min(before + seconds / _RISE, 1.0) if speaking else max(before - seconds / _FALL, 0.0)


def weights(moved: np.ndarray, part: float) -> np.ndarray:
    """The controls `visemes.CONTROLS` of a movement (`encoders.CHANNELS`,) of a mouth that takes part: float32 (n,)."""
    apart = 1.0 - np.clip(moved[CHANNELS.index("closure")], 0.0, 1.0)
    articulators = np.maximum(moved[: len(ARTICULATORS)], 0.0) * (apart * part)
    return np.clip(articulators @ visemes.arkit_matrix(visemes.CONTROLS), 0.0, 1.0).astype(np.float32)
