"""The head: a static field of Gaussians, and two fields that deform it, one by facial motion and one by sound."""

from __future__ import annotations

import torch
from torch import Tensor, nn

from ...capture.face_model import FaceModel, Region
from ...gaussians import Gaussians
from ...gaussians.reference.placing import multiply
from ...training.bound_gaussians.binding import Local, bind
from ...training.bound_gaussians.model import BoundHead
from ...training.bound_gaussians.seeding import Seeds
from .config import D3TalkerConfig
from .encoding import SparseRows
from .fields import COLOURS, LOG_SCALES, MEANS, TURNS, Field
from .motion import CoordinateMaps, MotionEncoder
from .sound import ExpressionCode, SoundEncoder

_HALF = 0.18  # metres: the canonical face lies within it about its middle
_INSIDE = (Region.MOUTH_INSIDE, Region.TEETH)


class Fields(nn.Module):
    """δ at the vertices of face and mouth inside, which are apart: a field for each.

    Args:
        face, mouth: places of the vertices, 0 to 1 (P, 3) and (Q, 3).
        config: their sizes.
    """

    def __init__(self, face: Tensor, mouth: Tensor, config: D3TalkerConfig) -> None:
        super().__init__()
        self.face = Field(face, config.code, (MEANS, LOG_SCALES, TURNS, COLOURS), config)
        self.mouth = Field(mouth, config.code, (MEANS, COLOURS), config)

    def forward(self, code: Tensor) -> Tensor:
        """(code,) → (P + Q, 12)."""
        return torch.cat([self.face(code), self.mouth(code)])


class D3Talker(BoundHead):
    """A speaker's head.

    Args:
        config: of the training.
        face_model: of this person (`training.clip_frames.personal`).
        template: the face model's mean face at rest (V, 3): what people share is said of places on it.
        seeds: the Gaussians at first, and the shell.
        individual: what hears the sound, and what takes its place; None: motion drives the only field.

    Attributes:
        common: which of the fields' places all people have: those of the face model, not of the shell (P',).
        common_vertices: which of its vertices these are (P',).
    """

    def __init__(
        self,
        config: D3TalkerConfig,
        face_model: FaceModel,
        template: Tensor,
        seeds: Seeds,
        individual: tuple[SoundEncoder, ExpressionCode] | None,
    ) -> None:
        super().__init__(config, face_model, seeds)
        places = torch.cat([template, self.shell]) / (2 * _HALF) + 0.5
        inside = torch.zeros(len(self.faces), dtype=torch.bool)
        for region in _INSIDE:
            inside |= self.face_regions == region
        face, mouth = (torch.unique(self.faces[rows]) for rows in (~inside, inside))
        # which of the fields' places a triangle's corners are
        corners = torch.zeros(2, len(places), dtype=torch.int64)
        corners[0, face], corners[1, mouth] = torch.arange(len(face)), len(face) + torch.arange(len(mouth))
        self._corners = torch.where(inside[:, None], corners[1][self.faces], corners[0][self.faces])
        self._places = len(face) + len(mouth)
        common = torch.cat([face < len(template), torch.ones(len(mouth), dtype=torch.bool)])
        self.common = common.nonzero()[:, 0]
        self.common_vertices = torch.cat([face[face < len(template)], mouth])
        self.maps = CoordinateMaps(face_model)
        self.motion = MotionEncoder(config.code)
        self.general = Fields(places[face], places[mouth], config)
        self.sound, self.sliders, self.said, self.individual = None, None, None, None
        if individual is not None:
            self.sound, self.sliders = individual
            self.said = self.sliders.said()
            self.individual = Fields(places[face], places[mouth], config)

    def pose_on(
        self, vertices: Tensor, expression: Tensor, joint_pose: Tensor, turn: Tensor | None = None
    ) -> Gaussians:
        """`pose` where the face model's vertices (V, 3) are known."""
        return self.deformed(vertices, self.deformation(*self.codes(vertices, expression, turn)))

    def codes(self, vertices: Tensor, expression: Tensor, turn: Tensor | None) -> tuple[Tensor, Tensor | None]:
        """The general and the individual code (code,) of a face that stands still, silent: sliders pose it so."""
        general = self.motion(self.maps(vertices[None]), turn)
        return general, None if self.sliders is None else self.sliders(expression[None])[0]

    def deformation(self, general: Tensor, individual: Tensor | None) -> Tensor:
        """δ = δ_G + δ_I at the fields' places (P, 12)."""
        change = self.general(general)
        return change if self.individual is None or individual is None else change + self.individual(individual)

    def deformed(self, vertices: Tensor, change: Tensor) -> Gaussians:
        """The Gaussians on the posed face model, with δ (P, 12) at the places."""
        barycentrics = self.barycentric_logits.softmax(dim=1)
        local = Local(self.triangles, barycentrics, self.positions, self.quats, self.log_scales)
        means, quats, scales = bind(self.triangle_frames(vertices), local)
        each = SparseRows(self._corners[self.triangles], barycentrics.detach(), self._places).times(change)
        turns = torch.cat([torch.ones(len(each), 1), each[:, TURNS] / 2], dim=1)
        return Gaussians(
            means=means + each[:, MEANS],
            quats=multiply(turns, quats),
            scales=scales * each[:, LOG_SCALES].exp(),
            opacities=self.opacity_logits.sigmoid(),
            sh=(self.colours + each[:, COLOURS])[:, None],
        )
