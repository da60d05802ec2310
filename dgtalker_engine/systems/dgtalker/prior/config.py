"""What decides how the prior is trained."""

from __future__ import annotations

from dataclasses import dataclass

from ....errors import DGTalkerError
from ....training import Config, setting
from ..config import GeneratorConfig
from ..population.traits import CODE_SIZE


@dataclass(frozen=True, kw_only=True)
class PriorConfig(Config):
    """The training over the population; each step sees new people.

    Raises:
        DGTalkerError: as `Config`; where there are too few people for the basis.
    """

    steps: int = setting(2_400, "how many steps to train", least=1)
    batch: int = setting(4, "heads in a step", least=1)
    views: int = setting(1, "pictures in a step, of its first heads", least=0)
    side: int = setting(256, "of the pictures, pixels", least=16)
    learning_rate: float = setting(3e-3, "Adam's highest", least=0.0)
    warm_up: float = setting(0.03, "the share of the steps in which the learning rate rises", least=0.0, most=1.0)
    gradient_norm: float = setting(1.0, "gradients are scaled down to that norm", least=0.0)
    average: float = setting(0.998, "how much of the averaged weights stays in a step", least=0.0, most=1.0)
    yaw: float = setting(60.0, "how far to the sides heads are seen, degrees", least=0.0, most=180.0)
    component_people: int = setting(1_500, "whose heads' principal components are the basis", least=2)
    first_people: int = setting(400, "whose heads tell what the basis and shared planes begin with", least=1)
    known_people: int = setting(20_000, "whose shares of the basis the mapping learns first", least=2)
    sketch_gaussians: int = setting(3_000, "of heads that are made for their shares alone", least=1)
    attributes: float = setting(1.0, "weight of the error of the Gaussians' attributes", least=0.0)
    face: float = setting(0.5, "weight of the face model's error", least=0.0)
    colours: float = setting(4.0, "weight of the pictures' L1", least=0.0)
    structure: float = setting(0.5, "weight of the pictures' D-SSIM", least=0.0)

    resolution: int = setting(256, "of the planes", least=4)
    channel_base: int = setting(4096, "channels of a layer times its resolution", least=1)
    channel_max: int = setting(160, "no layer has more channels than that", least=1)
    width: int = setting(256, "of a latent", least=1)
    basis: int = setting(48, "planes that heads are mixed of", least=1)
    basis_resolution: int = setting(32, "of these planes", least=1)
    gaussians: int = setting(40_000, "of a head", least=1)

    def __post_init__(self) -> None:
        super().__post_init__()
        for name in ("component_people", "first_people"):
            if not self.basis < getattr(self, name) <= self.known_people:
                raise DGTalkerError(
                    f"PriorConfig: {name} = {getattr(self, name)}, with basis = {self.basis} and known_people = "
                    f"{self.known_people}.",
                    "Choose more than the basis has planes, and no more than there are known people.",
                )

    def generator(self) -> GeneratorConfig:
        """What the generator is like."""
        return GeneratorConfig(
            code_size=CODE_SIZE,
            width=self.width,
            mapping_layers=3,
            resolution=self.resolution,
            channel_base=self.channel_base,
            channel_max=self.channel_max,
            gaussians=self.gaussians,
            layered=True,
            shared_planes=True,
            basis=self.basis,
            basis_resolution=self.basis_resolution,
            # Long hair is farther from the scalp than GGHead's Gaussians from their template.
            position_range=0.4,
        )
