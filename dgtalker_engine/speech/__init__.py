"""Speech to facial motion: sound → phones → mouth, blinks, brows, gaze and head."""

from __future__ import annotations

from .animation import Speech, animate, warm_up
from .passages import Passage
from .sound import RATE, read_audio, read_speech

__all__ = ["RATE", "Passage", "Speech", "animate", "read_audio", "read_speech", "warm_up"]
