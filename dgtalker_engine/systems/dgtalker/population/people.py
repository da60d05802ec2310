"""Somebody's Gaussians: what a generator is trained to make of a code and an expression."""

from __future__ import annotations

import numpy as np
import torch

from ....capture.face_model import FaceModel, Region
from ....kernels import srgb
from ..attributes import Heads, Raw, activated
from ..config import GeneratorConfig
from ..template import Template, posed
from .canvas import Canvas, unit
from .eyes import EyePainter
from .hair import HairPainter
from .noise import smooth
from .skin import SkinPainter
from .surface import Surface
from .traits import IDENTITY, Person, person_of
from .transfer import harmonics, unshadowed

_LEAST_SHARE = 1e-4
_MASCULINE = 1.6
"""Standard deviations between the means of men and women, in all."""


class Population:
    """Makes people on a template.

    Args:
        model: the face model.
        template: its places.
        config: of the generator whose planes show people.
    """

    def __init__(self, model: FaceModel, template: Template, config: GeneratorConfig) -> None:
        self.model, self.template, self.config = model, template, config
        self.canvas = Canvas(model, template)
        self.skin, self.eyes, self.hair = SkinPainter(self.canvas), EyePainter(self.canvas), HairPainter(self.canvas)
        self.masculine = _masculine(model)
        self._open_normals = unshadowed(self.canvas.normals)
        self._collar = smooth(-196, -208, self.canvas.points[:, 2] - 0.12 * self.canvas.points[:, 1])

    def person(self, code: np.ndarray) -> Person:
        """Who a code (`CODE_SIZE`,) says."""
        return person_of(code, self.masculine)

    def raw(self, person: Person, expression: np.ndarray) -> Raw:
        """What planes should say at the places, for one head: (1, G, …)."""
        surface = Surface.of(self.canvas)
        face = self.model.vertices(torch.from_numpy(person.identity), self.model.neutral.new_zeros(0))
        surface.size *= np.clip(self.canvas.stretch(1000 * face.numpy()), 0.85, 1.35)[:, None]
        self.skin.paint(surface, person, expression)
        self.eyes.paint(surface, person)
        self.hair.paint(surface, person)
        self._clothe(surface, person)
        colour = self._lit(surface, person, expression)
        return self._raw(surface, colour)

    def heads(self, person: Person, expression: np.ndarray) -> Heads:
        """One head in an expression (E,)."""
        identity, shown = torch.from_numpy(person.identity)[None], torch.from_numpy(np.float32(expression))[None]
        return activated(self.raw(person, expression), posed(self.template, self.model, identity, shown), self.config)

    def _clothe(self, surface: Surface, person: Person) -> None:
        hue = 2 * np.pi * (person["collar_hue"] + np.array([0, 1 / 3, 2 / 3]))
        cloth = person["collar_lightness"] * (1 + person["collar_colour"] * np.cos(hue))
        surface.tint(cloth.astype(np.float32), self._collar)
        surface.offset += (3.0 * self._collar)[:, None] * self.canvas.normals
        surface.gloss *= 1 - self._collar
        neck = self.canvas.region == Region.NECK
        surface.size *= np.where(neck, 1.12, 1)[:, None]

    def _lit(self, surface: Surface, person: Person, expression: np.ndarray) -> np.ndarray:
        """sRGB (G, 4, 3): spherical harmonics of degree 1 of what is seen from a direction, about 0.5."""
        canvas = self.canvas
        identity, shown = torch.from_numpy(person.identity), torch.from_numpy(np.float32(expression))
        vertices = 1000 * self.model.vertices(identity, shown).numpy()
        normals = canvas.normals_of(vertices)
        inner = np.isin(canvas.region, (Region.MOUTH_INSIDE, Region.TEETH, Region.EYES))
        normals = np.where(surface.hair[:, None] > 0.3, unit(normals + surface.normal), normals)
        # What shades the mean face shades everybody; which way surfaces look is their own.
        light, key = _light(person)
        own, mean = unshadowed(normals), self._open_normals
        arrives = canvas.transfer + np.where(inner[:, None], 0, own - mean)
        incoming = np.maximum(arrives @ light, 0.02 + 0.05 * arrives[:, :1] * light[:1])
        if np.any(surface.hair > 0):
            bare = np.maximum(own @ light, 0.03)
            incoming += surface.hair[:, None] * (0.75 * bare - incoming) * 0.6
        shade = incoming * surface.open[:, None]
        colour = surface.albedo * shade
        colour += _shine(canvas, surface, normals, key, person)
        base = _display(colour)
        coefficients = np.zeros((len(base), 4, 3), np.float32)
        coefficients[:, 0] = base
        mirrored = 2 * (normals @ key)[:, None] * normals - key
        strength = surface.gloss * np.clip(arrives[:, 0], 0, 1) * person["light_strength"]
        towards = 0.9 * strength[:, None] * unit(mirrored)
        # Degree 1 in gsplat's order and signs: −y, z, −x of the direction in which the camera looks.
        for index, (axis, sign) in enumerate(((1, 1.0), (2, -1.0), (0, 1.0)), start=1):
            coefficients[:, index] = (sign * towards[:, axis])[:, None]
        return coefficients

    def _raw(self, surface: Surface, colour: np.ndarray) -> Raw:
        config = self.config
        offset = surface.offset / 1000 / (config.unit * config.position_range)
        position = np.arctanh(np.clip(offset, -0.995, 0.995))
        log_sizes = np.log(np.clip(surface.size, 0.15, 18.0) / 1000 / config.unit)
        below = np.maximum(-3.0 - log_sizes, 1e-3)
        scale = 2.0 - np.log(np.expm1(below))
        rotation = np.arctanh(np.clip(_frames(surface) / (2 * np.pi), -0.99, 0.99))
        first = np.clip(2 * colour[:, 0] - 1, -0.995, 0.995)
        # 0.5 / C0 of a coefficient is half of a colour at degree 0; at degree 1 C1 stands for C0.
        rest = np.clip(colour[:, 1:] * (0.28209479 / 0.48860251) * 2, -0.9, 0.9)
        coefficients = np.concatenate([first[:, None], rest], axis=1).reshape(len(first), -1)
        shares = np.clip(surface.opacity, _LEAST_SHARE, 1 - 1e-3)
        parts = (position, scale, rotation, np.arctanh(coefficients), np.log(shares / (1 - shares))[:, None])
        return Raw(*(torch.from_numpy(np.ascontiguousarray(part, np.float32))[None] for part in parts))


def _frames(surface: Surface) -> np.ndarray:
    """Axis-angle (G, 3): the turn about the normal, then the shortest one from straight up to the normal."""
    n, half = surface.normal, surface.turn / 2
    w = np.sqrt(np.maximum((1 + n[:, 2]) / 2, 1e-4))
    tilt = np.stack([w, -n[:, 1] / (2 * w), n[:, 0] / (2 * w), 0 * w], axis=1)
    tilt /= np.linalg.norm(tilt, axis=1, keepdims=True)
    c, s = np.cos(half), np.sin(half)
    w, x, y, _ = tilt.T
    quats = np.stack([w * c, x * c + y * s, y * c - x * s, w * s], axis=1)
    angle = 2 * np.arctan2(np.linalg.norm(quats[:, 1:], axis=1), quats[:, 0])
    return unit(quats[:, 1:]) * angle[:, None]


def _light(person: Person) -> tuple[np.ndarray, np.ndarray]:
    """Spherical harmonics of the light (9, 3), and where most of it comes from (3,)."""
    side, height = 1.1 * person["light_side"], 0.9 * person["light_height"]
    key = unit(np.array([np.sin(side), -np.cos(side), height]))
    warm, around = person["light_warmth"], person["ambient_warmth"]
    strength = person["light_strength"]
    colour = np.array([1 + 0.10 * warm, 1.0, 1 - 0.16 * warm]) * 1.25 * strength
    ambient = np.array([1 + 0.06 * around, 1.0, 1 - 0.10 * around]) * (1.02 - 0.62 * strength)
    light = np.zeros((9, 3))
    light[0] = ambient / 0.282095
    # Light from above, and a little that the chest throws back.
    light[2] = 0.22 * ambient / 0.488603
    # A large lamp: its harmonics are damped as a window's are. Over π is in the transfer; so a lamp that would light a
    # surface that faces it with 1 has π times its harmonics.
    lobe = harmonics(key) * np.array([1, *[0.92] * 3, *[0.75] * 5]) * np.pi
    light += lobe[:, None] * colour
    fill = harmonics(unit(np.array([-np.sin(side) * 1.2, -1.0, 0.1]))) * np.array([1, *[0.8] * 3, *[0.5] * 5])
    light += 0.22 * np.pi * fill[:, None] * ambient
    return light.astype(np.float32), key.astype(np.float32)


def _shine(canvas: Canvas, surface: Surface, normals: np.ndarray, key: np.ndarray, person: Person) -> np.ndarray:
    """What is mirrored towards a viewer in front, and along strands of hair; scene-linear (G, 3)."""
    half = unit(key + np.array([0, -1.0, 0.05]))
    facing = np.maximum(normals @ half, 0)
    arrives = np.clip(canvas.transfer[:, 0] / 0.282095, 0, 1) * person["light_strength"]
    skin = surface.gloss * (facing**12 * 0.9 + facing**45 * 1.2) * arrives * surface.open
    cos, sin = np.cos(surface.turn), np.sin(surface.turn)
    flat = np.stack([-sin, cos, 0 * cos], axis=1)
    n = surface.normal
    # The strand: what the shortest turn makes of a direction that lies flat.
    axis = np.stack([-n[:, 1], n[:, 0], 0 * cos], axis=1)
    strand = (
        n[:, 2:3] * flat
        + np.cross(axis, flat)
        + axis * (axis * flat).sum(1, keepdims=True) / (1 + np.maximum(n[:, 2:3], -0.98))
    )
    across = np.sqrt(np.maximum(1 - np.square(unit(strand + 0.10 * n) @ half), 0))
    band = across**40 * np.maximum(normals @ half, 0) ** 0.8 * person["light_strength"] * surface.hair * surface.open
    glow = across**9 * np.maximum(normals @ half, 0) * person["light_strength"] * surface.hair * surface.open
    coloured = 0.9 * glow[:, None] * surface.albedo * np.array([1.15, 1.0, 0.85])
    return skin[:, None] + 0.055 * band[:, None] * np.array([1.0, 0.9, 0.8]) + coloured


def _display(colour: np.ndarray) -> np.ndarray:
    """Scene-linear to sRGB; what is brighter than white is rolled off."""
    colour = np.maximum(colour, 0)
    colour = np.where(colour > 0.7, 0.7 + 0.3 * (1 - np.exp(-(colour - 0.7) / 0.3)), colour)
    return srgb.encode(colour)


def _masculine(model: FaceModel) -> np.ndarray:
    """The identity that widens jaw and neck, lengthens chin and nose, and makes lips thinner (`IDENTITY`,)."""
    moved = model.landmarks(model.neutral + model.identity[:IDENTITY]) - model.landmarks(model.neutral)
    moved = 1000 * moved.numpy()

    def away(a: int, b: int, axis: int) -> np.ndarray:
        return moved[:, a, axis] - moved[:, b, axis]

    wanted = (
        away(397, 172, 0)
        - away(152, 17, 2)
        - away(1, 6, 1)
        - away(0, 13, 2)
        - away(14, 17, 2)
        - 1.5 * away(9, 4, 1) * 0.5
        - away(386, 374, 2)
    )
    return (_MASCULINE / 2 * wanted / np.linalg.norm(wanted)).astype(np.float32)
