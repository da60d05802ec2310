"""What of a prior is fitted to somebody: a latent in W+ first, then the generator around it."""

from __future__ import annotations

import copy

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from .config import GeneratorConfig
from .generator import Generator
from .inverted_latent import InvertedLatent
from .person import OwnSteps, Person

_POSITION, _SCALE, _ROTATION, _COLOUR, _SHINE, _OPACITY = 1e-3, 1e-2, 2e-3, 1e-2, 2e-3, 3e-2
"""How far shared planes go in a step, of numbers before activations: 0.15 mm, 1 % of a size, 0.7°, 1 % of a colour."""
_COARSER = (1, 4, 16)
"""How many texels of a side one texel of each level of what is added spans."""
_LEAST_SIDE = 16
"""Texels of a level: fewer would move the back of a head along with its face."""


class Tuning(nn.Module):
    """A generator on its way to one person.

    The face under it is the person's from the first step on: their identity, which the capture knows, stands in place
    of what the prior reads out of latents. So no step through W moves their bones.

    Args:
        prior: does not change.
        identity: of the face model (I,).
        own: steps that are learned with it; None: without them.

    Attributes:
        generator: the prior's, which is tuned.
        latents: where the person is in W+.
        levels: what is added to its shared planes, fine to coarse, in steps of the learning rate, so that no attribute
            needs an optimiser of its own. What is seen in a few texels moves those between them along with it.
    """

    rates: Tensor

    def __init__(self, prior: Generator, identity: Tensor, own: OwnSteps | None) -> None:
        super().__init__()
        self.own_steps = own
        self.generator = copy.deepcopy(prior).requires_grad_(False)
        stand_on(self.generator, identity)
        config = prior.config
        self.latents = InvertedLatent(prior)
        least = min(_LEAST_SIDE, config.resolution)
        sides = [side for span in _COARSER if (side := config.resolution // span) >= least]
        self.levels = nn.ParameterList(torch.zeros(config.planes, side, side) for side in sides)
        self.register_buffer("rates", plane_rates(config)[:, None, None], persistent=False)

    def network(self) -> list[nn.Parameter]:
        """What of the generator is tuned beside the shared planes.

        Not the basis: its planes say how people differ, and of one person the shared planes say that, sharper.
        """
        return [*self.generator.synthesis.parameters(), *self.generator.position.parameters()]

    def thaw(self, *, network: bool) -> None:
        """Whether the network learns: looking for the latent, its gradients would be made to be thrown away."""
        for parameter in self.network():
            parameter.requires_grad_(network)

    def added(self) -> Tensor:
        """What is added to the shared planes (channels, resolution, resolution), in steps."""
        fine, *coarse = self.levels
        return fine + sum(
            F.interpolate(level[None], fine.shape[-2:], mode="bilinear", align_corners=False)[0] for level in coarse
        )

    def shared(self, added: Tensor | None = None) -> Tensor:
        """The generator's shared planes with what was `added`."""
        assert self.generator.shared is not None
        return self.generator.shared + self.rates * (self.added() if added is None else added)

    def person(self, added: Tensor | None = None) -> Person:
        """What was found so far; a copy."""
        generator = copy.deepcopy(self.generator)
        assert generator.shared is not None
        with torch.no_grad():
            generator.shared.copy_(self.shared(added))
            rest = self.latents.at_rest()
        return Person(generator, rest, copy.deepcopy(self.own_steps))

    def held(self, hidden: Tensor) -> Tensor:
        """The mean square of what is added, as far as it is to be held (channels, resolution, resolution)."""
        held = [F.adaptive_avg_pool2d(hidden, level.shape[-2:]) for level in self.levels]
        return torch.stack([(h * level.square()).mean() for h, level in zip(held, self.levels, strict=True)]).sum()


def stand_on(generator: Generator, identity: Tensor) -> None:
    """Makes the generator's faces those of one identity (I,), whatever latents say."""
    assert generator.identity is not None
    with torch.no_grad():
        generator.identity.weight.zero_()
        generator.identity.bias.copy_(identity)


def plane_rates(config: GeneratorConfig) -> Tensor:
    """How far each channel of the planes goes in a step (channels,)."""
    colours = [_COLOUR] * 3 + [_SHINE] * (3 * config.sh_coefficients - 3)
    rates = [*[_POSITION] * 3, *[_SCALE] * 3, *[_ROTATION] * 3, *colours, _OPACITY]
    return torch.tensor(rates).repeat(1 + config.layered)


def position_channels(config: GeneratorConfig) -> Tensor:
    """Which channels of the planes are positions, bool (channels,)."""
    positions = torch.zeros(config.plane_channels, dtype=torch.bool)
    positions[:3] = True
    return positions.repeat(1 + config.layered)


def colour_channels(config: GeneratorConfig) -> Tensor:
    """Which channels of the planes are colours, bool (channels,)."""
    colours = torch.zeros(config.plane_channels, dtype=torch.bool)
    colours[9:-1] = True
    return colours.repeat(1 + config.layered)
