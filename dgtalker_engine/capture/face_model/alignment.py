"""Our face model laid over another one's mean face."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import torch

from ..similarity import Similarity, fit_similarity
from .closest import closest_on_mesh
from .model import FaceModel, Region

_ROUNDS = 30
_COMPONENTS = 30
_EVERY = 4
"""Which of our vertices take part."""
_RIDGE = 1e-4
"""How far an identity component may be from 0 for a mean square distance of 1 m²: closer fits than faces need are not
bought with odd ones."""
_NEAREST_SHARE = 0.9
"""Of the points, the nearest: what the other model lacks, such as an ear, does not pull."""


@dataclass(frozen=True, kw_only=True)
class Alignment:
    """Our model where the other one's mean face lies, in the other one's coordinates.

    Attributes:
        vertices: float64 (V, 3).
        expression: how far ARKit's expressions move them, without what joints turn (52, V, 3).
        origin: where ours has its origin (3,).
    """

    vertices: np.ndarray
    expression: np.ndarray
    origin: np.ndarray


def align(ours: FaceModel, other: FaceModel) -> Alignment:
    """Fits a similarity and identity to the other model's surface, from the eyes' joints on.

    Iterated closest points (Besl and McKay 1992), with the identity's components as in morphable models: each round
    takes the nearest places of the other face, then the similarity, then the identity of least squares.

    Args:
        ours: with eyes among its joints.
        other: likewise, in metres, its face looking along −Y.
    """
    surface, faces = other.neutral.double().numpy(), other.faces.numpy()
    front = np.isin(ours.regions.numpy(), (Region.SKIN, Region.UPPER_FACE, Region.LIPS))
    used = np.unique(ours.faces.numpy()[front])[::_EVERY]
    rest = ours.neutral.double().numpy()
    modes = ours.identity[:_COMPONENTS].double().numpy()
    weights = np.zeros(len(modes))
    eyes = [_eyes(model) for model in (ours, other)]
    placed = Similarity(1.0, np.eye(3), eyes[0].mean(axis=0), eyes[1].mean(axis=0))
    for _ in range(_ROUNDS):
        shape = rest[used] + np.tensordot(weights, modes[:, used], 1)
        points = placed.apply(shape)
        found, barycentrics = closest_on_mesh(points, surface, faces, candidates=8)
        targets = (surface[faces[found]] * barycentrics[..., None]).sum(axis=1)
        distance = np.linalg.norm(targets - points, axis=1)
        near = np.asarray(distance <= np.quantile(distance, _NEAREST_SHARE))
        placed = fit_similarity(shape[near], targets[near])
        missing = _undo(placed, targets[near]) - rest[used[near]]
        system = modes[:, used[near]].reshape(len(modes), -1)
        gram = system @ system.T / near.sum() + (_RIDGE**2) * np.eye(len(modes))
        weights = np.linalg.solve(gram, system @ missing.ravel() / near.sum())
    identity = torch.from_numpy(weights.astype(np.float32))
    shaped = ours.vertices(identity, torch.zeros(0))
    return Alignment(
        vertices=placed.apply(shaped.double().numpy()),
        expression=placed.scale * ours.expression.double().numpy() @ placed.rotation.T,
        origin=placed.apply(np.zeros(3)),
    )


def _undo(placed: Similarity, points: np.ndarray) -> np.ndarray:
    """Where points (n, 3) were before a similarity."""
    return (points - placed.target_centre) @ placed.rotation / placed.scale + placed.source_centre


def _eyes(model: FaceModel) -> np.ndarray:
    """Centres of the left and the right eye (2, 3)."""
    joints = model.joint_regressor.double() @ model.neutral.double()
    return np.stack([joints[model.joint_names.index(name)].numpy() for name in ("leftEye", "rightEye")])
