"""What a generator of heads is like, and the sizes that were measured."""

from __future__ import annotations

from dataclasses import dataclass, fields

from ...errors import DGTalkerError
from ...training import Config, setting
from .navigation.config import NavigationConfig


@dataclass(frozen=True, kw_only=True)
class GeneratorConfig(Config):
    """A StyleGAN2 generator of UV attribute planes (GGHead, Kirschstein et al. 2024), and how its planes are read.

    Raises:
        DGTalkerError: as `Config`; where the planes' resolution is no power of two; where a latent has no room for an
            identity beside the expression.
    """

    code_size: int = setting(256, "numbers of an identity's code z", least=1)
    condition_size: int = setting(52, "numbers of what is given beside the code; 0: nothing is", least=0)
    condition: str = setting("expression", "what is given beside the code", choices=("expression", "camera"))
    """Expressions are part of a latent as they are (see `MappingNetwork`); cameras are mapped with the code."""
    width: int = setting(256, "numbers of a latent w", least=1)
    mapping_layers: int = setting(2, "of the network from code to latent", least=1)
    mapping_rate: float = setting(
        1.0, "its learning rate, relative to the others'; adversarial training takes 0.01", least=1e-6
    )

    resolution: int = setting(128, "side of the planes, texels: a power of two", least=4)
    channel_base: int = setting(8192, "channels of a layer times its resolution", least=1)
    channel_max: int = setting(256, "no layer has more channels than that", least=1)
    activation_clamp: float = setting(0.0, "activations are kept within ± it; 0: they are not", least=0)
    sh_degree: int = setting(1, "of the colours' spherical harmonics", least=0, most=1)

    layered: bool = setting(
        False, "planes also say how what a place shows changes with its depth in its layer: hair, grain"
    )
    shared_planes: bool = setting(False, "what all heads have in common is learned texel by texel, beside the network")
    basis: int = setting(0, "how many planes heads are mixed of, beside the network, as latents say", least=0)
    basis_resolution: int = setting(32, "side of these planes, texels", least=1)

    gaussians: int = setting(40_000, "how many places of the template have a Gaussian", least=1)
    template: str = setting(
        "decoded",
        "fixed: planes move Gaussians from the face at rest; decoded: from the face model as the latents pose it",
        choices=("fixed", "decoded"),
    )
    unit: float = setting(0.373, "metres that 1 of a position or a scale stands for: GGHead's", least=1e-6)
    position_range: float = setting(0.25, "how far a Gaussian may be from the template, units", least=0)
    quaternion_order: str = setting(
        "wxyz", "how a rotation's quaternion is read; GGHead's weights need zwxy", choices=("wxyz", "zwxy")
    )

    def __post_init__(self) -> None:
        super().__post_init__()
        if self.resolution & (self.resolution - 1):
            raise DGTalkerError(
                f"{type(self).__name__}: resolution = {self.resolution} is no power of two.", "Choose 64, 128 or 256."
            )
        if self.width <= self.expressions:
            raise DGTalkerError(
                f"{type(self).__name__}: width = {self.width} has no room beside {self.expressions} expressions.",
                f"Choose {2 * self.expressions} or more.",
            )

    @property
    def expressions(self) -> int:
        """How many numbers of a latent are an expression's."""
        return self.condition_size if self.condition == "expression" else 0

    @property
    def resolutions(self) -> tuple[int, ...]:
        """Of the blocks, coarse to fine."""
        return tuple(2**power for power in range(2, self.resolution.bit_length()))

    @property
    def latents(self) -> int:
        """How many latents a head has in W+: two for each block."""
        return 2 * len(self.resolutions)

    @property
    def sh_coefficients(self) -> int:
        """For each of red, green and blue."""
        return (self.sh_degree + 1) ** 2

    @property
    def plane_channels(self) -> int:
        """Position 3, log-scale 3, rotation 3, colour, opacity 1: in this order."""
        return 10 + 3 * self.sh_coefficients

    @property
    def planes(self) -> int:
        """All channels: where Gaussians are layered, each twice, its middle and how it changes with depth."""
        return self.plane_channels * (1 + self.layered)

    def channels(self, resolution: int) -> int:
        """Of the layers at a resolution."""
        return min(self.channel_base // resolution, self.channel_max)


LARGE = GeneratorConfig(code_size=512, width=512, resolution=256, channel_base=32768, channel_max=512)
"""GGHead's: 28.5 million parameters."""
MEDIUM = GeneratorConfig()
"""Ours: 5.7 million."""
SMALL = GeneratorConfig(code_size=64, width=128, resolution=64, channel_base=2048, channel_max=64, gaussians=8_000)
"""For trials: 0.4 million."""


@dataclass(frozen=True, kw_only=True)
class PersonConfig(Config):
    """A person of a clip in the latent space: inversion, and pivotal tuning of the generator (Roich et al. 2022)."""

    steps: int = setting(1500, "how many steps to train, inversion included", least=1)
    share: float = setting(1.0, "the share of the frames that train, from the first on; the others are for tests",
                           least=0.1, most=1.0)  # fmt: skip

    inversion_share: float = setting(0.15, "the share of the steps that look for the person's latent", least=0, most=1)
    inversion_frames: int = setting(
        24, "the training frames that it sees: those whose expressions differ most", least=1
    )
    inversion_rate: float = setting(0.03, "its learning rate", least=0)
    apart_weight: float = setting(
        0.02, "of how far latents of W+ are from each other: W+ can say what is no head", least=0
    )

    half_share: float = setting(
        0.4, "the share of the steps, from the first on, at half the resolution", least=0, most=1
    )
    network_every: int = setting(2, "steps from one that tunes the network to the next; all tune its shared planes",
                                 least=1)  # fmt: skip
    network_rate: float = setting(4e-3, "the network's learning rate", least=0)
    planes_rate: float = setting(2.0, "scales the shared planes' learning rates", least=0)
    anchor_weight: float = setting(0.02, "of how far the tuned network is from the prior's at any expression", least=0)
    hidden_weight: float = setting(1e-3, "of how far shared planes move where no frame shows them", least=0)
    carried_on: bool = setting(True, "whether colours that no frame shows change at the end as those around them did")
    own_steps: int = setting(16, "most blendshapes in W+ that follow from what was tracked; 0: without them", least=0)
    own_rate: float = setting(1e-2, "their learning rate", least=0)
    own_weight: float = setting(0.1, "of their square, against learning the few frames by heart", least=0)
    own_bound: float = setting(3.0, "what drives them stays within so many standard deviations of what was seen",
                               least=0.5)  # fmt: skip
    neck_every: int = setting(6, "steps from one that shows the neck to the next", least=1)

    ssim_weight: float = setting(0.2, "of D-SSIM beside L1", least=0)
    mouth_weight: float = setting(1.0, "how much more L1 counts around the mouth", least=0)
    mask_weight: float = setting(0.2, "of opacity beside the head and transparency inside it", least=0)
    semantic_weight: float = setting(
        0.1, "of the pictures in classes of the face model's regions; 0: without it", least=0
    )
    semantic_every: int = setting(4, "steps from one with the semantic loss to the next", least=1)
    vgg_weights: str = setting("", "file of the user's VGG-19 weights for the perceptual loss; empty: there is none")
    vgg_weight: float = setting(0.02, "of the perceptual loss, where there are weights", least=0)
    random_background: bool = setting(True, "whether what is certainly beside the head has another colour in each step")


@dataclass(frozen=True, kw_only=True)
class DGTalkerConfig(PersonConfig):
    """A person, and then the blendshapes that move them; the four switches are the ablations of the poster."""

    prior: str = setting("", "file of the prior; none: the one of DGTALKER_PRIOR, or the one that is shipped")
    navigation_steps: int = setting(600, "how many steps train blendshapes and audio encoders afterwards; 0: none are",
                                    least=0)  # fmt: skip
    disentangled: bool = setting(True, "whether lips and expressions have blendshapes apart; else one set for both")
    dual_encoders: bool = setting(True, "whether lips and expressions have an encoder each; else one for both")
    blendshapes: bool = setting(True, "whether encoders answer with weights of blendshapes; else with steps in W+")
    cross_view: bool = setting(True, "whether sounds are exchanged between two frames, each supervising its half")

    def person(self) -> PersonConfig:
        """Of the person's training alone: how they are navigated is nothing to its checkpoint."""
        return PersonConfig(**{item.name: getattr(self, item.name) for item in fields(PersonConfig)})

    def navigation(self) -> NavigationConfig:
        """Of the training that comes after the person's; its `navigation_steps` are not 0."""
        own = ("seed", "disentangled", "dual_encoders", "blendshapes", "cross_view", "vgg_weights")
        return NavigationConfig(steps=self.navigation_steps, **{name: getattr(self, name) for name in own})
