"""The generator: an identity's code and an expression → latents → attribute planes → Gaussians.

GGHead (Kirschstein et al., SIGGRAPH Asia 2024) on StyleGAN2 (Karras et al. 2020). Latents are called W where all of a
head's are the same one, W+ where each layer has its own.
"""

from __future__ import annotations

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from ...capture.face_model import FaceModel
from .attributes import Heads, Raw, activated, split
from .config import GeneratorConfig
from .layers import EqualizedLinear, Noise
from .mapping import MappingNetwork, expression_of
from .reading import read_planes
from .synthesis import SynthesisNetwork
from .template import PosedTemplate, Template, at_rest, layer_depths, posed

_COARSE = 4
"""How many latents, from the first on, say how the template is posed and of what planes are mixed: those of planes up
to 16 × 16."""


class Generator(nn.Module):
    """Heads from latents.

    With the template ``decoded``, the coarse latents also pose the face model: by the expression that they hold, and
    by the identity that one linear layer, which begins at 0, reads out of them. Planes are relative to that face's
    surface. So all that a head is lies in W, where people are navigated, while jaw, lids and eyes turn as the face
    model knows; planes are left with hair, skin and what else the face model lacks. With ``fixed``, GGHead's way,
    planes move Gaussians from a face at rest.

    Args:
        config: its sizes.
        template: where Gaussians begin.
        face_model: what the template lies on; needed where that is decoded.
    """

    uv: Tensor
    points: Tensor
    triangles: Tensor
    barycentrics: Tensor
    depths: Tensor

    def __init__(self, config: GeneratorConfig, template: Template, face_model: FaceModel | None = None) -> None:
        super().__init__()
        self.config = config
        self.face_model = face_model
        self.mapping = MappingNetwork(config)
        self.synthesis = SynthesisNetwork(config)
        self.position = nn.Conv2d(3, 3, 1)
        nn.init.zeros_(self.position.weight)
        nn.init.zeros_(self.position.bias)  # pyright: ignore[reportArgumentType] (it has one)
        self.identity: nn.Linear | None = None
        if config.template == "decoded":
            if face_model is None or len(face_model.expression) != config.expressions:
                raise ValueError("a decoded template needs a face model with the expressions of the latents")
            self.identity = nn.Linear(config.width - config.expressions, len(face_model.identity))
            nn.init.zeros_(self.identity.weight)
            nn.init.zeros_(self.identity.bias)
        for name, tensor in template._asdict().items():
            self.register_buffer(name, tensor)
        self.register_buffer("depths", layer_depths(config.gaussians)[:, None], persistent=False)
        self.shared: nn.Parameter | None = None
        if config.shared_planes:
            self.shared = nn.Parameter(torch.zeros(config.planes, config.resolution, config.resolution))
        self.basis: nn.Parameter | None = None
        self.mixture: EqualizedLinear | None = None
        if config.basis:
            side = config.basis_resolution
            self.basis = nn.Parameter(torch.zeros(config.basis, config.planes, side, side))
            self.mixture = EqualizedLinear(config.width, config.basis)

    def forward(self, latents: Tensor, noise: Noise = "const") -> Heads:
        """Heads from W (B, width) or W+ (B, latents, width)."""
        return activated(self.raw(latents, noise), self.template(latents), self.config)

    def wide(self, latents: Tensor) -> Tensor:
        """W (B, width) as W+ (B, latents, width); what is W+ stays."""
        return latents[:, None].expand(-1, self.config.latents, -1) if latents.ndim == 2 else latents

    def planes(self, latents: Tensor, noise: Noise = "const") -> Tensor:
        """Attribute planes (B, channels, resolution, resolution), before activations."""
        planes = self.own_planes(latents, noise)
        return planes if self.shared is None else planes + self.shared

    def own_planes(self, latents: Tensor, noise: Noise = "const") -> Tensor:
        """What of `planes` is a head's own, without what all share."""
        planes = self.synthesis(self.wide(latents), noise)
        position, others = planes.split((3, planes.shape[1] - 3), dim=1)
        planes = torch.cat([self.position(position), others], dim=1)
        if self.basis is None:
            return planes
        mixed = torch.einsum("bk,kchw->bchw", self.shares(latents), self.basis)
        return planes + F.interpolate(mixed, planes.shape[-2:], mode="bilinear", align_corners=False)

    def raw(self, latents: Tensor, noise: Noise = "const") -> Raw:
        """What the planes say at the template's places."""
        return self.read(self.planes(latents, noise))

    def read(self, planes: Tensor) -> Raw:
        """What planes say at the template's places; of layered ones, at their depths too."""
        said = read_planes(planes, self.uv)
        if self.config.layered:
            middle, change = said.chunk(2, dim=-1)
            said = middle + self.depths * change
        return split(said, self.config)

    def shares(self, latents: Tensor) -> Tensor:
        """How much of each plane of the basis latents say (B, K); linear."""
        assert self.mixture is not None
        return self.mixture(self._coarse(latents))

    def face(self, latents: Tensor) -> tuple[Tensor, Tensor]:
        """The face model's identity (B, I) and expression (B, E) that latents say, of a decoded template; linear."""
        assert self.identity is not None
        coarse = self._coarse(latents)
        expression = expression_of(coarse, self.config.expressions)
        return self.identity(coarse[:, : self.identity.in_features]), expression

    def template(self, latents: Tensor) -> PosedTemplate:
        """Where the template's places are."""
        template = Template(self.uv, self.points, self.triangles, self.barycentrics)
        if self.identity is None or self.face_model is None:
            return at_rest(template, len(latents))
        if self.face_model.neutral.device != self.uv.device:
            self.face_model = self.face_model.to(self.uv.device)
        return posed(template, self.face_model, *self.face(latents))

    def _coarse(self, latents: Tensor) -> Tensor:
        return self.wide(latents)[:, :_COARSE].mean(dim=1)


def mixed(coarse: Tensor, fine: Tensor, layers: int) -> Tensor:
    """Style mixing: W+ (B, latents, width) with the first latents of one head, and the others of another one.

    Args:
        coarse, fine: W+ of both.
        layers: how many are the first one's.
    """
    return torch.cat([coarse[:, :layers], fine[:, layers:]], dim=1)


def interpolated(start: Tensor, end: Tensor, share: float) -> Tensor:
    """Latents between two heads', W or W+: 0 is the one, 1 the other."""
    return torch.lerp(start, end, share)
