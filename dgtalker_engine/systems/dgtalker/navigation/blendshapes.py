"""Blendshapes in W+: ω = ω_can + Σ αᵉ bᵉ + Σ αˡ bˡ."""

from __future__ import annotations

import math

import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor, nn

from ....rig import ARKIT_NAMES
from ..config import GeneratorConfig
from ..mapping import EXPRESSION_GAIN, expression_of, with_expression
from .config import NavigationConfig

LOWER_NAMES = tuple(n for n in ARKIT_NAMES if n.startswith(("jaw", "mouth")) or n in ("cheekPuff", "tongueOut"))
"""Expressions that lips and jaw make."""
UPPER_NAMES = tuple(n for n in ARKIT_NAMES if n not in LOWER_NAMES)
UPPER = torch.tensor([name in UPPER_NAMES for name in ARKIT_NAMES])
"""Which expressions are the upper face's."""
_FIRST = 1e-3
_COARSE = 4
"""Latents whose expression poses the template: `Generator.face`."""


class Blendshapes(nn.Module):
    """B_exp and B_lip, mutually orthogonal by construction.

    A blendshape has two parts. One is an expression of the face model, the same for every latent of W+: together they
    are an orthonormal basis of what the clip's face did, of its upper part for B_exp and its lower one for B_lip, and
    stay so; so a tracked expression has an α, an α is curves of sliders, and both ways are exact as far as the basis
    goes: `kept` says how far that is. The other part is
    learned: what this person does besides, in the numbers of the latents that are no expression's. It begins at
    almost 0, has a length of its own, and its direction is the column of one QR over both sets.

    Without `NavigationConfig.disentangled` there is one set for the whole face, which both encoders' α move.

    Args:
        config: how many.
        generator: of whose latents.
        expressions: of the training frames (T, E).
    """

    basis: Tensor

    def __init__(self, config: NavigationConfig, generator: GeneratorConfig, expressions: Tensor) -> None:
        super().__init__()
        self.latents, self.room = generator.latents, generator.width - generator.expressions
        self.apart = config.disentangled
        if self.apart:
            parts = [(UPPER_NAMES, config.expressions), (LOWER_NAMES, config.lips)]
        else:
            parts = [(ARKIT_NAMES, config.expressions + config.lips)]
        self.register_buffer("basis", torch.cat([_basis(expressions, names, size) for names, size in parts]))
        count = len(self.basis)
        self.sizes: tuple[int, int] = (config.expressions, config.lips) if self.apart else (count, count)
        # Random, so that no two are alike.
        learned = torch.randn(self.latents * self.room, count)
        self.learned = nn.Parameter(_FIRST * learned / learned.norm(dim=0))

    @property
    def unit(self) -> float:
        """The length in W+ of an expression at full strength; α is in such units."""
        return EXPRESSION_GAIN * math.sqrt(self.latents)

    def joined(self, expression: Tensor, lips: Tensor) -> Tensor:
        """α (B, K) of what the two encoders say (B, `sizes`)."""
        return torch.cat([expression, lips], dim=-1) if self.apart else expression + lips

    def tracked(self, expression: Tensor) -> Tensor:
        """α (B, K) of the face model's expressions (B, E)."""
        return expression @ self.basis.T

    def expression(self, alpha: Tensor) -> Tensor:
        """What α (B, K) say with the face model's expressions (B, E), which may be below 0."""
        return alpha @ self.basis

    def kept(self, expressions: Tensor) -> float:
        """The share of the squares of expressions (T, E) that comes back from their α."""
        return float(self.tracked(expressions).square().sum() / expressions.square().sum().clamp(min=1e-12))

    def least_deviation(self, alpha: Tensor) -> Tensor:
        """By how much each of α (T, k) is to be able to vary at least, (k,): what no frame shows stays at rest."""
        return torch.zeros_like(alpha[0])

    def own(self) -> Tensor:
        """The learned parts (K, latents, width): nothing in an expression's numbers."""
        lengths = self.learned.norm(dim=0)
        directions, triangle = torch.linalg.qr(self.learned / lengths)
        # QR leaves the sign open.
        columns = directions * triangle.diagonal().sign() * (self.unit * lengths)
        return F.pad(columns.T.unflatten(1, (self.latents, self.room)), (0, self.basis.shape[1]))

    def whole(self) -> Tensor:
        """b (K, latents, width)."""
        own = self.own()
        return own + with_expression(torch.zeros_like(own), self.basis[:, None])

    def added(self, alpha: Tensor) -> tuple[Tensor, Tensor]:
        """The steps (B, latents, width) beside `expression`, of B_exp and of B_lip; of one set it is all the first."""
        own, first = self.own(), self.sizes[0]
        steps = [torch.einsum("bk,klw->blw", alpha[:, rows], own[rows]) for rows in (slice(first), slice(first, None))]
        return steps[0], steps[1]

    def ridge(self) -> Tensor:
        """The mean square of the learned parts' lengths."""
        return self.learned.square().sum(dim=0).mean()


class FreeSteps(nn.Module):
    """No blendshapes: what encoders say is the step in W+ itself, in the same units; the ablation.

    Disentangled, the one encoder's is the upper half's, the other one's the lower half's.
    """

    def __init__(self, config: NavigationConfig, generator: GeneratorConfig) -> None:
        super().__init__()
        self.latents, self.width, self.apart = generator.latents, generator.width, config.disentangled
        self.expressions = generator.expressions
        steps = self.latents * self.width
        self.sizes: tuple[int, int] = (steps, steps)

    @property
    def unit(self) -> float:
        return EXPRESSION_GAIN * math.sqrt(self.latents)

    def joined(self, expression: Tensor, lips: Tensor) -> Tensor:
        return torch.cat([expression, lips], dim=-1) if self.apart else expression + lips

    def tracked(self, expression: Tensor) -> Tensor:
        upper = UPPER.to(expression.device)
        parts = (expression * upper, expression * ~upper) if self.apart else (expression,)
        nothing = expression.new_zeros(len(expression), self.latents, self.width)
        steps = [with_expression(nothing, part[:, None]).flatten(1) for part in parts]
        return torch.cat(steps, dim=1) / self.unit

    def expression(self, alpha: Tensor) -> Tensor:
        return expression_of(torch.stack(self._steps(alpha)).sum(dim=0)[:, :_COARSE].mean(dim=1), self.expressions)

    def added(self, alpha: Tensor) -> tuple[Tensor, Tensor]:
        steps, expression = self._steps(alpha), self.expression(alpha)
        if not self.apart:
            said = with_expression(torch.zeros_like(steps[0]), expression[:, None])
            return steps[0] - said, torch.zeros_like(said)
        upper = UPPER.to(alpha.device)
        halves = (expression * upper, expression * ~upper)
        first, second = (
            step - with_expression(torch.zeros_like(step), half[:, None])
            for step, half in zip(steps, halves, strict=True)
        )
        return first, second

    def least_deviation(self, alpha: Tensor) -> Tensor:
        """Tracked expressions leave all others of W+'s numbers at 0, and those are to be learned, too."""
        deviation = alpha.std(dim=0)
        return deviation[deviation > 0].square().mean().sqrt().expand_as(deviation)

    def ridge(self) -> Tensor:
        return torch.zeros(())

    def _steps(self, alpha: Tensor) -> tuple[Tensor, ...]:
        """Of either half, or of both in one."""
        return tuple((self.unit * alpha.unflatten(1, (-1, self.latents, self.width))).unbind(1))


def blendshapes_of(
    config: NavigationConfig, generator: GeneratorConfig, expressions: Tensor
) -> Blendshapes | FreeSteps:
    """What α mean, as the switches say."""
    return Blendshapes(config, generator, expressions) if config.blendshapes else FreeSteps(config, generator)


def _basis(expressions: Tensor, names: tuple[str, ...], size: int) -> Tensor:
    """Principal directions (size, E), orthonormal, of expressions (T, E) as far as they are of `names`.

    About rest, not about their mean: at rest α is 0. Directions that no frame shows complete the basis.
    """
    columns = [ARKIT_NAMES.index(name) for name in names]
    shown = expressions[:, columns].double().numpy()
    # eigenvectors, since there may be fewer frames than expressions
    _, vectors = np.linalg.eigh(shown.T @ shown)
    chosen = vectors[:, ::-1][:, :size]
    chosen = chosen * np.where(chosen.sum(axis=0) < 0, -1.0, 1.0)
    basis = torch.zeros(size, expressions.shape[1])
    basis[:, columns] = torch.from_numpy(chosen.T.copy()).float()
    return basis
