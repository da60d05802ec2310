"""A clip's sound as trainings take it: what is said over test frames stays unheard."""

from __future__ import annotations

import numpy as np

from ..capture.clip import Clip
from .clip_frames import Split


def training_sound(clip: Clip, split: Split) -> tuple[np.ndarray, int]:
    """The sound up to the first test frame.

    Returns:
        Mono float32 samples (n,) and their rate in Hz; no samples where the video is mute.

    Raises:
        DGTalkerError: the sound cannot be read.
    """
    samples, rate = clip.sound()
    if not split.test:
        return samples, rate
    return samples[: int(clip.tracks.times[split.test[0]] * rate)], rate
