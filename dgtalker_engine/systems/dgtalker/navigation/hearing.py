"""What a training hears of its clip."""

from __future__ import annotations

from ....speech.hearing.moments import OWN, Heard, hear, sound_of
from ....speech.progress import NO_PROGRESS, Stage
from ....training.clip_frames import ClipFrames
from ....training.clip_sound import training_sound


def heard_in_training(frames: ClipFrames, progress: Stage = NO_PROGRESS) -> Heard | None:
    """The clip's sound up to its test frames; None: there is none.

    What is heard at a moment follows from sounds around it, of some by seconds, so no later sound may be there.

    Raises:
        DGTalkerError: the sound cannot be read.
        Cancelled: from `progress`.
    """
    samples, rate = training_sound(frames.clip, frames.split)
    return hear(samples, rate, sound_of(OWN), progress=progress) if len(samples) else None
