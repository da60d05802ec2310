"""A Performance: control weights over time."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from ..errors import DGTalkerError

SLOWEST, FASTEST = 1e-3, 1e6
"""Frames per second: beyond them times overflow, or all frames are one."""

_LARGEST = 1e6


@dataclass(frozen=True)
class Performance:
    """Weights over time; frame `i` is at `i / fps` seconds.

    Attributes:
        fps: frames per second.
        names: control names, and `rig.HEAD_NAMES` where the head moves.
        weights: float32 (frames, names).
    """

    fps: float
    names: tuple[str, ...]
    weights: np.ndarray

    def __post_init__(self) -> None:
        if not SLOWEST <= self.fps <= FASTEST:
            raise DGTalkerError(f"A performance cannot run at {self.fps} frames per second.")
        if self.weights.ndim != 2 or self.weights.shape[1] != len(self.names):
            raise DGTalkerError("A performance needs one weight per control and frame.")
        if len(set(self.names)) != len(self.names):
            raise DGTalkerError("A performance names a control twice.")
        if not np.all(np.abs(self.weights) <= _LARGEST):
            raise DGTalkerError(f"A performance holds weights that are not finite numbers, or exceed {_LARGEST:g}.")

    @property
    def frames(self) -> int:
        return self.weights.shape[0]

    def curve(self, name: str) -> np.ndarray:
        """One control over time, float32 (frames,); zeros for a control that the performance does not move."""
        if name not in self.names:
            return np.zeros(self.frames, np.float32)
        return self.weights[:, self.names.index(name)]

    def select(self, names: Sequence[str]) -> np.ndarray:
        """Weights in another order of names, float32 (frames, names); zeros for controls that are not moved."""
        return np.stack([self.curve(name) for name in names], axis=1) if names else np.zeros((self.frames, 0), "f4")

    def to_json(self) -> str:
        weights = [[round(float(value), 5) for value in row] for row in self.weights]
        return json.dumps({"fps": self.fps, "names": list(self.names), "weights": weights})

    @classmethod
    def from_json(cls, text: str | bytes) -> Performance:
        """Raises DGTalkerError when `text` is not ``{"fps", "names", "weights"}``."""
        try:
            data = json.loads(text)
            names = tuple(str(name) for name in data["names"])
            weights = np.asarray(data["weights"], np.float32).reshape(len(data["weights"]), len(names))
            fps = float(data["fps"])
        except (KeyError, TypeError, ValueError, OverflowError, RecursionError) as error:
            raise DGTalkerError(
                f"The performance cannot be read: {error}.",
                'It is a JSON object {"fps", "names", "weights"} with one weight per name and frame.',
            ) from error
        return cls(fps, names, weights)
