"""The refiner: an optional part of an avatar that corrects the colours of final pictures."""

from __future__ import annotations

from .portrait import Sight, Window
from .reach import Reach
from .refining import Refiner, recoloured

__all__ = ["Reach", "Refiner", "Sight", "Window", "recoloured"]
