"""The Gaussians of a frame's heads in the world, for other programs: they can be seen from anywhere."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import torch

from ..avatar import Avatar
from ..errors import DGTalkerError
from ..gaussians import Camera, Gaussians
from ..gaussians.placement import placement_of
from ..gaussians.transform import merged, moved
from ..wire import ShotFrame
from .carrying import carried_by_mesh

_FROM_THE_FRONT = np.array([[1, 0, 0, 0], [0, 0, -1, 0], [0, 1, 0, 0], [0, 0, 0, 1]], float)
"""World to camera, of one that looks along head space's +Y."""


@torch.no_grad()
def world_cloud(frame: ShotFrame, avatars: Sequence[Avatar]) -> Gaussians:
    """Poses and places every head of a frame.

    Colours keep their spherical harmonics, turned with the heads. What a deformed mesh carries is the exception: each
    of its Gaussians turns in its own way, and keeps the colour that is seen from the head's front.

    Args:
        frame: its camera and what hides heads are of no account.
        avatars: of the frame's shot.

    Returns:
        One cloud on the processor.

    Raises:
        DGTalkerError: the frame has no head, or one that cannot be posed.
    """
    if not frame.heads:
        raise DGTalkerError("There is no Gaussian head to write.", "Select one that is shown.")
    front = Camera(K=np.eye(3), world_to_camera=_FROM_THE_FRONT, width=1, height=1, orthographic=True)
    clouds: list[Gaussians] = []
    for head in frame.heads:
        avatar = avatars[head.avatar]
        weights = avatar.rig.weights(head.weights)
        cloud = avatar.pose(weights)
        if head.vertices:
            cloud = carried_by_mesh(cloud, avatar, weights, head.vertices, placement_of(np.eye(4), front))
        cloud = cloud.map(lambda tensor: tensor.detach().cpu())
        clouds.append(moved(cloud, np.reshape(head.matrix, (4, 4))))
    return merged(clouds)
