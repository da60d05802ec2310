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

_QUICK, _QUICK_SECONDS, _SLOW_SECONDS = ("jaw", "mouth", "tongue", "eyeLook"), 0.06, 0.12
"""What names of quick movements begin with; brows, cheeks and squints are slow."""

_NOISES = 4.0

_GAINS = {"mouthPress": 0.7, "mouthRoll": 1.5, "mouthShrug": 1.2, "mouthPucker": 0.8, "mouthDimple": 0.7}
"""By what a name begins with, where the score's range is not that of the movement."""


def calibrated(scores: np.ndarray, fps: float) -> Mapping[str, np.ndarray]:
    """Scores (T, 52) of one person by name, each float64 (T,) of 0 to 1: 0 at the person's rest, smoothed."""
    rest = np.minimum(np.quantile(scores, _REST_QUANTILE, axis=0), _MOST_REST)
    above = np.maximum(scores - rest, 0.0) / (1.0 - rest)
    threshold = _NOISES * filters.noise(above)
    quick = np.array([name.startswith(_QUICK) for name in ARKIT_NAMES])
    smooth = np.empty_like(above)
    for chosen, seconds in ((quick, _QUICK_SECONDS), (~quick, _SLOW_SECONDS)):
        smooth[:, chosen] = filters.cored(above[:, chosen], seconds * fps, threshold[chosen])
    gains = [next((gain for start, gain in _GAINS.items() if name.startswith(start)), 1.0) for name in ARKIT_NAMES]
    return dict(zip(ARKIT_NAMES, np.clip(smooth * np.array(gains), 0.0, 1.0).T, strict=True))
