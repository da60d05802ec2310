"""Eyes, lashes and brows."""

from __future__ import annotations

import numpy as np

from ....capture.face_model import Region
from .canvas import Canvas, unit
from .noise import fields, ramp, smooth, soft
from .surface import Surface, between, linear
from .traits import Person

_PUPIL = 0.36
"""Of the iris."""
_BROWN = np.stack([linear(0.13, 0.07, 0.045), linear(0.33, 0.19, 0.09), linear(0.46, 0.31, 0.15)])
_BLUE = np.stack([linear(0.45, 0.62, 0.75), linear(0.26, 0.42, 0.58)])
_GREEN = np.stack([linear(0.42, 0.50, 0.30), linear(0.48, 0.46, 0.26)])
_CATCHLIGHT = np.array([0.42, -0.84, 0.50])


class EyePainter:
    """Paints eyeballs, the lids' edges, lashes and brows on a canvas."""

    def __init__(self, canvas: Canvas) -> None:
        self.canvas = canvas
        eyes = canvas.region == Region.EYES
        centre = canvas.eye
        away = canvas.mirrored - centre
        # The eyeball, not the socket that lies around it.
        self.ball = canvas.turning > 0.5
        self.socket = eyes & ~self.ball
        marks = canvas.landmarks
        self.iris = float(np.linalg.norm((marks[474:478] - marks[473])[:, [0, 2]], axis=1).mean())
        self.from_axis = np.where(self.ball, np.hypot(away[:, 0], away[:, 2]), 99).astype(np.float32)
        self.from_axis[self.ball & (away[:, 1] > 0)] = 99
        self.directions = unit(canvas.points - np.sign(canvas.points[:, :1]) * [centre[0], 0, 0] - [0, *centre[1:]])
        around = np.arctan2(away[:, 2], away[:, 0])
        streaks = fields(np.stack([9 * np.cos(around), 9 * np.sin(around)], axis=1), 3, 7, 6, 31)
        self.streaks = streaks * self.ball[:, None]
        self.height = away[:, 2]
        bare = np.isin(canvas.region, (Region.SKIN, Region.UPPER_FACE, Region.EYES)) & ~self.ball
        lid, low = canvas.upper_lid, canvas.lower_lid
        self.lashes = (bare * soft(lid.across - 0.4, 1.5) * (lid.away < 5)).astype(np.float32)
        self.lower_lashes = (bare * soft(low.across + 0.6, 1.2) * (low.away < 4)).astype(np.float32)
        self.outwards = smooth(0.1, 0.9, lid.along)
        self.brow_hairs = fields(canvas.points * [1.0, 0.4, 1.0], 3.2, 7, 6, 32)

    def paint(self, surface: Surface, person: Person) -> None:
        """Eyeballs, lashes, brows."""
        self._eyeballs(surface, person)
        self._lashes(surface, person)
        self._brows(surface, person)

    def _eyeballs(self, surface: Surface, person: Person) -> None:
        from_axis, ball = self.from_axis, self.ball
        brown = between(_BROWN, 0.3 + person["eye_colour"])
        light = between(np.stack([between(_BLUE, person["eye_green"]), between(_GREEN, person["eye_green"])]),
                        ramp(0.35, 0.9, person["eye_green"]))  # fmt: skip
        outer = brown + ramp(0.35, 0.75, person["eye_colour"]) * (light - brown)
        inner = outer * 1.25 + np.array([0.05, 0.03, 0.0], np.float32)
        white = linear(0.90, 0.87, 0.84) - np.array([0.0, 0.05, 0.07], np.float32) * person["wrinkles"]
        corner = soft(np.abs(self.canvas.mirrored[:, 0] - 31) - 12, 4.0)
        white = white * (1 - np.array([0.10, 0.34, 0.34], np.float32) * (corner * 0.6)[:, None])
        surface.albedo[ball] = white[ball]
        iris, pupil = self.iris, _PUPIL * self.iris
        ring = smooth(iris + 0.55, iris - 0.35, from_axis)
        surface.tint(0.30 * outer, ring)
        inside = smooth(iris - 0.2, iris - 1.3, from_axis)
        share = np.clip((from_axis - pupil) / (iris - pupil), 0, 1)[:, None]
        streaked = (1 + 0.22 * (self.streaks @ person.textures["skin"]))[:, None]
        surface.tint((inner + share * (outer - inner)) * np.clip(streaked, 0.4, 1.6), inside)
        surface.tint(np.full(3, 0.004, np.float32), smooth(pupil + 0.55, pupil - 0.35, from_axis))
        # The upper lid shades the ball; the cornea mirrors a window.
        surface.open[ball] = (0.62 + 0.38 * smooth(6.5, 0.5, self.height))[ball]
        side = np.array([np.sign(person["light_side"] + 1e-3), 1, 1])
        spark = soft(np.linalg.norm(self.directions - unit(_CATCHLIGHT * [0.62, 1, 0.62] * side), axis=1), 0.105)
        surface.tint(np.array([3.2, 3.2, 3.2], np.float32), ball * spark)
        surface.gloss[ball] = 0.06
        surface.tint(linear(0.70, 0.38, 0.36), 0.5 * self.socket.astype(np.float32))

    def _lashes(self, surface: Surface, person: Person) -> None:
        strength = person["lashes"]
        dark = np.array([0.016, 0.011, 0.009], np.float32) + 0.05 * person["hair_lightness"] * (1 - strength)
        upper = self.lashes * (0.55 + 0.45 * strength)
        surface.tint(dark, np.clip(upper, 0, 0.96))
        surface.tint(dark, 0.5 * strength * self.lower_lashes)
        side = np.sign(self.canvas.points[:, 0])
        out = np.stack([side * (0.25 + 1.2 * self.outwards), -1.6 + 0 * side, 0.6 + 0 * side], axis=1)
        surface.offset += (strength * self.lashes)[:, None] * out.astype(np.float32)
        # Lids have large discs, which reach over what a shut eye draws apart; lashes are a thin line.
        surface.size *= (1 - 0.6 * self.lashes)[:, None]
        surface.gloss *= 1 - self.lashes

    def _brows(self, surface: Surface, person: Person) -> None:
        brow, p = self.canvas.brow, self.canvas.mirrored
        along = np.clip(brow.along, -0.1, 1.1)
        shift = person["brow_height"] * 0.6 + person["brow_arch"] * 3.0 * np.sin(np.pi * np.clip(along, 0, 1) ** 1.2)
        half = person["brow_thickness"] * (4.0 * (1 - np.clip(along, 0, 1) ** 2.4) + 1.0) * smooth(-0.12, 0.12, along)
        above = brow.across - shift
        inside = smooth(1.35, 0.45, np.abs(above) / np.maximum(half, 0.3)) * smooth(-0.1, 0.04, brow.along)
        inside = inside * smooth(1.1, 0.9, brow.along) * (brow.away < 16) * (p[:, 1] < -25)
        inside = inside * (self.canvas.region == Region.UPPER_FACE)
        hairs = np.clip(0.85 + 0.28 * (self.brow_hairs @ person.textures["hair"]), 0.25, 1.2)
        amount = np.clip(person["brow_density"] * inside * hairs, 0, 0.95).astype(np.float32)
        colour = hair_colour(person)[0] * 0.75
        surface.tint(colour.astype(np.float32), amount)
        surface.offset += (0.9 * amount)[:, None] * self.canvas.normals
        # Hairs begin upright at the nose, and lie down outwards.
        lying = np.sign(self.canvas.points[:, 0]) * -(0.35 + 1.05 * np.clip(along, 0, 1))
        surface.turn += np.where(inside > 0.02, lying, 0) * np.minimum(1, 5 * inside)
        surface.size[:, 1] *= 1 + 0.5 * amount
        surface.size[:, 0] *= 1 - 0.25 * amount
        surface.gloss *= 1 - amount


_DARK_HAIR = np.stack([linear(0.075, 0.06, 0.055), linear(0.17, 0.115, 0.085), linear(0.31, 0.21, 0.145),
                       linear(0.47, 0.35, 0.23), linear(0.66, 0.53, 0.36), linear(0.80, 0.70, 0.52)])  # fmt: skip
_RED_HAIR = linear(0.52, 0.22, 0.10)
_GREY_HAIR = linear(0.66, 0.65, 0.64)


def hair_colour(person: Person) -> tuple[np.ndarray, np.ndarray]:
    """Scene-linear, at the roots and at the tips (3,)."""
    own = between(_DARK_HAIR, person["hair_lightness"])
    own = own + 0.8 * person["hair_red"] * (_RED_HAIR * (0.5 + person["hair_lightness"]) - own)
    grey = person["grey"]
    own = own + grey * (_GREY_HAIR - own)
    return 0.72 * own, 1.3 * own
