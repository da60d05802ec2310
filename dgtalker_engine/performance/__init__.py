"""What a face does over time: takes, what the animator sets, and the weights that follow.

NumPy only, as Blender imports it. A `Take` is what was found in a recording, `Direction`s are what the animator wants,
and `perform` makes the `Performance` of both, as often as an amount changes and without hearing the sound again.
"""

from __future__ import annotations

from .direction import FADE, Direction
from .perform import perform
from .record import Performance
from .recorded import RecordedAmounts
from .styles import STYLES
from .take import Phone, Take, Word

__all__ = ["FADE", "STYLES", "Direction", "Performance", "Phone", "RecordedAmounts", "Take", "Word", "perform"]
