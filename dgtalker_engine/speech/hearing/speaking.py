"""What systems that learn how a person speaks share: which controls sound moves, and their curves as a `Mouth`."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

import numpy as np

from ...rig import ARKIT_NAMES
from ..front_end import Analysis
from ..progress import Stage
from .moments import RATE, Heard, SoundInput, heard

if TYPE_CHECKING:
    from ..animation import Mouth

_NOT_SPOKEN = ("eyeBlink", "eyeLook")
"""What sound does not move: blinks are the animator's, or the performance's, and so are looks."""

NAMES = tuple(name for name in ARKIT_NAMES if not name.startswith(_NOT_SPOKEN))
"""Of the controls that sound moves, where all of the face was learned."""

COLUMNS = [ARKIT_NAMES.index(name) for name in NAMES]
"""Where they are among ARKit's."""

PIECE = 20 * RATE
"""Moments that a network is given at once."""


def mouth_of(
    analysis: Analysis, features: SoundInput, curves: Callable[[Heard, Stage], np.ndarray], progress: Stage
) -> Mouth:
    """The motion of a recording as a function of time.

    Args:
        analysis: of the recording.
        features: that are heard.
        curves: of what is heard, `RATE` a second (T, N); told its share of the progress.
        progress: of both.
    """
    rows = curves(heard(analysis, features, progress=progress.stage(0.0, 0.5)), progress.stage(0.5, 1.0))
    clock = np.arange(len(rows)) / RATE

    def at(times: np.ndarray) -> np.ndarray:
        return np.stack([np.interp(times, clock, column) for column in rows.T], axis=1)

    return at
