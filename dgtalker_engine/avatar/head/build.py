"""Makes the built-in head: sculpture → points → Gaussians, deltas and proxy mesh. Millimetres until the last step."""

from __future__ import annotations

import numpy as np

from ...rig import arkit_rig
from ..base import FORMAT_VERSION, Consent, Metadata
from ..linear import LinearAvatar
from . import eyes, face, hair, mesh, mouth, splats
from .character import Character
from .form import hair_form, skin_form
from .points import Points

SEED = 20240


def build_head(character: Character) -> LinearAvatar:
    """The whole avatar; the same every time."""
    rng = np.random.default_rng(SEED)
    skin, locks = skin_form(), hair_form()
    points = gather(skin, locks, rng)
    proxy, _ = mesh.build(skin, locks, points, rng)
    base = splats.base_arrays(points)
    consent = Consent("Nobody: made by code", "Any use", "DGTalker", "", "synthetic")
    metadata = Metadata(FORMAT_VERSION, "linear", character.label, arkit_rig(), consent, "CC0-1.0", "")
    return LinearAvatar(metadata, base, splats.deltas(points, base), proxy)


def gather(skin: np.ndarray, locks: np.ndarray, rng: np.random.Generator) -> Points:
    """Every disc of the head."""
    face_points = face.skin(skin, locks, rng)
    face.paint_skin(face_points, skin, locks, rng)
    return Points.join(
        [
            face_points,
            face.lining(face_points),
            face.lid_rims(),
            face.inner_lips(),
            face.collar(rng),
            mouth.teeth(True).both_sides(),
            mouth.teeth(False).both_sides(),
            mouth.tongue(),
            mouth.cavity(),
            eyes.eyeballs(),
            eyes.catch_lights(),
            eyes.caruncles(),
            eyes.lid_shadow(),
            eyes.lashes(rng),
            eyes.brows(skin, rng),
            hair.hair(locks, skin, rng),
        ]
    )
