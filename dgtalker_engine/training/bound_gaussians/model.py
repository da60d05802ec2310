"""A head of Gaussians bound to a face model and a hair shell; how its speaker moves it beside that is a system's."""

from __future__ import annotations

from typing import ClassVar

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from ...capture.face_model import FaceModel
from ...gaussians import Camera, Gaussians
from .binding import TriangleFrames, triangle_frames
from .config import BoundGaussiansConfig
from .seeding import Seeds

BY_GAUSSIAN = ("positions", "quats", "log_scales", "opacity_logits", "colours", "barycentric_logits")
_AWAY = -0.1  # cosine to the view


class BoundHead(nn.Module):
    """A head.

    Parameters, each with one entry for each of N Gaussians: `positions` ū, `quats` r̄, `log_scales` of s̄,
    `opacity_logits`, `colours` κ₀, and `barycentric_logits` of η. N changes with density control.

    Args:
        config: of the training.
        face_model: of this person (`training.clip_frames.personal`).
        seeds: the Gaussians at first, and the shell.

    Attributes:
        by_latent: names of parameters (K, N, 3) that a system has beside those, or of None.
    """

    by_latent: ClassVar[tuple[str, ...]] = ()
    triangles: Tensor
    faces: Tensor
    shell: Tensor
    face_regions: Tensor
    face_necks: Tensor
    positions: nn.Parameter
    quats: nn.Parameter
    log_scales: nn.Parameter
    opacity_logits: nn.Parameter
    colours: nn.Parameter
    barycentric_logits: nn.Parameter

    def __init__(self, config: BoundGaussiansConfig, face_model: FaceModel, seeds: Seeds) -> None:
        super().__init__()
        self.face_model = face_model
        count = len(seeds.triangles)
        shell_faces = torch.from_numpy(seeds.shell.faces) + len(face_model.neutral)
        self.register_buffer("triangles", seeds.triangles.clone())
        self.register_buffer("shell", torch.from_numpy(seeds.shell.vertices))
        self.register_buffer("faces", torch.cat([face_model.faces, shell_faces]))
        self.register_buffer("face_regions", seeds.regions.clone())
        self.register_buffer("face_necks", seeds.neck.clone())
        self._outside, self._lids = seeds.outside, seeds.lids
        start = {
            "positions": torch.zeros(count, 3),
            "quats": torch.tensor([[1.0, 0, 0, 0]]).repeat(count, 1),
            "log_scales": seeds.log_scales.clone(),
            "opacity_logits": torch.full((count,), 2.0),
            "colours": seeds.colours.clone(),
            "barycentric_logits": seeds.barycentrics.clamp_min(1e-3).log(),
        }
        for name, value in start.items():
            self.register_parameter(name, nn.Parameter(value))
        self.barycentric_logits.requires_grad_(config.learnable_barycentrics)

    def __len__(self) -> int:
        return len(self.positions)

    @property
    def regions(self) -> Tensor:
        """Of each Gaussian's triangle, `capture.face_model.Region`; the shell's is SCALP (N,)."""
        return self.face_regions[self.triangles]

    @property
    def outer(self) -> Tensor:
        """Which Gaussians lie on what is around the head, `Seeds.outside`, bool (N,)."""
        return self._outside[self.triangles]

    @property
    def lids(self) -> Tensor:
        """Which Gaussians lie on lids, bool (N,)."""
        return self._lids[self.triangles]

    @property
    def necks(self) -> Tensor:
        """Which Gaussians are the neck's, below what the head's mask shows, bool (N,)."""
        return self.face_necks[self.triangles]

    def without_neck(self, cloud: Gaussians) -> Gaussians:
        """The head alone, as it is drawn over a frame's own neck and shoulders."""
        rows = (~self.necks).nonzero()[:, 0]
        return cloud.map(lambda tensor: tensor[rows])

    def pose(self, expression: Tensor, joint_pose: Tensor | None = None, turn: Tensor | None = None) -> Gaussians:
        """The head with an expression (E,) and its joints' pose (J, 3), axis-angle: sRGB Gaussians in head space.

        `turn` (3,), of `ClipFrames.turn`, shades it as lights and camera of the clip would; None: as at the mean turn.
        """
        if joint_pose is None:
            joint_pose = torch.zeros(len(self.face_model.joint_names), 3, device=expression.device)
        vertices = self.face_model.vertices(expression[:0], expression, joint_pose)
        return self.pose_on(vertices, expression, joint_pose, turn)

    def pose_on(
        self, vertices: Tensor, expression: Tensor, joint_pose: Tensor, turn: Tensor | None = None
    ) -> Gaussians:
        """`pose` where the face model's vertices (V, 3) are known."""
        raise NotImplementedError

    @torch.no_grad()
    def facing(self, vertices: Tensor, camera: Camera, bound: Tensor | None = None) -> Tensor:
        """Which Gaussians are not on the far side of the head, with the face model's vertices (V, 3): bool (N,).

        `bound` (M,): of Gaussians on these triangles (M,).
        """
        triangles = self.triangle_frames(vertices)
        pose = torch.as_tensor(camera.world_to_camera, dtype=torch.float32, device=vertices.device)
        towards = F.normalize(-pose[:3, :3].T @ pose[:3, 3] - triangles.corners.mean(dim=1), dim=1)
        away = (triangles.rotations[:, :, 1] * towards).sum(dim=1) < _AWAY
        return ~(away & self._outside)[self.triangles if bound is None else bound]

    def triangle_frames(self, vertices: Tensor) -> TriangleFrames:
        """Of the face model's and the shell's triangles."""
        return triangle_frames(torch.cat([vertices, self.shell]), self.faces)


def turned(quats: Tensor, turns: Tensor) -> Tensor:
    """r̄ · (1, v / 2): a turn by a small axis-angle v before r̄'s; not of length 1."""
    w, vector, half = quats[:, :1], quats[:, 1:], turns / 2
    real = w - (vector * half).sum(dim=1, keepdim=True)
    return torch.cat([real, vector + w * half + torch.linalg.cross(vector, half)], dim=1)
