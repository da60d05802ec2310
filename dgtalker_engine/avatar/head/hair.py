"""Hair: locks covered with strands that follow them."""

from __future__ import annotations

import numpy as np
from scipy.spatial import KDTree

from . import sdf
from .form import lock_curves
from .light import KEY, VIEW, display, exposure, linear
from .points import Part, Points, make, smooth, tangent, unit
from .sample import on_surface

ROOT = np.array([0.20, 0.10, 0.065])
TIP = np.array([0.50, 0.285, 0.165])
BOX = ((-110.0, -115.0, -80.0), (110.0, 115.0, 152.0))


def hair(form: np.ndarray, skin_form: np.ndarray, rng: np.random.Generator) -> Points:
    """Discs, long along the strands, on the hair's surface where it stands clear of the skin."""

    def spacing(points: np.ndarray) -> np.ndarray:
        clear = sdf.distances(skin_form, points)
        return np.where(clear > -0.6, 2.45 + 0.8 * smooth(-20, 40, points[:, 1]), 0)

    position, normal, wanted = on_surface(form, BOX, spacing, 2.45, rng, mirrored=False)
    flow, lock, run = _flow(position)
    along = tangent(normal, flow)
    clear = sdf.distances(skin_form, position)
    strand = _strands(position, along, normal, lock)
    ambient, key = exposure([form, skin_form], position, normal, 10.0)
    albedo = hair_albedo(strand, run)
    colour = shade(along, normal, ambient, key, strand, albedo)
    # the line where hair meets skin is soft: discs there thin out
    opacity = 0.96 * smooth(-0.8, 1.6, clear) + 0.02
    size = np.stack([1.35 * wanted, 0.58 * wanted], axis=1)
    place = position + 0.3 * strand[:, None] * normal
    base = make(place, normal, size, Part.HAIR, along=along, colour=colour, albedo=albedo, opacity=opacity)
    return Points.join([base, wisps(base, clear, rng)])


def wisps(base: Points, clear: np.ndarray, rng: np.random.Generator) -> Points:
    """Single thin hairs that stand off the locks and soften the silhouette and the hairline."""
    near = base.select(rng.random(len(base)) < np.where(clear < 3, 0.42, 0.16))
    count = len(near)
    lift = (0.5 + 1.1 * rng.random((count, 1))) * near.normal
    sideways = np.cross(near.normal, near.along) * rng.normal(0, 0.10, (count, 1))
    direction = unit(near.along + sideways + 0.10 * near.normal)
    size = np.stack([3.0 + 2.0 * rng.random(count), 0.24 + 0.10 * rng.random(count)], axis=1)
    bright = 0.9 + 0.45 * rng.random((count, 1))
    return make(
        near.position + lift + direction * 1.5,
        near.normal,
        size,
        Part.HAIR,
        along=direction,
        colour=np.clip(near.colour * bright, 0, 1),
        albedo=np.clip(near.albedo * bright, 0, 1),
        opacity=0.7,
    )


def _flow(position: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Direction of the strands (N, 3), the nearest lock (N,) and how far along it a point lies, 0 to 1 (N,)."""
    curves = [line for line, _ in lock_curves(24)]
    points = np.concatenate(curves)
    directions = np.concatenate([unit(np.gradient(line, axis=0)) for line in curves])
    lock = np.repeat(np.arange(len(curves)), 24)
    run = np.tile(np.linspace(0, 1, 24), len(curves))
    distance, index = (np.asarray(found) for found in KDTree(points).query(position, k=10))
    weight = 1 / (distance + 2.0) ** 3
    weight /= weight.sum(axis=1, keepdims=True)
    flow = (directions[index] * weight[:, :, None]).sum(axis=1)
    return unit(flow), lock[index[:, 0]], (run[index] * weight).sum(axis=1)


def _strands(position: np.ndarray, along: np.ndarray, normal: np.ndarray, lock: np.ndarray) -> np.ndarray:
    """(N,) -1 to 1, constant along the flow and changing across it, so that strands show."""
    across = np.cross(normal, along)
    u = (position * across).sum(axis=1)
    return 0.55 * np.sin(u * 1.9 + lock * 1.7) + 0.45 * np.sin(u * 4.3 + lock * 2.9)


def hair_albedo(strand: np.ndarray, run: np.ndarray) -> np.ndarray:
    """sRGB (N, 3) of hair without light: `strand` -1 to 1 across the flow, `run` 0 at the roots to 1 at the tips."""
    albedo = ROOT + (TIP - ROOT) * (0.15 + 0.75 * smooth(0, 1, run))[:, None]
    return albedo * (1 + 0.28 * strand)[:, None]


def shade(
    along: np.ndarray,
    normal: np.ndarray,
    ambient: np.ndarray,
    key: np.ndarray,
    strand: np.ndarray,
    albedo: np.ndarray,
) -> np.ndarray:
    """sRGB (N, 3): diffuse, and the two highlights of hair (Kajiya and Kay 1989), seen from the front."""
    facing = np.maximum(normal @ KEY * 0.75 + 0.25, 0) * (0.25 + 0.75 * key)
    up = normal[:, 2] * 0.5 + 0.5
    light = 1.05 * facing + (0.30 * up + 0.20) * ambient
    half = unit(KEY + unit(VIEW))
    first = np.sqrt(np.maximum(1 - (unit(along + 0.12 * normal) @ half) ** 2, 0)) ** 60
    second = np.sqrt(np.maximum(1 - (unit(along - 0.18 * normal) @ half) ** 2, 0)) ** 14
    visible = np.maximum(normal @ half, 0) ** 0.7 * (0.2 + 0.8 * key) * ambient
    base = linear(albedo)
    shine = (0.13 * first * (1 + 0.6 * strand) * visible)[:, None] * np.array([1.0, 0.72, 0.48])
    glow = (0.85 * second * visible)[:, None] * base * np.array([1.3, 1.0, 0.8])
    rim = np.maximum(normal @ unit(np.array([-0.55, 0.72, 0.45])), 0)[:, None] ** 2 * base * 0.8
    return display(base * (light * (0.35 + 0.65 * ambient))[:, None] + shine + glow + rim)
