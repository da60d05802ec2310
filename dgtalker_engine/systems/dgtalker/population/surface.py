"""What a person shows at each place, before light falls on it."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from ....kernels import srgb
from .canvas import Canvas


@dataclass
class Surface:
    """G places; colours are scene-linear, lengths millimetres on the mean face at rest.

    Attributes:
        albedo: (G, 3).
        offset: from the face (G, 3).
        size: standard deviations across, along and through (G, 3).
        normal: what the through-axis lies along (G, 3).
        turn: of the along-axis about the normal, from where it points up the face or away from the crown (G,).
        gloss: strength of what shines (G,).
        open: share of the light that arrives, beside what the face itself shades (G,).
        hair: how much a place is hair, which shines along its strands (G,).
        opacity: (G,).
    """

    albedo: np.ndarray
    offset: np.ndarray
    size: np.ndarray
    normal: np.ndarray
    turn: np.ndarray
    gloss: np.ndarray
    open: np.ndarray
    hair: np.ndarray
    opacity: np.ndarray

    @staticmethod
    def of(canvas: Canvas) -> Surface:
        """Discs on the face, which overlap as much as they must."""
        count = len(canvas.points)
        size = canvas.spacing[:, None] * np.array([0.78, 0.78, 0.26], np.float32)
        zeros = np.zeros(count, np.float32)
        return Surface(
            albedo=np.full((count, 3), 0.5, np.float32),
            offset=np.zeros((count, 3), np.float32),
            size=size.astype(np.float32),
            normal=canvas.normals.copy(),
            turn=zeros.copy(),
            gloss=zeros.copy(),
            open=np.ones(count, np.float32),
            hair=zeros.copy(),
            opacity=np.full(count, 0.97, np.float32),
        )

    def tint(self, colour: np.ndarray, amount: np.ndarray) -> None:
        """Moves colours towards one, scene-linear (3,) or (G, 3), by so much (G,)."""
        self.albedo += amount[:, None] * (colour - self.albedo)


def linear(*colour: float) -> np.ndarray:
    """sRGB to scene-linear (3,)."""
    return srgb.decode(np.asarray(colour, np.float64)).astype(np.float32)


def between(colours: np.ndarray, share: float) -> np.ndarray:
    """A colour on the way through several (n, 3): 0 the first, 1 the last."""
    place = float(np.clip(share, 0, 1)) * (len(colours) - 1)
    index = min(int(place), len(colours) - 2)
    return colours[index] + (place - index) * (colours[index + 1] - colours[index])
