"""The head (section 3.3): Gaussians bound to a face model and a hair shell, and the speaker's own blendshapes."""

from __future__ import annotations

from typing import ClassVar

import torch
from torch import Tensor, nn

from ...capture.face_model import FaceModel
from ...gaussians import Gaussians
from ...training.bound_gaussians.binding import Local, bind
from ...training.bound_gaussians.model import BoundHead, turned
from ...training.bound_gaussians.seeding import Seeds
from ...training.latent_pose import LatentPose
from .config import GaussianTalkerConfig

BY_LATENT = ("blend_positions", "blend_rotations", "blend_colours")


class GaussianTalker(BoundHead):
    """A speaker's head.

    Beside those of `BoundHead`, `blend_positions`, `blend_rotations` (turns as axis-angle) and `blend_colours` are
    W_pos, W_rot and W_color (K, N, 3).

    Args:
        config: of the training.
        face_model: of this person (`training.clip_frames.personal`).
        seeds: the Gaussians at first, and the shell.
        latent: of equation 16; None: without the speaker's blendshapes.
    """

    by_latent: ClassVar[tuple[str, ...]] = BY_LATENT
    blend_positions: nn.Parameter | None
    blend_rotations: nn.Parameter | None
    blend_colours: nn.Parameter | None
    latent: LatentPose | None

    def __init__(
        self, config: GaussianTalkerConfig, face_model: FaceModel, seeds: Seeds, latent: LatentPose | None
    ) -> None:
        super().__init__(config, face_model, seeds)
        self.latent = latent
        size = 0 if latent is None else latent.size
        switches = (config.blend_position, config.blend_rotation, config.blend_colour)
        for name, on in zip(BY_LATENT, switches, strict=True):
            shapes = nn.Parameter(torch.zeros(size, len(self), 3)) if on and size else None
            self.register_parameter(name, shapes)

    def pose_on(
        self, vertices: Tensor, expression: Tensor, joint_pose: Tensor, turn: Tensor | None = None
    ) -> Gaussians:
        """`pose` where the face model's vertices (V, 3) are known."""
        return self.pose_at(vertices, None if self.latent is None else self.latent(expression, joint_pose, turn))

    def pose_at(self, vertices: Tensor, latent: Tensor | None) -> Gaussians:
        """`pose_on` where the latent pose γ (K,) is known, too."""
        means, quats, scales = bind(self.triangle_frames(vertices), self.local(latent))
        colours = self.colours
        if latent is not None and self.blend_colours is not None:
            colours = colours + torch.tensordot(latent, self.blend_colours, 1)
        return Gaussians(
            means=means, quats=quats, scales=scales, opacities=self.opacity_logits.sigmoid(), sh=colours[:, None]
        )

    def local(self, latent: Tensor | None) -> Local:
        """The Gaussians in their triangles' coordinates, equation 17."""
        positions, quats = self.positions, self.quats
        if latent is not None and self.blend_positions is not None:
            positions = positions + torch.tensordot(latent, self.blend_positions, 1)
        if latent is not None and self.blend_rotations is not None:
            quats = turned(quats, torch.tensordot(latent, self.blend_rotations, 1))
        barycentrics = self.barycentric_logits.softmax(dim=1)
        return Local(self.triangles, barycentrics, positions, quats, self.log_scales)
