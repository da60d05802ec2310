"""What the sound encoder should say of a sound: which phone is spoken, and what the rules make the mouth do."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from ...speech import front_end
from ...speech.lipsync.encoders import PHONE_CLASSES
from ...speech.lipsync.features import PhoneFeatures
from ...speech.lipsync.spectrum import HOP
from ...speech.recognition.result import SpokenPhone
from ...speech.sound import RATE
from .voices import Spoken


def phone_classes(phones: Sequence[SpokenPhone], frames: int) -> np.ndarray:
    """Index in `encoders.PHONE_CLASSES` at each frame of `spectrum.HOP`, int64 (frames,)."""
    classes = np.zeros(frames, np.int64)
    for phone in phones:
        inside = slice(round(phone.start / HOP), max(round(phone.end / HOP), 0))
        classes[inside] = PHONE_CLASSES.index(phone.name) if phone.name in PHONE_CLASSES else 0
    return classes


def movement(spoken: Spoken) -> np.ndarray:
    """The rules' mouth at each frame of `spectrum.HOP`, float32 (frames, `encoders.CHANNELS`)."""
    analysis = front_end.analyse(spoken.samples, RATE, phones_known=spoken.phones)
    return PhoneFeatures(analysis.phones, analysis.syllables, analysis.duration).extract(analysis.samples)
