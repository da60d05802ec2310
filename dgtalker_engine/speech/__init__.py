"""Speech to facial motion: sound → phones → mouth, blinks, brows, gaze and head."""

from __future__ import annotations

from .animation import Speech, animate
from .passages import Passage
from .recogniser import warm_up
from .sound import read_audio

__all__ = ["Passage", "Speech", "animate", "read_audio", "warm_up"]
