"""What of a person in the latent space goes into their head's file."""

from __future__ import annotations

import numpy as np
import torch

from ...capture.face_model import Region
from ...gaussians import Gaussians
from ...training.export import TrainedHead
from ...training.latent_pose import latent_map
from .person import Person


def trained_head(person: Person) -> TrainedHead:
    """The head for `training.export`: what lies on the scalp is hair, and bound to nothing.

    Joints have no pose of their own: those of the prior's face model follow from the expression.
    """
    generator = person.generator
    assert generator.face_model is not None
    expressions = len(generator.face_model.expression_names)
    triangles = generator.triangles.cpu().numpy()
    regions = generator.face_model.regions.cpu().numpy()[triangles]

    def pose(expression: torch.Tensor, joint_pose: torch.Tensor, turn: torch.Tensor | None = None, /) -> Gaussians:
        step = None if person.own is None else person.own(expression, joint_pose, turn)
        return person.heads(person.latents(expression[None], step)).cloud(0)

    def pose_with(expression: torch.Tensor, joint_pose: torch.Tensor, latent: torch.Tensor) -> Gaussians:
        if person.own is None:
            return pose(expression, joint_pose)
        at_mean_turn = torch.cat([latent, torch.zeros_like(person.own.latent.turn_spread)])
        return person.heads(person.latents(expression[None], person.own.at(at_mean_turn))).cloud(0)

    return TrainedHead(
        pose=pose,
        pose_with=pose_with,
        latents=None if person.own is None else latent_map(person.own.latent, expressions),
        triangles=np.where(regions == Region.SCALP, -1, triangles),
        barycentrics=generator.barycentrics.cpu().numpy(),
        neck=regions == Region.NECK,
    )
