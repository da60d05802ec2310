"""Makes the built-in head: sculpture → surfels → Gaussians, deltas and proxy mesh. Millimetres until the last step."""

from __future__ import annotations

import numpy as np

from ...avatar import pack
from ...avatar.base import FORMAT_VERSION, Consent, Metadata
from ...avatar.kinds.linear.model import LinearAvatar
from . import clothes, eyes, face, hair, mesh, mouth, posture, splats
from .anatomy import skin_form
from .character import CHARACTERS, Character
from .deform import CORRECTIVES, RIG
from .hairstyles import STYLES, HairStyle
from .surfels import Surfels
from .warp import Warp

SEED = 20240


def build_file(name: str) -> bytes:
    """The .dgt file of a built-in head before it is fitted to pictures; the same bytes every time."""
    return pack(build_head(CHARACTERS[name]))


def build_head(character: Character) -> LinearAvatar:
    """The whole avatar; the same every time."""
    rng = np.random.default_rng(SEED)
    skin, style = forms(character)
    surfels = Surfels.join(list(gather(character, skin, style, rng).values()))
    warp = Warp(character.shape)
    proxy, proxy_points = mesh.build(character, skin, style, surfels, warp, rng)
    base = splats.base_arrays(warp.surfels(surfels))
    consent = Consent(
        subject="Nobody: made by code", scope="Any use", granted_by="DGTalker", date="", status="synthetic"
    )
    metadata = Metadata(
        format_version=FORMAT_VERSION,
        kind="linear",
        name=character.label,
        rig=RIG,
        consent=consent,
        licence="CC0-1.0",
        hash="",
        correctives=CORRECTIVES,
        joints=posture.joints(warp),
    )
    return LinearAvatar(
        metadata=metadata,
        base=base,
        deltas=splats.deltas(surfels, base, warp),
        sculpted=proxy,
        joint_weights=posture.joint_weights(surfels),
        proxy_joint_weights=posture.joint_weights(proxy_points),
    )


def forms(character: Character) -> tuple[np.ndarray, HairStyle]:
    """The sculpture: rows of `sdf` for the skin, and the hair."""
    return skin_form(character.hair.moustache), STYLES[character.hair.style]()


def gather(character: Character, skin: np.ndarray, style: HairStyle, rng: np.random.Generator) -> dict[str, Surfels]:
    """Every disc of the head, by what it is part of, in the sculpture's space."""
    face_points = face.skin(skin, style.form, rng)
    face.paint_skin(face_points, character, skin, style.form)
    parts = {
        "skin": face_points,
        "lining": face.lining(face_points),
        "lid_rims": face.lid_rims(character.skin),
        "inner_lips": face.inner_lips(character.skin),
        "collar": clothes.cloth(character.clothes, rng),
        "upper_teeth": mouth.teeth(True).both_sides(),
        "lower_teeth": mouth.teeth(False).both_sides(),
        "tongue": mouth.tongue(),
        "cavity": mouth.cavity(),
        "eyeballs": eyes.eyeballs(character.eyes),
        "catch_lights": eyes.catch_lights(),
        "caruncles": eyes.caruncles(character.skin),
        "moisture": eyes.moisture(),
        "lid_shadow": eyes.lid_shadow(),
        "lashes": eyes.lashes(character.eyes, rng),
        "brows": eyes.brows(character.brows, skin, rng),
        "hair": hair.hair(style, character, skin, rng),
    }
    if character.hair.moustache:
        parts["moustache"] = eyes.moustache(np.array(character.hair.tip), skin, rng)
    return parts
