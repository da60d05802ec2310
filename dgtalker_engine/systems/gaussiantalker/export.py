"""What of a trained GaussianTalker head goes into its file."""

from __future__ import annotations

import numpy as np
import torch

from ...gaussians import Gaussians
from ...training.export import TrainedHead
from ...training.latent_pose import latent_map
from . import model as models


def trained_head(model: models.GaussianTalker) -> TrainedHead:
    """The head for `training.export`: Gaussians of the hair's shell are bound to no triangle of the face."""
    triangles = model.triangles.cpu().numpy()

    def pose_with(expression: torch.Tensor, joint_pose: torch.Tensor, latent: torch.Tensor) -> Gaussians:
        vertices = model.face_model.vertices(expression[:0], expression, joint_pose)
        if model.latent is None:
            return model.pose_at(vertices, None)
        # at the mean turn
        return model.pose_at(vertices, torch.cat([latent, torch.zeros_like(model.latent.turn_spread)]))

    return TrainedHead(
        pose=model.pose,
        pose_with=pose_with,
        latents=None if model.latent is None else latent_map(model.latent, len(model.face_model.expression_names)),
        triangles=np.where(triangles < len(model.face_model.faces), triangles, -1),
        barycentrics=model.barycentric_logits.detach().softmax(dim=1).cpu().numpy(),
        neck=model.necks.cpu().numpy(),
    )
