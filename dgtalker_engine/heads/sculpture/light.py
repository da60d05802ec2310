"""The light that is baked into the colours: a warm key, a fill, a rim, sky and bounce. sRGB in and out."""

from __future__ import annotations

import numpy as np

from ...kernels import srgb
from . import sdf
from .surfels import unit

KEY = unit(np.array([0.50, -0.78, 0.62]))
FILL = unit(np.array([-0.75, -0.60, 0.10]))
RIM = unit(np.array([-0.55, 0.72, 0.45]))
VIEW = np.array([0.0, -1.0, 0.05])
KEY_COLOUR = np.array([1.0, 0.93, 0.84]) * 0.86
FILL_COLOUR = np.array([1.0, 0.92, 0.90]) * 0.22
RIM_COLOUR = np.array([1.0, 0.95, 0.88]) * 0.30
SKY = np.array([0.92, 0.96, 1.0]) * 0.36
BOUNCE = np.array([1.0, 0.82, 0.72]) * 0.20


def linear(colour: np.ndarray | tuple) -> np.ndarray:
    """sRGB to scene-linear."""
    colour = np.clip(np.asarray(colour, float), 0, 1)
    return srgb.decode(colour)


def display(colour: np.ndarray) -> np.ndarray:
    """Scene-linear to sRGB; what is brighter than white is rolled off."""
    colour = np.maximum(colour, 0)
    colour = np.where(colour > 0.75, 0.75 + 0.25 * (1 - np.exp(-(colour - 0.75) / 0.25)), colour)
    return srgb.encode(colour)


def lit(
    albedo: np.ndarray,
    normal: np.ndarray,
    ambient: np.ndarray,
    shadow: np.ndarray,
    *,
    scatter: tuple[float, float, float] = (0.0, 0.0, 0.0),
    gloss: np.ndarray | float = 0.0,
    sharpness: float = 18.0,
) -> np.ndarray:
    """Shaded sRGB (N, 3).

    Args:
        albedo: sRGB (N, 3).
        normal: (N, 3).
        ambient: (N,), 1 in the open.
        shadow: (N,), how much of the key arrives.
        scatter: how far light of each colour reaches round the terminator, as in skin.
        gloss: (N,) strength of the highlight, seen from the front.
        sharpness: exponent of the highlight.
    """
    wrap = np.asarray(scatter)
    facing = (normal @ KEY)[:, None]
    softened = 0.12 + 0.88 * shadow[:, None] ** (1 / (1 + 2 * wrap))
    key = np.maximum((facing + wrap) / (1 + wrap), 0) * softened
    fill = np.maximum((normal @ FILL)[:, None] * 0.7 + 0.3, 0)
    rim = np.maximum(normal @ RIM, 0)[:, None] ** 2
    up = normal[:, 2:3] * 0.5 + 0.5
    # light that bounces within a cleft takes on the surface's own colour
    base = linear(albedo)
    open_ = ambient[:, None]
    tinted = open_ / (1 - base * (1 - open_) * 0.8)
    light = key * KEY_COLOUR + (fill * FILL_COLOUR + SKY * up + BOUNCE * (1 - up)) * tinted + rim * RIM_COLOUR * open_
    half = unit(KEY + unit(VIEW))
    shine = np.maximum(normal @ half, 0) ** sharpness * shadow * ambient * gloss
    return display(base * light + shine[:, None] * KEY_COLOUR)


def exposure(
    forms: list[np.ndarray], position: np.ndarray, normal: np.ndarray, reach: float = 16.0
) -> tuple[np.ndarray, np.ndarray]:
    """Ambient light and key light (N,) that reach a place among several forms."""
    ambient, key = np.ones(len(position)), np.ones(len(position))
    for form in forms:
        lifted = position + 0.4 * normal
        ambient *= 0.6 * sdf.occlusion(form, lifted, normal, reach) + 0.4 * sdf.occlusion(
            form, lifted, normal, reach * 3
        )
        key *= sdf.shadow(form, lifted, normal, KEY, 3.6)
    return ambient, key
