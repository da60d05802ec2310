"""What sliders do beyond the face model's expressions: all steps through W+ as the few latents that a file has."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
import torch
from torch import Tensor

from ....training.export import LatentMap
from ....training.latent_pose import latent_map
from ..person import Person
from .blendshapes import Blendshapes
from .halves import Steps, halves
from .navigate import Navigation

_MOST, _KEPT = 16, 0.99
"""How many latents a file gets, and the share of what frames show that they keep: each makes the file larger."""
_BOUND = 8.0
"""Standard deviations at which latents end where nothing is bound: those that were seen stay as good as linear."""
_ALMOST = 0.95
"""The share of a bound up to which latents are asked for."""
_DOUBT = 0.05
"""Standard deviations: an expression that varies less has little say in how a bound bends latents."""
_NOTHING = 1e-6


class Drive(NamedTuple):
    """K latents.

    Attributes:
        latents: how they follow from an expression (E,).
        steps: what each adds in W+ (K, latents, width).
    """

    latents: LatentMap
    steps: Steps


@torch.no_grad()
def latent_drive(person: Person, navigation: Navigation, expressions: Tensor) -> Drive | None:
    """How latents follow from an expression, and what each does; None: nothing is added.

    All steps, those that the person was tuned with included, are weights times a basis, and the weights are linear in
    the expression but for the bound of the person's own. Their principal directions over the training frames are the
    latents, in standard deviations, bound as the person's own are. Inside that bound they are linear: what would be
    without one, mended by least squares so that frames show the same.

    Args:
        person: whose head it is.
        navigation: what moves them.
        expressions: of the training frames (T, E).
    """
    basis = _basis(person, navigation)
    if not len(basis):
        return None
    rest = _weights(person, navigation, torch.zeros_like(expressions[:1]), bound=False)
    linear = _weights(person, navigation, torch.eye(expressions.shape[1]), bound=False) - rest
    shown = _weights(person, navigation, expressions, bound=True)
    # of both factors alone, since their product is as long as frames are many and W+ is wide
    rows, columns = torch.linalg.qr(shown), torch.linalg.qr(basis.flatten(1).T)
    _, lengths, directions = torch.linalg.svd(rows.R @ columns.R.T, full_matrices=False)
    if float(lengths[0]) < _NOTHING:
        return None
    shares = lengths.square().cumsum(0) / lengths.square().sum()
    count = min(_MOST, int((shares < _KEPT).sum()) + 1)
    deviations = lengths[:count] / np.sqrt(len(expressions))
    # weights to latents
    scaled = columns.R.T @ directions[:count].T / deviations
    affine, bound = torch.cat([rest @ scaled, linear @ scaled]), _BOUND
    if person.own is not None:
        bound = person.own.latent.bound
        affine = _bent(affine, expressions, shown @ scaled, bound)
    found = LatentMap(linear=affine[1:].numpy(), offset=affine[0].numpy(), bound=bound)
    steps = (columns.Q @ directions[:count].T * deviations).T
    return Drive(found, Steps(*steps.unflatten(1, basis.shape[1:]).unbind(1)))


def _bent(affine: Tensor, expressions: Tensor, wanted: Tensor, bound: float) -> Tensor:
    """The affine map (1 + E, K) near one that is given, whose bounded values are what is wanted of frames (T, K)."""
    before = bound * torch.atanh((wanted / bound).clamp(-_ALMOST, _ALMOST)).double()
    inputs = torch.cat([torch.ones(len(expressions), 1), expressions], dim=1).double()
    square = inputs.T @ inputs + len(expressions) * _DOUBT**2 * torch.eye(inputs.shape[1], dtype=torch.float64)
    change = torch.linalg.solve(square, inputs.T @ (before - inputs @ affine.double()))
    return affine + change.float()


def _basis(person: Person, navigation: Navigation) -> Tensor:
    """What weights are of: steps of upper half, lower half and the whole (R, 3, latents, width)."""
    shapes, sets = navigation.blendshapes, []
    if isinstance(shapes, Blendshapes):
        own = shapes.own()
        first = torch.arange(len(own))[:, None, None] < shapes.sizes[0]
        sets.append(torch.stack([own * first, own * ~first, own], dim=1))
    if person.own is not None:
        own = person.own.blendshapes[: person.own.latent.linear.shape[1]]
        sets += [torch.stack([own * (part == at) for at in range(3)], dim=1) for part in range(3)]
    if not sets:
        return torch.zeros(0, 3, *person.canonical.shape[1:])
    basis = torch.cat(sets)
    if not shapes.apart:
        basis[:, :2] = 0
    return basis


def _weights(person: Person, navigation: Navigation, expressions: Tensor, *, bound: bool) -> Tensor:
    """How much of `_basis` there is at expressions (T, E), with joints and head as they rest: (T, R)."""
    shapes, found = navigation.blendshapes, [expressions[:, :0]]
    if isinstance(shapes, Blendshapes):
        found.append(shapes.tracked(expressions))
    if person.own is not None:
        own = latent_map(person.own.latent, expressions.shape[1])
        for part in (*halves(expressions, navigation.usual), expressions):
            z = torch.from_numpy(own.offset) + part @ torch.from_numpy(own.linear)
            found.append(own.bound * torch.tanh(z / own.bound) if bound else z)
    return torch.cat(found, dim=1)
