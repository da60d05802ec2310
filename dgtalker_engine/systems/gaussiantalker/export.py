"""What of a trained GaussianTalker head goes into its file."""

from __future__ import annotations

import numpy as np
import torch

from ...gaussians import Gaussians
from ...training.export import TrainedHead
from .model import GaussianTalker


def trained_head(model: GaussianTalker) -> TrainedHead:
    """The head for `training.export`: Gaussians of the hair's shell are bound to no triangle of the face."""
    triangles = model.triangles.cpu().numpy()

    def plain(expression: torch.Tensor, joint_pose: torch.Tensor) -> Gaussians:
        vertices = model.face_model.vertices(expression[:0], expression, joint_pose)
        if model.latent is None:
            return model.pose_on(vertices, expression, joint_pose)
        # the latent pose of the mean of what was seen is 0
        seen, turned = model.latent.mean.split([len(expression), joint_pose.numel()])
        return model.pose_on(vertices, seen, turned.reshape(joint_pose.shape))

    return TrainedHead(
        pose=model.pose,
        plain=plain,
        triangles=np.where(triangles < len(model.face_model.faces), triangles, -1),
        barycentrics=model.barycentric_logits.detach().softmax(dim=1).cpu().numpy(),
        neck=model.necks.cpu().numpy(),
        antialiased=True,
    )
