"""What a network that hears a sound should say of it: which phone is spoken, and what the rules make the mouth do."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from ...speech.analysis import activity, prosody
from ...speech.lipsync.encoders import PHONE_CLASSES
from ...speech.lipsync.features import PhoneFeatures
from ...speech.lipsync.spectrum import HOP
from ...speech.progress import NO_PROGRESS
from ...speech.recognition.result import Phone
from .voices import Spoken



def phone_classes(phones: Sequence[Phone], frames: int) -> np.ndarray:
    """Index in `encoders.PHONE_CLASSES` at each frame of `spectrum.HOP`, int64 (frames,)."""
    classes = np.zeros(frames, np.int64)
    for phone in phones:
        part = slice(round(phone.start / HOP), max(round(phone.end / HOP), 0))
        classes[part] = PHONE_CLASSES.index(phone.name) if phone.name in PHONE_CLASSES else 0
    return classes


def movement(spoken: Spoken) -> np.ndarray:
    """The rules' mouth at each frame of `spectrum.HOP`, float32 (frames, `encoders.CHANNELS`)."""
    level = activity.loudness(spoken.samples)
    tone = prosody.pitch(spoken.samples, activity.utterances(spoken.samples, level), NO_PROGRESS)
    syllables = prosody.syllables(spoken.phones, level, tone)
    return PhoneFeatures(spoken.phones, syllables, len(spoken.samples) / activity.RATE).extract(spoken.samples)
