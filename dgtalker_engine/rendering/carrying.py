"""Heads whose proxy mesh was deformed in Blender by more than their controls: their Gaussians go with it."""

from __future__ import annotations

import numpy as np

from ..avatar import Avatar
from ..avatar.proxy import posed
from ..errors import DGTalkerError
from ..gaussians import Gaussians
from ..gaussians.binding import Binding, bind
from ..gaussians.carrying import carried, vertex_maps
from ..gaussians.placement import Placement
from .per_avatar import PerAvatar


def carried_by_mesh(
    gaussians: Gaussians, avatar: Avatar, weights: np.ndarray, vertices: bytes, placement: Placement
) -> Gaussians:
    """The Gaussians that an avatar has at some weights, carried by its deformed mesh, in the mesh's space.

    Args:
        gaussians: `avatar.pose(weights)`.
        weights: float32 (C,).
        vertices: of a `ShotHead`.
        placement: of the mesh's space in the world, and what sees it.

    Raises:
        DGTalkerError: there are not as many vertices as the avatar's mesh has.
    """
    mesh = avatar.proxy
    after = np.frombuffer(vertices, "<f4").reshape(-1, 3)
    if len(after) != len(mesh.vertices):
        raise DGTalkerError(
            f"A mesh of {len(after)} vertices cannot carry {avatar.metadata.name}, whose mesh has {len(mesh.vertices)}."
        )
    binding = bindings.of(avatar)
    maps = vertex_maps(posed(mesh, avatar.rig, weights), after, binding.triangles)
    return carried(gaussians, binding, maps, placement)


def _bound(avatar: Avatar) -> Binding:
    rest = avatar.rig.weights({})
    means = avatar.pose(rest).means.detach().cpu().numpy()
    return bind(means, posed(avatar.proxy, avatar.rig, rest), avatar.proxy.faces)


bindings = PerAvatar(_bound)
"""What carries avatars' Gaussians: 0.5 s once, with every weight at its default."""
