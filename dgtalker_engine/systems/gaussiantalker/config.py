"""What decides how a GaussianTalker head is trained; each design choice of the paper is one switch."""

from __future__ import annotations

from dataclasses import dataclass

from ...avatar.latents import MAX_LATENTS
from ...training import setting
from ...training.bound_gaussians.config import BoundGaussiansConfig
from ...training.latent_pose import latent_size


@dataclass(frozen=True, kw_only=True)
class GaussianTalkerConfig(BoundGaussiansConfig):
    """The Dynamic Gaussian Renderer (section 3.3) and its training. The paper has no figures for λ, ε and k: ours."""

    blendshapes: int = setting(
        0,
        "K, the size of the latent pose γ of equation 16 without the head's turn; 0: by the clip's length",
        least=0,
        most=MAX_LATENTS,
    )
    blend_position: bool = setting(True, "whether the latent pose moves Gaussians, equation 17")
    blend_rotation: bool = setting(True, "whether the latent pose turns Gaussians, equation 17")
    blend_colour: bool = setting(True, "whether the latent pose changes colours, equation 18")
    blend_turn: bool = setting(
        True, "whether the latent pose has the head's turn in it: lights stand still, hair hangs"
    )
    latent: str = setting("linear", "how γ follows from expression and joints' pose", choices=("linear", "mlp"))
    latent_bound: float = setting(3.0, "γ stays within so many standard deviations of what was seen", least=0.5)
    blend_weight: float = setting(
        32.0, "of the square of the blendshapes, against learning the few frames by heart", least=0
    )

    tune_face: bool = setting(False, "whether the frames' expression and pose are tuned with the Gaussians")
    """The paper gains 1.5 dB by it. After a photometric capture it overfits: the test frames' stay as they were."""
    tune_rate: float = setting(1e-3, "its learning rate", least=0)

    manner: bool = setting(True, "whether the head learns how its person speaks, section 3.2")

    def latent_size(self, frames: int) -> int:
        """K for a clip of so many training frames."""
        if self.blendshapes or not (self.blend_position or self.blend_rotation or self.blend_colour):
            return self.blendshapes
        return latent_size(frames)
