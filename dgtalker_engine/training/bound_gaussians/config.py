"""What decides how Gaussians are bound to a face model, and what they are trained by in all systems that do so."""

from __future__ import annotations

from dataclasses import dataclass

from ..config import Config, setting


@dataclass(frozen=True, kw_only=True)
class BoundGaussiansConfig(Config):
    """GaussianTalker's Dynamic Gaussian Renderer (section 3.3) without the speaker's own blendshapes.

    The paper has no figures for λ and ε: ours.
    """

    steps: int = setting(4000, "how many steps to train, one frame each", least=1)
    share: float = setting(1.0, "the share of the frames that train, from the first on; the others are for tests",
                           least=0.1, most=1.0)  # fmt: skip
    half_share: float = setting(
        0.3, "the share of the steps, from the first on, at half the resolution", least=0, most=1
    )

    face_gaussians: int = setting(14_000, "Gaussians bound to the face model at first", least=1)
    hair_gaussians: int = setting(9_000, "Gaussians bound to the hair's shell at first", least=0)
    neck_gaussians: int = setting(3_000, "Gaussians bound to the face model's neck; 0: the head ends below the jaw",
                                  least=0)  # fmt: skip
    neck_every: int = setting(6, "steps from one that shows the neck to the next", least=1)
    most_gaussians: int = setting(
        34_000, "density control makes no more Gaussians than that; seeds in gaps, about a sixth of it, come on top",
        least=1,
    )  # fmt: skip
    hair_shell: bool = setting(True, "whether hair and what else the face model lacks is bound to a shell around it")
    completed: bool = setting(True, "whether what no frame shows is made of its surroundings at the end")
    density_control: bool = setting(True, "whether Gaussians are cloned, split and pruned while training")
    density_rounds: int = setting(6, "how often, over the first 60 % of the steps", least=1)
    density_gradient: float = setting(
        1.5e-4, "Gaussians whose view-space gradient is above it, per half a picture, are cloned or split", least=0
    )
    least_opacity: float = setting(0.02, "Gaussians less opaque than that are pruned", least=0, most=1)

    learnable_barycentrics: bool = setting(True, "whether η of GaussianTalker's equation 11 is learned")

    ssim_weight: float = setting(0.2, "of D-SSIM beside L1", least=0)
    mouth_weight: float = setting(1.0, "how much more L1 counts around the mouth", least=0)
    vgg_weights: str = setting("", "file of VGG-19's weights for the perceptual loss; none: without it")
    vgg_weight: float = setting(0.02, "of the perceptual loss, where there are weights", least=0)
    attribute_losses: bool = setting(True, "whether positions and scales are kept in bounds, GaussianTalker's eq. 21")
    position_weight: float = setting(1.0, "λ_p, per square millimetre", least=0)
    position_bound: float = setting(0.003, "ε_p, how far a Gaussian may be from its triangle, metres", least=0)
    scale_weight: float = setting(1.0, "λ_s", least=0)
    scale_bound: float = setting(0.6, "ε_s, in sizes of the triangle", least=0)
    needle_bound: float = setting(6.0, "how many times as long as wide a Gaussian may be", least=1)
    semantic_weight: float = setting(0.1, "λ_seg of GaussianTalker's equation 23; 0: without it", least=0)
    semantic_every: int = setting(4, "steps from one with the semantic loss to the next", least=1)
    mask_weight: float = setting(0.2, "of opacity beside the head and transparency inside it", least=0)
    surroundings_weight: float = setting(
        0.1, "of what holds Gaussians that frames hardly show to their surroundings; 0: without it", least=0
    )

    random_background: bool = setting(True, "whether what is certainly beside the head has another colour in each step")
    learning_rate: float = setting(1.0, "scales all learning rates", least=0)
