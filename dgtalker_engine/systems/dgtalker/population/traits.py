"""What the numbers of a person's code mean, and the person that they say.

All numbers are standard normal, so that any code is somebody, and all that a person is changes continuously with them:
a generator can learn it, and a slider can move it.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
from scipy.special import ndtr, ndtri

CODE_SIZE = 128
IDENTITY = 60
"""The first numbers of a code are the face model's identity."""
_SHAPE = 0.9
"""Standard deviations of the face model that 1 of a code is."""

TRAITS = (
    *("age", "sex", "skin_tone", "skin_warmth", "skin_red", "freckles", "moles", "mottled", "gloss", "lip_red"),
    *("lip_dark", "lip_paint", "brow_thickness", "brow_height", "brow_arch", "brow_density", "lashes", "eye_colour"),
    *("eye_green", "teeth", "hair_lightness", "hair_red", "grey", "hair_length", "hair_top", "hair_volume", "fringe"),
    *("parting", "curl", "hairline", "crown", "beard", "moustache", "stubble", "light_side", "light_height"),
    *("light_strength", "light_warmth", "ambient_warmth", "collar_lightness", "collar_hue", "collar_colour"),
)
TEXTURES = {"skin": 6, "spots": 6, "hair": 6}
"""How many numbers mix the fields of each texture."""
_OFFSETS = {name: IDENTITY + index for index, name in enumerate(TRAITS)}


_ENDS = 0.01


class Range(NamedTuple):
    """From a trait's standard normal number to what it says: a share of the way from `low` to `high`."""

    low: float
    high: float
    centre: float = 0.0
    steepness: float = 1.0

    def of(self, number: np.ndarray) -> np.ndarray:
        return self.low + (self.high - self.low) * ndtr((number - self.centre) * self.steepness)

    def number(self, said: float) -> float:
        """The number that says it; a hundredth of the way is left out at both ends, which are infinitely far."""
        share = np.clip((said - self.low) / (self.high - self.low), _ENDS, 1 - _ENDS)
        return self.centre + float(ndtri(share)) / self.steepness


_RANGES = {
    "age": Range(18, 80, 0.4),
    "sex": Range(0, 1, 0, 3),
    "skin_tone": Range(0, 1, 0, 1.1),
    "skin_warmth": Range(-1, 1),
    "skin_red": Range(0.3, 1),
    "freckles": Range(0, 1, 1.0, 2),
    "moles": Range(0, 1, 0.3),
    "mottled": Range(0.3, 1),
    "gloss": Range(0.2, 1),
    "lip_red": Range(0.35, 1.0),
    "lip_dark": Range(0, 1),
    "lip_paint": Range(0, 1, 1.2, 2.5),
    "brow_thickness": Range(0.55, 1.45),
    "brow_height": Range(-2.5, 2.5),
    "brow_arch": Range(-0.6, 1),
    "brow_density": Range(0.5, 1),
    "lashes": Range(0.3, 1),
    "eye_colour": Range(0, 1),
    "eye_green": Range(0, 1),
    "teeth": Range(0, 1),
    "hair_lightness": Range(0, 1),
    "hair_red": Range(0, 1, 1.0, 1.6),
    "grey": Range(-0.3, 0.3),
    "hair_length": Range(0, 1),
    "hair_top": Range(0, 1),
    "hair_volume": Range(0, 1),
    "fringe": Range(0, 1, 0.9, 1.8),
    "parting": Range(-1, 1),
    "curl": Range(0, 1, 0.6, 1.3),
    "hairline": Range(-1, 1),
    "crown": Range(0, 1, 1.1, 2.2),
    "beard": Range(0, 1, 0.7, 1.8),
    "moustache": Range(0, 1, 0.8, 1.6),
    "stubble": Range(0, 1),
    "light_side": Range(-1, 1),
    "light_height": Range(-0.1, 1),
    "light_strength": Range(0.25, 1),
    "light_warmth": Range(-1, 1),
    "ambient_warmth": Range(-1, 1),
    "collar_lightness": Range(0.03, 0.75),
    "collar_hue": Range(0, 1),
    "collar_colour": Range(0, 0.6),
}


@dataclass(frozen=True)
class Person:
    """Somebody.

    Attributes:
        identity: of the face model, float32 (`IDENTITY`,).
        traits: `TRAITS`, each in its own unit: age in years, sex 0 female to 1 male, most others 0 to 1.
        textures: `TEXTURES`, unit vectors.
    """

    identity: np.ndarray
    traits: Mapping[str, float]
    textures: Mapping[str, np.ndarray]

    def __getitem__(self, trait: str) -> float:
        return self.traits[trait]


def draw(random: np.random.Generator) -> np.ndarray:
    """Somebody's code, float32 (`CODE_SIZE`,), of the length that mapping networks give all codes."""
    return normalized(random.standard_normal(CODE_SIZE).astype(np.float32))


def normalized(code: np.ndarray) -> np.ndarray:
    """The code whose numbers have the mean square 1."""
    return code / np.sqrt(np.square(code).mean(axis=-1, keepdims=True))


def identity_of(code: np.ndarray, masculine: np.ndarray) -> np.ndarray:
    """The face model's identity that codes (…, `CODE_SIZE`) say, float32 (…, `IDENTITY`); see `person_of`."""
    code = normalized(code)
    sex = _RANGES["sex"].of(code[..., _OFFSETS["sex"], None])
    return (_SHAPE * code[..., :IDENTITY] + (2 * sex - 1) * masculine).astype(np.float32)


def traits_of(code: np.ndarray) -> dict[str, float]:
    """What each trait's number of a code (`CODE_SIZE`,) says by itself, before what goes together in people."""
    code = normalized(code)
    return {name: float(_RANGES[name].of(code[_OFFSETS[name]])) for name in TRAITS}


def with_traits(code: np.ndarray, traits: Mapping[str, float]) -> np.ndarray:
    """The code (`CODE_SIZE`,) of whoever is like that one, but for these traits, each in its unit (see `traits_of`)."""
    code = normalized(code)
    asked = np.zeros(CODE_SIZE, bool)
    for name, said in traits.items():
        asked[_OFFSETS[name]] = True
        code[_OFFSETS[name]] = _RANGES[name].number(said)
    # All others give way, so that the code keeps its length: numbers mean what they say at that length alone.
    left = CODE_SIZE - np.square(code[asked]).sum()
    code[~asked] *= np.sqrt(left / np.square(code[~asked]).sum())
    return code


def between(code: np.ndarray, other: np.ndarray, morph: float, mix: float) -> np.ndarray:
    """The code (`CODE_SIZE`,) of whoever is somebody and somebody else.

    Args:
        code, other: of both.
        morph: how much of the face's shape is the other one's, 0 to 1. It keeps the length that shapes have: half-way
            between two faces is no more ordinary than they are.
        mix: how much of all else is, 0 to 1.
    """
    code, other = normalized(code), normalized(other)
    (face, looks), (other_face, other_looks) = (np.split(each, [IDENTITY]) for each in (code, other))
    shape = (1 - morph) * face + morph * other_face
    length = (1 - morph) * np.linalg.norm(face) + morph * np.linalg.norm(other_face)
    rest = (1 - mix) * looks + mix * other_looks
    return normalized(np.concatenate([shape * length / max(float(np.linalg.norm(shape)), 1e-3), rest]))


def person_of(code: np.ndarray, masculine: np.ndarray) -> Person:
    """Who a code says.

    Args:
        code: (`CODE_SIZE`,).
        masculine: what of the identity goes with sex (`IDENTITY`,).
    """
    identity, traits, code = identity_of(code, masculine), traits_of(code), normalized(code)
    start, textures = IDENTITY + len(TRAITS), {}
    for name, size in TEXTURES.items():
        part = code[start : start + size]
        textures[name] = part / max(float(np.linalg.norm(part)), 1e-3)
        start += size
    _together(traits)
    return Person(identity, traits, textures)


def _together(traits: dict[str, float]) -> None:
    """What goes with what: beards with men, grey with age, dark hair with dark skin, long hair more with women."""
    sex, years, tone = traits["sex"], traits["age"], traits["skin_tone"]
    old = float(np.clip((years - 30) / 45, 0, 1))
    for name in ("beard", "moustache", "stubble"):
        traits[name] *= sex
    traits["crown"] *= sex * min(1.0, 0.25 + 1.2 * old)
    traits["hair_length"] = float(np.clip(traits["hair_length"] ** (0.6 + 2.6 * sex), 0, 1))
    traits["lip_paint"] *= 1 - sex
    traits["lashes"] *= 1 - 0.5 * sex
    traits["brow_thickness"] *= 0.8 + 0.35 * sex
    traits["freckles"] *= float(np.clip(1.2 - 2 * tone, 0, 1))
    traits["hair_lightness"] *= float(np.clip(1.15 - 1.5 * tone, 0.03, 1)) * (1 - 0.3 * traits["hair_red"])
    traits["hair_red"] *= float(np.clip(1.3 - 2 * tone, 0, 1))
    traits["eye_colour"] = float(np.clip(traits["eye_colour"] * 1.35 - 1.5 * tone, 0, 1))
    traits["grey"] = float(np.clip((years - 52) / 26 + traits["grey"], 0, 1))
    traits["curl"] = float(np.clip(traits["curl"] * 0.8 + 0.7 * np.clip(tone - 0.55, 0, 1) * 2, 0, 1))
    traits["wrinkles"] = old**1.3
