"""What a training hears of its clip."""

from __future__ import annotations

from ....speech.hearing.moments import OWN, Heard, hear, sound_of
from ....speech.progress import NO_PROGRESS, Stage
from ....training.clip_frames import ClipFrames


def heard_in_training(frames: ClipFrames, progress: Stage = NO_PROGRESS) -> Heard | None:
    """The clip's sound up to its test frames; None: there is none.

    What is heard at a moment follows from sounds around it, of some by seconds, so no later sound may be there.

    Raises:
        DGTalkerError: the sound cannot be read.
        Cancelled: from `progress`.
    """
    samples, rate = frames.clip.sound()
    if frames.split.test:
        samples = samples[: round(float(frames.tracks.times[frames.split.test[0]]) * rate)]
    return hear(samples, rate, sound_of(OWN), progress=progress) if len(samples) else None
