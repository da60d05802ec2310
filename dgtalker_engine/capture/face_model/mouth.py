"""Our teeth, tongue and mouth cavity in the mouth of a model that has none."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import torch
from scipy.spatial import KDTree

from .alignment import Alignment
from .closest import closest_on_mesh
from .model import FaceModel, Region

_APART = 2e-3
"""Metres: the cavity's walls nearer to the other's surface than that are left out, since it has its own there."""
_NEIGHBOURS = 24
_BLUR = 5e-3
"""Metres by which a neighbour's weight falls off more slowly than with its distance."""


def with_mouth(other: FaceModel, ours: FaceModel, aligned: Alignment) -> FaceModel:
    """The other model with our mouth appended to its vertices and triangles.

    The mouth moves with ARKit's expressions as ours does, and with identity as the other's lips around it do.

    Args:
        other: with ARKit's expressions, lips among its regions, and its origin where ours is.
        ours: whose mouth it is.
        aligned: ours over the other's mean face, as it was with the other's own origin.
    """
    regions, places = ours.regions.numpy(), aligned.vertices - aligned.origin
    rest, faces = other.neutral.double().numpy(), other.faces.numpy()
    found, weights = closest_on_mesh(places, rest, faces)
    distance = np.linalg.norm((rest[faces[found]] * weights[..., None]).sum(axis=1) - places, axis=1)
    wall = (regions == Region.MOUTH_INSIDE) & (distance[ours.faces.numpy()] > _APART).all(axis=1)
    used = np.flatnonzero(wall | (regions == Region.TEETH))
    vertices, triangles = np.unique(ours.faces.numpy()[used], return_inverse=True)
    count = len(vertices)
    lips = np.unique(faces[other.regions.numpy() == Region.LIPS])
    apart, near = KDTree(rest[lips]).query(places[vertices], k=min(_NEIGHBOURS, len(lips)))
    follows = np.zeros((count, len(lips)))
    np.put_along_axis(follows, near.reshape(count, -1), 1 / (apart.reshape(count, -1) + _BLUR) ** 2, axis=1)
    follows /= follows.sum(axis=1, keepdims=True)
    correctives = other.pose_correctives

    def appended(values: torch.Tensor, more: np.ndarray | torch.Tensor, dim: int) -> torch.Tensor:
        return torch.cat([values, torch.as_tensor(more, dtype=values.dtype)], dim)

    def still(values: torch.Tensor, dim: int) -> torch.Tensor:
        shape = list(values.shape)
        shape[dim] = count
        return torch.cat([values, values.new_zeros(shape)], dim)

    return replace(
        other,
        neutral=appended(other.neutral, places[vertices], 0),
        identity=appended(other.identity, torch.from_numpy(follows).float() @ other.identity[:, lips], 1),
        expression=appended(other.expression, aligned.expression[:, vertices], 1),
        faces=appended(other.faces, triangles.reshape(-1, 3) + len(rest), 0),
        uv=appended(other.uv, ours.uv[vertices], 0),
        regions=appended(other.regions, regions[used], 0),
        joint_regressor=still(other.joint_regressor, 1),
        skin_weights=still(other.skin_weights, 0),
        pose_correctives=None if correctives is None else still(correctives, 1),
    )
