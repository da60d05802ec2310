"""What the generator begins with: planes that heads are mixed of, and how much of each somebody has.

The principal components of the population's heads, a few dozen, say most of what tells people apart: skin, hair,
beards, light. They are known in minutes, where a network that starts from nothing needs days to find them.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import replace
from typing import NamedTuple

import numpy as np
import torch
from torch import Tensor

from ....capture.face_model import Region
from ..attributes import Raw, split
from ..places import even_template
from ..population.people import Population
from ..population.traits import CODE_SIZE, draw, identity_of
from .config import PriorConfig
from .losses import attribute_units, face_error
from .projection import planes_of
from .samples import draw_expression

_RIDGE = 1e-3
_COMPARED, _LEAST_IMPORTANCE = 2, 0.005
_LESS = {Region.SCALP: 0.4, Region.MOUTH_INSIDE: 0.4, Region.NECK: 0.25}
"""How much a region's attributes count, faces' 1: hair and shoulders differ most, and faces are looked at."""


class People(NamedTuple):
    """Some of the population.

    Attributes:
        codes: float32 (N, `CODE_SIZE`).
        expressions: float32 (N, E).
    """

    codes: np.ndarray
    expressions: np.ndarray

    @staticmethod
    def drawn(count: int, names: tuple[str, ...], random: np.random.Generator) -> People:
        """People with an expression of some blendshapes each."""
        codes = np.stack([draw(random) for _ in range(count)])
        return People(codes, np.stack([draw_expression(names, random) for _ in range(count)]))


class Basis(NamedTuple):
    """Planes of K components.

    Attributes:
        shared: the planes of the mean head (C, R, R).
        planes: of each component (K, C, r, r).
        people: of whom the shares are known.
        shares: how much of each component they have, that of the first one with a deviation of 1 (N, K).
        importance: how much heads change with each number of a code, their mean square 1 (`CODE_SIZE`,).
    """

    shared: Tensor
    planes: Tensor
    people: People
    shares: Tensor
    importance: Tensor


def principal_basis(
    population: Population, config: PriorConfig, random: np.random.Generator, tell: Callable[[float], None]
) -> Basis:
    """The basis of a population.

    Components and shares are found on heads of few places, which are made quickly; whole heads tell what planes say.

    Args:
        population: of whole heads.
        config: how many components and people.
        random: whom to draw.
        tell: is told the fraction done, and raises `Cancelled` to stop.
    """
    model = population.model
    sketched = Population(model, even_template(model, config.sketch_gaussians), config.generator())
    people = People.drawn(config.known_people, model.expression_names, random)
    importance = _importance(sketched, random, lambda done: tell(0.02 * done))
    shares = _shares(sketched, people, config, lambda done: tell(0.02 + 0.78 * done))
    first = People(*(part[: config.first_people] for part in people))
    whole = _regressed(population, first, shares[: config.first_people], lambda done: tell(0.8 + 0.1 * done))
    shared = planes_of(_raw(whole[0], population), population.template.uv, population.config)
    planes = []
    for index, component in enumerate(whole[1:]):
        tell(0.9 + 0.1 * index / config.basis)
        planes.append(_small_planes(component, population, config))
    return Basis(shared, torch.stack(planes), people, shares, importance)


def _shares(population: Population, people: People, config: PriorConfig, tell: Callable[[float], None]) -> Tensor:
    """How much of each principal component people have (N, K); the first ones decide what the components are."""
    regions = torch.from_numpy(population.canvas.region)
    counts = torch.ones(len(regions))
    for region, share in _LESS.items():
        counts[regions == region] = share
    units = counts[:, None] * attribute_units(population.config)
    rows = ((row * units).flatten() for row in _heads(population, people, tell))
    several = torch.stack([next(rows) for _ in range(min(config.component_people, len(people.codes)))])
    mean = several.mean(dim=0)
    several -= mean
    strengths, mixtures = torch.linalg.eigh(several @ several.T)
    chosen = strengths.argsort(descending=True)[: config.basis]
    components = (mixtures[:, chosen] / strengths[chosen].clamp_min(1e-8).sqrt()).T @ several
    shares = torch.cat([several @ components.T, *((row - mean)[None] @ components.T for row in rows)])
    return shares / shares[:, 0].std()


def _importance(population: Population, random: np.random.Generator, tell: Callable[[float], None]) -> Tensor:
    """How much heads change with each number of a code, their faces' form too, relative (`CODE_SIZE`,)."""
    model = population.model
    rest = np.zeros((1 + CODE_SIZE, len(model.expression_names)), np.float32)
    units, total = attribute_units(population.config), torch.zeros(CODE_SIZE)
    for index in range(_COMPARED):
        tell(index / _COMPARED)
        code = draw(random)
        codes = np.stack([code, *_changed(code)])
        first, *others = _heads(population, People(codes, rest))
        total += torch.stack([((other - first) * units).abs().sum(dim=1).mean() for other in others])
        identities = torch.from_numpy(identity_of(codes, population.masculine))
        face, *faces = model.vertices(identities, torch.from_numpy(rest))
        total += torch.stack([face_error(each, face) for each in faces])
    shares = total / total.max() + _LEAST_IMPORTANCE
    return shares / shares.square().mean().sqrt()


def _changed(code: np.ndarray) -> Iterator[np.ndarray]:
    """The code with each of its numbers changed in turn."""
    for number in range(CODE_SIZE):
        other = code.copy()
        other[number] -= np.copysign(1.5, other[number])
        yield other


def _regressed(population: Population, people: People, shares: Tensor, tell: Callable[[float], None]) -> Tensor:
    """What a mean head's attributes are, and how they change with each share (1 + K, G, C): linear regression."""
    known = torch.cat([torch.ones(len(shares), 1), shares], dim=1)
    total: Tensor | None = None
    for row, attributes in zip(known, _heads(population, people, tell), strict=True):
        product = row[:, None, None] * attributes
        total = product if total is None else total + product
    assert total is not None
    gram = known.T @ known + _RIDGE * len(known) * torch.eye(known.shape[1])
    return torch.linalg.solve(gram, total.flatten(1)).view_as(total)


def _heads(population: Population, people: People, tell: Callable[[float], None] = lambda _: None) -> Iterator[Tensor]:
    """The attributes (G, C) of each."""
    for index, (code, expression) in enumerate(zip(*people, strict=True)):
        tell(index / len(people.codes))
        yield torch.cat(list(population.raw(population.person(code), expression)), dim=-1)[0]


def _raw(attributes: Tensor, population: Population) -> Raw:
    return split(attributes[None], population.config)


def _small_planes(component: Tensor, population: Population, config: PriorConfig) -> Tensor:
    small = replace(population.config, resolution=config.basis_resolution)
    return planes_of(_raw(component, population), population.template.uv, small)
