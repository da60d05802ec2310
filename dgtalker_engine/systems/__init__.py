"""Systems: each a model, its training, and what is shipped of it. Nothing that answers a user imports this package."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from ..training.jobs import Trainer

TRAINERS: dict[str, Trainer] = {}
"""By name what a job may ask for."""
