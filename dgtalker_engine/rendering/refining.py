"""What refiners say of a frame's heads: once for all that its shutter and its lens see of them."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import torch

from ..avatar import Avatar
from ..avatar.refiner import Sight
from ..gaussians import Camera
from ..gaussians.placement import placement_of
from ..wire import ShotFrame, ShotHead


def corrections(frame: ShotFrame, avatars: Sequence[Avatar], camera: Camera) -> list[torch.Tensor | None]:
    """Of each head of a frame what is to be added to its Gaussians' colours (N, 3), `Refiner.correction`."""
    return [_correction(avatars[head.avatar], head, camera) for head in frame.heads]


def _correction(avatar: Avatar, head: ShotHead, camera: Camera) -> torch.Tensor | None:
    if avatar.refiner is None:
        return None
    weights = avatar.rig.weights(head.weights)
    placement = placement_of(np.reshape(head.matrix, (4, 4)), camera)
    by_name = dict(zip(avatar.rig.names, weights.tolist(), strict=True))
    sight = Sight.of_avatar(placement, avatar.metadata, weights)
    return avatar.refiner.correction(avatar.pose(weights), by_name, sight)
