"""Heads in the scene's light, and the pictures of their normals."""

from __future__ import annotations

import numpy as np

from ..avatar import Avatar
from ..avatar.proxy import posed
from ..gaussians import Gaussians, lighting
from ..gaussians.binding import Binding, triangles_of
from ..gaussians.normals import Smoothing, smoothing, unit, vertex_normals
from ..wire import ShotHead
from .carrying import bindings
from .per_avatar import PerAvatar


def lit(cloud: Gaussians, avatar: Avatar, head: ShotHead) -> Gaussians:
    """A head in the world, in its `light`.

    Args:
        cloud: of the head, placed.
    """
    binding, normals = _carried(avatar, head)
    return lighting.lit(cloud, binding, lighting.gains(np.reshape(head.light, (9, 3)), normals))


def coloured_by_normals(cloud: Gaussians, avatar: Avatar, head: ShotHead) -> Gaussians:
    """A head in the world, showing its normals there.

    Args:
        cloud: of the head, placed.
    """
    binding, normals = _carried(avatar, head)
    linear = np.reshape(head.matrix, (4, 4))[:3, :3]
    # The pseudo-inverse: a head that is scaled to 0 along an axis still has a place in the world.
    return lighting.coloured_by_normals(cloud, binding, unit(normals @ np.linalg.pinv(linear)))


def _carried(avatar: Avatar, head: ShotHead) -> tuple[Binding, np.ndarray]:
    """What carries the head's Gaussians, and the normals (V, 3) of its mesh, before its matrix."""
    if head.vertices:
        vertices = np.frombuffer(head.vertices, "<f4").reshape(-1, 3)
    else:
        vertices = posed(avatar.proxy, avatar.rig, avatar.rig.weights(head.weights))
    return bindings.of(avatar), vertex_normals(vertices, _smoothings.of(avatar))


def _smoothing(avatar: Avatar) -> Smoothing:
    rest = posed(avatar.proxy, avatar.rig, avatar.rig.weights({}))
    return smoothing(rest, triangles_of(avatar.proxy.faces))


_smoothings = PerAvatar(_smoothing)
"""How the normals of avatars' meshes are made, with every weight at its default."""
