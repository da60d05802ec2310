"""Systems: each a model, its training, and what is shipped of it. Nothing that answers a user imports this package."""

from __future__ import annotations

import importlib
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from ..training import Run
    from ..training.jobs import Trainer
    from ..wire.jobs import Request


def _trainer(system: str) -> Trainer:
    """A system's `job.train_job`, imported when it is called: it brings torch along."""

    def train(request: Request, run: Run) -> Mapping[str, Any]:
        return importlib.import_module(f".{system}.job", __name__).train_job(request, run)

    return train


AVATAR_SYSTEMS = ("gaussiantalker",)
"""Those that make a head of a video: `training.avatar_job`."""

TRAINERS: dict[str, Trainer] = {name: _trainer(name) for name in ("lipsync", *AVATAR_SYSTEMS)}
"""By name what a job may ask for."""
