"""What of a trained GaussianTalker head goes into its file."""

from __future__ import annotations

import numpy as np

from ...training.export import TrainedHead
from .model import GaussianTalker


def trained_head(model: GaussianTalker) -> TrainedHead:
    """The head for `training.export`: Gaussians of the hair's shell are bound to no triangle of the face."""
    triangles = model.triangles.cpu().numpy()
    return TrainedHead(
        pose=model.pose,
        triangles=np.where(triangles < len(model.face_model.faces), triangles, -1),
        barycentrics=model.barycentric_logits.detach().softmax(dim=1).cpu().numpy(),
        antialiased=True,
    )
