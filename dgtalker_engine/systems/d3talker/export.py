"""What of a trained D³-Talker head goes into its file."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
import torch
from torch import Tensor

from ...gaussians import Gaussians
from ...training.export import LatentMap, TrainedHead
from .fields import UNITS
from .manner import Manner
from .model import D3Talker

_MOST, _KEPT = 16, 0.99
"""How many latents a file gets, and the share of what fields do in the frames that they keep: each makes it larger."""
_BOUND = 3.0
_ALMOST = 0.95  # the share of a bound up to which latents are asked for
_DOUBT = 0.05  # an expression that varies less has little say in latents
_FRAMES = 256  # that are looked at
_NOTHING = 1e-6


class Drive(NamedTuple):
    """The fields as K latents.

    Attributes:
        latents: how they follow from an expression (E,).
        mean: δ in the mean of the frames (P, 12).
        steps: what each latent adds to it (K, P, 12).
    """

    latents: LatentMap
    mean: Tensor
    steps: Tensor


@torch.no_grad()
def drive(model: D3Talker, expressions: Tensor, joint_poses: Tensor) -> Drive | None:
    """What the fields do in the training frames, as principal components; None: they do the same in all.

    Fields are not linear in an expression, but what they do in the frames varies in few ways: those are the latents,
    in standard deviations, and the expressions of the frames tell by ridge regression how much of each there is.

    Args:
        model: trained.
        expressions: of the training frames (T, E).
        joint_poses: of them (T, J, 3).
    """
    chosen = np.unique(np.linspace(0, len(expressions) - 1, min(_FRAMES, len(expressions))).astype(int))
    rows = []
    for index in chosen:
        expression = expressions[index]
        vertices = model.face_model.vertices(expression[:0], expression, joint_poses[index])
        rows.append(model.deformation(*model.codes(vertices, expression, None)))
    changes = torch.stack(rows)
    mean = changes.mean(dim=0)
    spread = ((changes - mean) / UNITS).flatten(1)
    _, lengths, axes = torch.linalg.svd(spread, full_matrices=False)
    if float(lengths[0]) < _NOTHING:
        return None
    shares = lengths.square().cumsum(0) / lengths.square().sum()
    count = min(_MOST, int((shares < _KEPT).sum()) + 1)
    deviations = lengths[:count] / len(chosen) ** 0.5
    wanted = spread @ axes[:count].T / deviations
    before = _BOUND * torch.atanh((wanted / _BOUND).clamp(-_ALMOST, _ALMOST)).double()
    seen = expressions[torch.from_numpy(chosen)].double()
    middle, height = seen.mean(dim=0), before.mean(dim=0)
    square = (seen - middle).T @ (seen - middle)
    square += len(seen) * _DOUBT**2 * torch.eye(seen.shape[1], dtype=torch.float64)
    linear = torch.linalg.solve(square, (seen - middle).T @ (before - height))
    found = LatentMap(linear=linear.float().numpy(), offset=(height - middle @ linear).float().numpy(), bound=_BOUND)
    steps = (deviations[:, None] * axes[:count]).unflatten(1, mean.shape) * UNITS
    return Drive(found, mean, steps)


def trained_head(model: D3Talker, expressions: Tensor, joint_poses: Tensor) -> TrainedHead:
    """The head for `training.export`: Gaussians of the hair's shell are bound to no triangle of the face.

    Args:
        model: trained.
        expressions: of the training frames (T, E).
        joint_poses: of them (T, J, 3).
    """
    driven = drive(model, expressions, joint_poses)
    triangles = model.triangles.cpu().numpy()

    def pose_with(expression: Tensor, joint_pose: Tensor, latent: Tensor) -> Gaussians:
        vertices = model.face_model.vertices(expression[:0], expression, joint_pose)
        if driven is None:
            return model.pose_on(vertices, expression, joint_pose)
        return model.deformed(vertices, driven.mean + torch.tensordot(latent, driven.steps, 1))

    manner = Manner.of(model)
    return TrainedHead(
        pose=model.pose,
        pose_with=pose_with,
        latents=None if driven is None else driven.latents,
        triangles=np.where(triangles < len(model.face_model.faces), triangles, -1),
        barycentrics=model.barycentric_logits.detach().softmax(dim=1).cpu().numpy(),
        neck=model.necks.cpu().numpy(),
        extras={} if manner is None else manner.extras(),
    )
