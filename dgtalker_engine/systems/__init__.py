"""Systems: each a model, its training, and what is shipped of it. What answers a user knows no more than this page."""

from __future__ import annotations

import importlib
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from ..errors import DGTalkerError

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


AVATAR_SYSTEMS = ("gaussiantalker", "dgtalker", "d3talker")
"""Those that make a head of a video: `training.avatar_job`."""

TRAINERS: dict[str, Trainer] = {name: _trainer(name) for name in ("lipsync", *AVATAR_SYSTEMS)}
"""By name what a job may ask for."""

_MANNERS = (".gaussiantalker.motion", ".dgtalker.navigation", ".d3talker")
"""Of the systems that learn how a person speaks: packages with `in_avatar` and `manner`."""


def manner_part(file: bytes) -> bytes:
    """What the bytes of a .dgt file say of how their person speaks, for `manner_of`; empty where they do not."""
    parts = (importlib.import_module(f"{package}.in_avatar", __name__).part(file) for package in _MANNERS)
    return next((part for part in parts if part), b"")


def manner_of(part: bytes) -> Manner:
    """How a person moves their face, for `speech.animate`; brings torch along. Raises DGTalkerError where damaged."""
    names = part[8 : 8 + int.from_bytes(part[:8], "little")]  # the header of a safetensors file
    for package in _MANNERS:
        if importlib.import_module(f"{package}.in_avatar", __name__).PREFIX.encode() in names:
            return importlib.import_module(f"{package}.manner", __name__).Manner.from_bytes(part)
    raise DGTalkerError("How the head's person speaks cannot be read.", "Train the head again.")
