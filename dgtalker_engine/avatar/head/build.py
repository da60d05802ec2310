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
from .warp import Warp

SEED = 20240


def build_head(character: Character) -> LinearAvatar:
    """The whole avatar; the same every time."""
    rng = np.random.default_rng(SEED)
    skin, locks = skin_form(), hair_form()
    points = Points.join(list(gather(skin, locks, rng).values()))
    warp = Warp(character.shape)
    proxy, _ = mesh.build(skin, locks, points, warp, rng)
    base = splats.base_arrays(warp.points(points))
    consent = Consent("Nobody: made by code", "Any use", "DGTalker", "", "synthetic")
    metadata = Metadata(FORMAT_VERSION, "linear", character.label, arkit_rig(), consent, "CC0-1.0", "")
    return LinearAvatar(metadata, base, splats.deltas(points, base, warp), proxy)


def gather(skin: np.ndarray, locks: np.ndarray, rng: np.random.Generator) -> dict[str, Points]:
    """Every disc of the head, by what it is part of."""
    face_points = face.skin(skin, locks, rng)
    face.paint_skin(face_points, skin, locks, rng)
    return {
        "skin": face_points,
        "lining": face.lining(face_points),
        "lid_rims": face.lid_rims(),
        "inner_lips": face.inner_lips(),
        "collar": face.collar(rng),
        "upper_teeth": mouth.teeth(True).both_sides(),
        "lower_teeth": mouth.teeth(False).both_sides(),
        "tongue": mouth.tongue(),
        "cavity": mouth.cavity(),
        "eyeballs": eyes.eyeballs(),
        "catch_lights": eyes.catch_lights(),
        "caruncles": eyes.caruncles(),
        "lid_shadow": eyes.lid_shadow(),
        "lashes": eyes.lashes(rng),
        "brows": eyes.brows(skin, rng),
        "hair": hair.hair(locks, skin, rng),
    }
