"""Where a refiner looks from: the eye that sees the head, turned to it upright, at the size that the network knows.

A point of the world that this camera sees lies on the same line of sight as in the picture that is rendered, so what is
behind what is the same; but neither where the head is in that picture, nor how large or how tilted, matters any more.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from scipy.spatial.transform import Rotation

from ...gaussians import Camera
from ...gaussians.placement import Placement
from ...rig import NECK_TURNS
from ..base import Metadata

SIDE = 256
"""Pixels of a side of what the network sees."""
_PARALLEL = 10.0  # radii that an orthographic camera stands away
_UPRIGHT = 1e-3


@dataclass(frozen=True, kw_only=True)
class Window:
    """The ball that the network sees of a head at rest.

    Attributes:
        centre: head space, metres (3,).
        radius: metres.
    """

    centre: np.ndarray
    radius: float


@dataclass(frozen=True, kw_only=True)
class Sight:
    """From where a head is seen, in a space where its skull is as at rest: the joint that turns it is taken back.

    Attributes:
        eye: metres (3,); the direction that it looks in where orthographic.
        orthographic: parallel projection.
        turn: (3, 3), what the joint turns the skull by.
        pivot: of the joint, metres (3,).
    """

    eye: np.ndarray
    orthographic: bool
    turn: np.ndarray
    pivot: np.ndarray

    @classmethod
    def of(cls, placement: Placement, turn: np.ndarray | None = None, pivot: np.ndarray | None = None) -> Sight:
        """That of whoever sees a head in its place; `turn` and `pivot` are those of its joint, where that turns it."""
        turn, pivot = np.eye(3) if turn is None else turn, np.zeros(3) if pivot is None else pivot
        eye = placement.eye
        still = turn.T @ eye if placement.orthographic else pivot + turn.T @ (eye - pivot)
        return cls(eye=still, orthographic=placement.orthographic, turn=turn, pivot=pivot)

    @classmethod
    def of_avatar(cls, placement: Placement, metadata: Metadata, weights: np.ndarray) -> Sight:
        """`of`, for an avatar with weights (C,) of its rig."""
        joint = next((each for each in metadata.joints if NECK_TURNS.keys() & each.turns.keys()), None)
        if joint is None:
            return cls.of(placement)
        vector = weights.astype(float) @ joint.vectors(metadata.rig)
        return cls.of(placement, Rotation.from_rotvec(vector).as_matrix(), np.array(joint.pivot))

    def direction(self, window: Window) -> np.ndarray:
        """From the window's centre to the eye, unit length; zeros where there is none."""
        to_eye = -self.eye if self.orthographic else self.eye - window.centre
        length = np.linalg.norm(to_eye)
        return to_eye / length if length > 0 else np.zeros(3)

    def distance(self, window: Window) -> float:
        """Radii from the window's centre to the eye."""
        return np.inf if self.orthographic else float(np.linalg.norm(self.eye - window.centre)) / window.radius

    def portrait(self, window: Window) -> Camera | None:
        """The camera in head space, whose picture the window fills; None from straight above or below."""
        direction, radius = self.direction(window), window.radius
        right = np.cross((0.0, 0.0, 1.0), direction)
        length = np.linalg.norm(right)
        if length < _UPRIGHT:
            return None
        right = right / length
        rotation = np.stack([right, np.cross(-direction, right), -direction])
        # in radii: the focal length makes up for it, but for an orthographic camera, whose unit is pixels a metre
        distance = _PARALLEL if self.orthographic else self.distance(window)
        focal = SIDE / 2 * (1 / radius if self.orthographic else distance)
        still, taken_back = np.eye(4), np.eye(4)
        still[:3, :3], still[:3, 3] = rotation, -rotation @ (window.centre + direction * distance * radius)
        taken_back[:3, :3], taken_back[:3, 3] = self.turn.T, self.pivot - self.turn.T @ self.pivot
        K = np.array([[focal, 0, SIDE / 2], [0, focal, SIDE / 2], [0, 0, 1]])
        return Camera(K=K, world_to_camera=still @ taken_back, width=SIDE, height=SIDE, orthographic=self.orthographic)
