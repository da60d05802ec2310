"""Who speaks in films with known truth: the built-in heads, and heads of the face model in painted skin."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Protocol

import numpy as np

from dgtalker_engine import avatar
from dgtalker_engine.capture import face_model
from dgtalker_engine.gaussians import Gaussians
from dgtalker_engine.systems.face_model.painted_head import PaintedHead

FACE_MODEL_SEEDS = {"face-1": 11, "face-2": 29, "face-3": 47, "face-4": 83}
NAMES = (*avatar.BUILTIN_NAMES, *FACE_MODEL_SEEDS)


class Character(Protocol):
    def pose(self, weights: Mapping[str, float]) -> Gaussians:
        """The head in head space with ARKit's weights."""
        ...

    @property
    def eyes(self) -> np.ndarray:
        """Centres of the left and the right eyeball in head space, metres (2, 3)."""
        ...


def character(name: str) -> Character:
    """One of `NAMES`."""
    return PaintedHead(face_model.load(), FACE_MODEL_SEEDS[name]) if name in FACE_MODEL_SEEDS else _BuiltIn(name)


class _BuiltIn:
    def __init__(self, name: str) -> None:
        self._avatar = avatar.load(avatar.builtin(name))

    def pose(self, weights: Mapping[str, float]) -> Gaussians:
        return self._avatar.pose(self._avatar.rig.weights(weights))

    @property
    def eyes(self) -> np.ndarray:
        joints = self._avatar.metadata.joints
        return np.array(
            [next(j.pivot for j in joints if f"eyeLookDown{side}" in j.turns) for side in ("Left", "Right")]
        )
