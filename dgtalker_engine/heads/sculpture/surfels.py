"""Surfels on the head's surfaces, from which both the Gaussians and the proxy's vertices are made. Millimetres."""

from __future__ import annotations

from dataclasses import dataclass, fields, replace
from enum import IntEnum

import numpy as np


class Part(IntEnum):
    """What a point belongs to; decides what moves it."""

    SKIN = 0
    INNER_LIP = 1
    CAVITY = 2
    UPPER_TEETH = 3
    LOWER_TEETH = 4
    TONGUE = 5
    EYE = 6
    HAIR = 7
    CLOTH = 8
    STATIC = 9


@dataclass(kw_only=True)
class Surfels:
    """N surface elements: points on a surface with a disc each.

    Attributes:
        position: (N, 3).
        normal: (N, 3), unit, outwards.
        along: (N, 3), unit, the disc's longer axis, in the surface.
        size: (N, 2), one standard deviation along `along` and across it.
        colour: (N, 3), sRGB, with light.
        albedo: (N, 3), sRGB, without light.
        opacity: (N,).
        part: (N,) of `Part`.
        anchor: (N, 3), the place on the skin whose motion the point follows.
        side: (N,), 1 for the upper lip, 0 for the lower, NaN where the place tells.
    """

    position: np.ndarray
    normal: np.ndarray
    along: np.ndarray
    size: np.ndarray
    colour: np.ndarray
    albedo: np.ndarray
    opacity: np.ndarray
    part: np.ndarray
    anchor: np.ndarray
    side: np.ndarray

    def __len__(self) -> int:
        return len(self.position)

    def select(self, chosen: np.ndarray) -> Surfels:
        return Surfels(**{field.name: getattr(self, field.name)[chosen] for field in fields(self)})

    @classmethod
    def join(cls, sets: list[Surfels]) -> Surfels:
        names = [field.name for field in fields(cls)]
        return cls(**{name: np.concatenate([getattr(surfels, name) for surfels in sets]) for name in names})

    def mirrored(self) -> Surfels:
        """The same surfels on the other side of the face."""
        flip = np.array([-1.0, 1.0, 1.0])
        return replace(
            self,
            position=self.position * flip,
            normal=self.normal * flip,
            along=self.along * flip,
            anchor=self.anchor * flip,
        )

    def both_sides(self) -> Surfels:
        return Surfels.join([self, self.mirrored()])


def make(
    position: np.ndarray,
    normal: np.ndarray,
    size: np.ndarray | float,
    part: Part,
    *,
    along: np.ndarray | None = None,
    colour: np.ndarray | tuple = (0.5, 0.5, 0.5),
    albedo: np.ndarray | None = None,
    opacity: np.ndarray | float = 0.97,
    anchor: np.ndarray | None = None,
    side: np.ndarray | float = np.nan,
) -> Surfels:
    """Surfels of one part; `size` (N,) or a number gives round discs; the albedo is the colour unless given."""
    n = len(position)
    size = np.asarray(size, float)
    if size.ndim < 2:
        size = np.repeat(np.broadcast_to(size, (n,))[:, None], 2, axis=1)
    return Surfels(
        position=np.asarray(position, float),
        normal=unit(normal),
        along=tangent(normal, along),
        size=size,
        colour=np.broadcast_to(np.asarray(colour, float), (n, 3)).copy(),
        albedo=np.broadcast_to(np.asarray(colour if albedo is None else albedo, float), (n, 3)).copy(),
        opacity=np.broadcast_to(np.asarray(opacity, float), (n,)).copy(),
        part=np.full(n, int(part)),
        anchor=np.asarray(position if anchor is None else anchor, float).copy(),
        side=np.broadcast_to(np.asarray(side, float), (n,)).copy(),
    )


def unit(vectors: np.ndarray) -> np.ndarray:
    return vectors / np.maximum(np.linalg.norm(vectors, axis=-1, keepdims=True), 1e-12)


def tangent(normal: np.ndarray, along: np.ndarray | None = None) -> np.ndarray:
    """Unit vectors in the surface, as near to `along` (level lines where None) as the normal leaves them."""
    normal = unit(normal)
    if along is None:
        level = np.stack([-normal[:, 1], normal[:, 0], np.zeros(len(normal))], axis=1)
        flat = np.abs(normal[:, 2]) > 0.98
        level[flat] = [1.0, 0.0, 0.0]
        along = level
    along = np.broadcast_to(along, normal.shape)
    return unit(along - (along * normal).sum(axis=1, keepdims=True) * normal)


def smooth(low: float | np.ndarray, high: float | np.ndarray, value: np.ndarray) -> np.ndarray:
    """Smoothstep: 0 at `low`, 1 at `high`."""
    t = np.clip((value - low) / (high - low), 0, 1)
    return t * t * (3 - 2 * t)


def soft(distance: np.ndarray, radius: float) -> np.ndarray:
    """1 at 0, falling off like a bell of `radius`."""
    return np.exp(-((distance / radius) ** 2))
