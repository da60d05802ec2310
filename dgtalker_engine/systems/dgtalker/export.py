"""What of a person in the latent space goes into their head's file."""

from __future__ import annotations

import numpy as np
import torch

from ...capture.face_model import Region
from ...gaussians import Gaussians
from ...training.export import TrainedHead
from .person import Person


def trained_head(person: Person) -> TrainedHead:
    """The head for `training.export`: what lies on the scalp is hair, and bound to nothing.

    Joints have no pose of their own: those of the prior's face model follow from the expression.
    """
    generator = person.generator
    assert generator.face_model is not None
    triangles = generator.triangles.cpu().numpy()
    regions = generator.face_model.regions.cpu().numpy()[triangles]

    def pose(expression: torch.Tensor, joint_pose: torch.Tensor, turn: torch.Tensor | None = None, /) -> Gaussians:
        return person.heads(person.latents(expression[None])).cloud(0)

    def pose_with(expression: torch.Tensor, joint_pose: torch.Tensor, latent: torch.Tensor) -> Gaussians:
        return pose(expression, joint_pose)

    return TrainedHead(
        pose=pose,
        pose_with=pose_with,
        latents=None,
        triangles=np.where(regions == Region.SCALP, -1, triangles),
        barycentrics=generator.barycentrics.cpu().numpy(),
        neck=regions == Region.NECK,
    )
