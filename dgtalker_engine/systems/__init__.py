"""Systems: each a model, its training, and what is shipped of it. What answers a user knows no more than this page."""

from __future__ import annotations

import importlib
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from ..speech.animation import Manner
    from ..training import Run
    from ..training.jobs import Trainer
    from ..wire.jobs import Request


def _trainer(system: str) -> Trainer:
    """A system's `job.train_job`, imported when it is called: it brings torch along."""

    def train(request: Request, run: Run) -> Mapping[str, Any]:
        return importlib.import_module(f".{system}.job", __name__).train_job(request, run)

    return train


AVATAR_SYSTEMS = ("gaussiantalker", "dgtalker")
"""Those that make a head of a video: `training.avatar_job`."""

TRAINERS: dict[str, Trainer] = {name: _trainer(name) for name in ("lipsync", *AVATAR_SYSTEMS)}
"""By name what a job may ask for."""

_MANNERS = ".gaussiantalker.motion"
"""Of the one system that learns how a person speaks."""


def manner_part(file: bytes) -> bytes:
    """What the bytes of a .dgt file say of how their person speaks, for `manner_of`; empty where they do not."""
    return importlib.import_module(f"{_MANNERS}.in_avatar", __name__).part(file)


def manner_of(part: bytes) -> Manner:
    """How a person moves their mouth, for `speech.animate`; brings torch along. Raises DGTalkerError where damaged."""
    return importlib.import_module(f"{_MANNERS}.manner", __name__).Manner.from_bytes(part)
