"""What each face of the proxy mesh shows."""

from __future__ import annotations

import numpy as np

from ...rig import Surface
from . import eyes, paint
from .anatomy import EYE, EYE_RADIUS
from .character import Character
from .surfels import Part, Surfels


def surfaces_of(faces: np.ndarray, surfels: Surfels, character: Character) -> np.ndarray:
    """uint8 (F,) of `Surface`, by where the middle of each face lies."""
    corners = np.where(faces < 0, faces[:, :1], faces)
    middle = surfels.position[corners].mean(axis=1)
    part = surfels.part[corners[:, 0]]
    mirror = middle * np.where(middle[:, :1] < 0, [-1.0, 1.0, 1.0], 1.0)
    surfaces = np.full(len(faces), int(Surface.SKIN), np.uint8)

    def show(where: np.ndarray, surface: Surface) -> None:
        surfaces[where] = int(surface)

    skin = part == Part.SKIN
    show(skin & (paint.lip_colour(middle) > 0.5), Surface.LIPS)
    hairy = paint.under_brows(mirror, character.brows)
    if character.hair.moustache:
        hairy = np.maximum(hairy, paint.under_moustache(mirror))
    show((skin & (hairy > 0.5)) | ((surfels.part[corners[:, :3]] == Part.HAIR).mean(axis=1) > 0.5), Surface.HAIR)
    arc = EYE_RADIUS * np.arccos(np.clip((EYE - mirror)[:, 1] / np.linalg.norm(mirror - EYE, axis=1), -1, 1))
    eye = part == Part.EYE
    show(eye, Surface.EYE_WHITE)
    show(eye & (arc < eyes.IRIS * character.eyes.iris), Surface.IRIS)
    show(eye & (arc < eyes.PUPIL * character.eyes.pupil), Surface.PUPIL)
    show(np.isin(part, (Part.UPPER_TEETH, Part.LOWER_TEETH, Part.TONGUE, Part.INNER_LIP)), Surface.MOUTH)
    albedo = surfels.albedo[corners].mean(axis=1)
    red, green, _ = albedo.T
    show(np.isin(part, (Part.UPPER_TEETH, Part.LOWER_TEETH)) & (green > 0.8 * red), Surface.TEETH)
    cloth, main, other = part == Part.CLOTH, np.array(character.clothes.colour), np.array(character.clothes.accent)
    show(cloth, Surface.CLOTH)
    show(cloth & (_hue_distance(albedo, other) < _hue_distance(albedo, main)), Surface.TRIM)
    return surfaces


def _hue_distance(colours: np.ndarray, colour: np.ndarray) -> np.ndarray:
    """(N,) how far colours (N, 3) are from a darker or brighter `colour`."""
    return np.linalg.norm(colours / colours.sum(axis=1, keepdims=True) - colour / colour.sum(), axis=1)
