"""Hair: locks covered with strands that follow them."""

from __future__ import annotations

import numpy as np

from . import sdf
from .character import Character
from .hairstyles import HairStyle
from .light import KEY, VIEW, display, exposure, linear
from .sample import on_surface, thin
from .surfels import Part, Surfels, make, smooth, tangent, unit

BOX = ((-115.0, -115.0, -85.0), (118.0, 125.0, 176.0))


def hair(style: HairStyle, character: Character, skin_form: np.ndarray, rng: np.random.Generator) -> Surfels:
    """Discs, long along the strands, on the hair's surface where it stands clear of the skin."""
    form = style.form

    def spacing(points: np.ndarray) -> np.ndarray:
        clear = sdf.distances(skin_form, points)
        return np.where(clear > -0.6, style.spacing + 0.8 * smooth(-20, 40, points[:, 1]), 0)

    position, normal, wanted = on_surface(form, BOX, spacing, style.spacing, rng, mirrored=style.mirrored)
    flow, strand, run = style.strands(position)
    tied = style.tied(position)
    if style.tie is not None:
        flow = np.where(tied[:, None] > 0.5, style.along_tie(position), flow)
    along = tangent(normal, flow)
    clear = sdf.distances(skin_form, position)
    ambient, key = exposure([form, skin_form], position, normal, 10.0)
    albedo = hair_albedo(character, strand, run)
    albedo = albedo + tied[:, None] * (np.array(character.clothes.colour) - albedo)
    colour = shade(along, normal, ambient, key, strand, albedo)
    # the line where hair meets skin is soft: discs there thin out
    opacity = 0.96 * smooth(-0.8, 1.6, clear) + 0.02
    size = np.stack([1.35 * wanted, 0.58 * wanted], axis=1)
    place = position + 0.3 * strand[:, None] * normal
    base = make(place, normal, size, Part.HAIR, along=along, colour=colour, albedo=albedo, opacity=opacity)
    discs = Surfels.join([base, under(base, clear, style), wisps(base, clear, tied, style, rng)])
    return discs.both_sides() if style.mirrored else discs


def under(base: Surfels, clear: np.ndarray, style: HairStyle) -> Surfels:
    """Dark discs beneath thin hair, where no skin was made: nothing shines through between the strands."""
    thin_hair = np.flatnonzero((clear > 1.0) & (clear < 7.0))
    apart = 1.8 * style.spacing
    below = base.select(thin_hair[thin(base.position[thin_hair], np.full(len(thin_hair), apart))])
    below.position = below.position - 1.4 * below.normal
    below.anchor = below.position.copy()
    below.size = np.full_like(below.size, 0.8 * apart)
    below.colour, below.albedo = 0.6 * below.colour, 0.6 * below.albedo
    return below


def wisps(base: Surfels, clear: np.ndarray, tied: np.ndarray, style: HairStyle, rng: np.random.Generator) -> Surfels:
    """Single thin hairs that stand off the locks and soften the silhouette and the hairline."""
    near = base.select(rng.random(len(base)) < np.where(tied > 0, 0, np.where(clear < 3, 0.42, style.wisps)))
    count = len(near)
    lift = (0.4 + (1.1 + 0.8 * style.curl) * rng.random((count, 1))) * near.normal
    sideways = np.cross(near.normal, near.along) * rng.normal(0, 0.10 + 0.5 * style.curl, (count, 1))
    direction = unit(near.along + sideways + 0.10 * near.normal)
    size = np.stack([3.0 + 2.0 * rng.random(count) - style.curl, 0.24 + 0.10 * rng.random(count)], axis=1)
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


def hair_albedo(character: Character, strand: np.ndarray, run: np.ndarray) -> np.ndarray:
    """sRGB (N, 3) of hair without light: `strand` -1 to 1 across the flow, `run` 0 at the roots to 1 at the tips."""
    root, tip = np.array(character.hair.root), np.array(character.hair.tip)
    albedo = root + (tip - root) * (0.15 + 0.75 * smooth(0, 1, run))[:, None]
    return np.clip(albedo * (1 + 0.28 * strand)[:, None], 0, 1)


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
    base = linear(albedo)
    half = unit(KEY + unit(VIEW))
    first = np.sqrt(np.maximum(1 - (unit(along + 0.12 * normal) @ half) ** 2, 0)) ** 60
    second = np.sqrt(np.maximum(1 - (unit(along - 0.18 * normal) @ half) ** 2, 0)) ** 14
    visible = np.maximum(normal @ half, 0) ** 0.7 * (0.2 + 0.8 * key) * ambient
    shine = (
        (first * (1 + 0.6 * strand) * visible)[:, None]
        * (0.02 + 0.28 * base.mean(axis=1, keepdims=True) ** 0.5)
        * np.array([1.0, 0.72, 0.48])
    )
    glow = (0.85 * second * visible)[:, None] * base * np.array([1.3, 1.0, 0.8])
    rim = np.maximum(normal @ unit(np.array([-0.55, 0.72, 0.45])), 0)[:, None] ** 2 * base * 0.8
    return display(base * (light * (0.35 + 0.65 * ambient))[:, None] + shine + glow + rim)
