"""What a training hears of its clip."""

from __future__ import annotations

import numpy as np

from ....speech.hearing.moments import OWN, Heard, hear, sound_of
from ....speech.progress import NO_PROGRESS, Stage


def heard_in_training(samples: np.ndarray, rate: int, progress: Stage = NO_PROGRESS) -> Heard | None:
    """The sound of `training.clip_sound.training_sound`; None: there is none.

    What is heard at a moment follows from sounds around it, of some by seconds, so no later sound may be there.

    Raises:
        Cancelled: from `progress`.
    """
    return hear(samples, rate, sound_of(OWN), progress=progress) if len(samples) else None
