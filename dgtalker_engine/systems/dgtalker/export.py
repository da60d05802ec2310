"""What of a person in the latent space goes into their head's file."""

from __future__ import annotations

import numpy as np
import torch

from ...capture.face_model import Region
from ...gaussians import Gaussians
from ...training.export import TrainedHead
from .navigation.blendshapes import Blendshapes
from .navigation.controls import own_controls
from .navigation.drive import latent_drive
from .navigation.manner import Manner
from .train import Trained


def trained_head(trained: Trained) -> TrainedHead:
    """The head for `training.export`: what lies on the scalp is hair, and bound to nothing.

    Joints have no pose of their own: those of the prior's face model follow from the expression.
    """
    person, navigation = trained.person, trained.navigation
    drive, manner, controls = None, None, {}
    if navigation is not None:
        manner = Manner.of(navigation)
        controls = own_controls(person, navigation, trained.expressions)
        if isinstance(navigation.blendshapes, Blendshapes):
            drive = latent_drive(navigation.blendshapes, trained.expressions)
    generator = person.generator
    assert generator.face_model is not None
    triangles = generator.triangles.cpu().numpy()
    regions = generator.face_model.regions.cpu().numpy()[triangles]
    linear = torch.zeros(0) if drive is None else torch.from_numpy(drive.latents.linear)

    def pose(expression: torch.Tensor, joint_pose: torch.Tensor, turn: torch.Tensor | None = None, /) -> Gaussians:
        return pose_with(expression, joint_pose, expression.new_zeros(0) if drive is None else expression @ linear)

    def pose_with(expression: torch.Tensor, joint_pose: torch.Tensor, latent: torch.Tensor) -> Gaussians:
        if navigation is None:
            return person.heads(person.latents(expression[None])).cloud(0)
        steps = [torch.zeros_like(person.canonical)] * 2
        if drive is not None:
            steps = [torch.einsum("k,klw->lw", latent, half)[None] for half in (drive.upper, drive.lower)]
        return navigation.heads(person, expression[None], *steps).cloud(0)

    return TrainedHead(
        pose=pose,
        pose_with=pose_with,
        latents=None if drive is None else drive.latents,
        triangles=np.where(regions == Region.SCALP, -1, triangles),
        barycentrics=generator.barycentrics.cpu().numpy(),
        neck=regions == Region.NECK,
        extras={} if manner is None else manner.extras(),
        controls=controls,
    )
