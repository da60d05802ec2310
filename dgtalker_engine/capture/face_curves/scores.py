"""MediaPipe's scores calibrated to a person: what they say at rest is nothing, and small they are too small."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np

from ...rig import ARKIT_NAMES
from . import filters

_REST_QUANTILE = 0.1
"""Of a person's scores: what is lower is hardly ever seen."""

_MOST_REST = 0.3
"""A score that is never lower than this is an expression that is kept, not an offset."""

_SMOOTH_SECONDS = 0.05
_NOISES = 3.0

_GAINS = {"mouthPress": 0.7, "mouthRoll": 1.5, "mouthShrug": 1.2, "mouthPucker": 0.8, "mouthDimple": 0.7}
"""By what a name begins with, where the score's range is not that of the movement."""


def calibrated(scores: np.ndarray, fps: float) -> Mapping[str, np.ndarray]:
    """Scores (T, 52) of one person by name, each float64 (T,) of 0 to 1: 0 at the person's rest, smoothed."""
    rest = np.minimum(np.quantile(scores, _REST_QUANTILE, axis=0), _MOST_REST)
    above = np.maximum(scores - rest, 0.0) / (1.0 - rest)
    noise = filters.noise(above)
    smooth = filters.cored(above, _SMOOTH_SECONDS * fps, _NOISES * noise)
    gains = [next((gain for start, gain in _GAINS.items() if name.startswith(start)), 1.0) for name in ARKIT_NAMES]
    return dict(zip(ARKIT_NAMES, np.clip(smooth * np.array(gains), 0.0, 1.0).T, strict=True))
