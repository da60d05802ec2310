"""Hair: places of the scalp lifted to where hair is seen, and slid down along it where it is long.

Each place of the scalp lies on a meridian from the crown to the hairline. Hair that grows by a length moves all places
of a meridian down along it, over the hairline and then straight down; a layer of hair has places at all depths.
"""

from __future__ import annotations

import numpy as np

from ....capture.face_model import Region
from .canvas import CROWN, Canvas, unit
from .eyes import hair_colour
from .noise import fields, ramp, smooth, soft
from .skin import jaw, upper_lip
from .surface import Surface
from .traits import Person

_RADII = np.array([80.0, 98.0, 86.0], np.float32)
"""Of the ellipsoid that meridians run on until they hang."""
_LONGEST = 135.0
_EQUATOR = np.pi / 2 + 0.12
_MEAN = 88.0
"""Millimetres of a radian down a meridian."""
_HAIRLINE = (
    *((0.0, 1.10), (0.3, 1.13), (0.55, 1.22), (0.75, 1.36), (0.9, 1.55), (1.02, 1.86), (1.10, 2.0), (1.20, 2.0)),
    *((1.27, 1.82), (1.40, 1.74), (1.75, 1.76), (1.95, 2.0), (2.4, 2.2), (np.pi, 2.28)),
)
"""Azimuth, and how far down hair grows there, radians: forehead, temple, sideburn, over the ear, nape."""
_EARS = 74.5, 6.0
"""What lies further aside and below, mm, is the ear's."""


class HairPainter:
    """Paints hair and beards on a canvas."""

    def __init__(self, canvas: Canvas) -> None:
        self.canvas = canvas
        away = (canvas.points - CROWN) / _RADII
        self.azimuth = canvas.azimuth
        self.polar = np.arctan2(np.hypot(away[:, 0], away[:, 1]), away[:, 2])
        self.line = np.interp(np.abs(self.azimuth), *np.array(_HAIRLINE).T).astype(np.float32)
        self._meridian_size = 1 / np.hypot(np.sin(self.azimuth) / _RADII[0], np.cos(self.azimuth) / _RADII[1])
        self.way = self.polar * (self._meridian_size + _RADII[2]) / 2
        """From the crown along the meridian, mm."""
        self.inside = self._inside()
        self.hairy = smooth(-3, 1, self.inside)
        self.share = np.clip(self.polar / self.line, 0, 1)
        """0 at the crown, 1 at the hairline."""
        self.front = soft(self.azimuth, 0.75)
        self.side = smooth(0.75, 1.35, np.abs(self.azimuth))
        # Constant along strands, but for a slow drift; finer and finer towards the crown, where it fades.
        around = np.stack([np.sin(self.azimuth), np.cos(self.azimuth)], axis=1) * 90
        strands = np.concatenate([around, 0.10 * self.way[:, None]], axis=1)
        fade = smooth(12, 45, self.way)[:, None]
        self.locks = fields(strands, 16, 40, 6, 41) * fade + fields(canvas.points, 14, 30, 6, 43) * (1 - fade) * 0.6
        self.strands = fields(strands, 5.5, 12, 6, 42) * fade + fields(canvas.points, 5, 9, 6, 44) * (1 - fade) * 0.6
        self.curls = fields(canvas.points, 11, 22, 6, 45)
        self.small_curls = fields(canvas.points, 6, 10, 6, 46)
        self.jaw, self.upper_lip = jaw(canvas), upper_lip(canvas)

    def _inside(self) -> np.ndarray:
        """How far inside of where hair grows at most, mm (G,)."""
        canvas = self.canvas
        grows = np.isin(canvas.region, (Region.SCALP, Region.UPPER_FACE, Region.SKIN, Region.NECK))
        grows &= (canvas.mirrored[:, 0] < _EARS[0]) | (canvas.points[:, 2] > _EARS[1]) | (canvas.points[:, 1] > 60)
        return np.where(grows, _MEAN * (self.line - self.polar), -99).astype(np.float32)

    def paint(self, surface: Surface, person: Person) -> None:
        """Hair of the head, then of the face."""
        self._hair(surface, person)
        self._beard(surface, person)

    def _covered(self, person: Person) -> np.ndarray:
        """How far inside of this person's hair places are, mm (G,): where it is bald, outside."""
        man, crown = person["sex"], person["crown"]
        away = np.abs(self.azimuth)
        forehead = 3 + 6 * person["hairline"] * (0.5 + 0.5 * man) + 22 * crown
        corners = soft(away - 0.62, 0.28) * (3 + 9 * man + 26 * crown + 3 * person["hairline"])
        ragged = 1.2 * (self.strands @ person.textures["hair"])
        inside = self.inside - forehead * smooth(1.25, 0.75, away) - corners + ragged
        bald = ramp(0.25, 0.9, crown)
        top = 175 * float(bald) * smooth(2.9, 2.2, away) + 105 * float(bald) * smooth(2.2, 2.9, away)
        return np.minimum(inside, self.way - 0.62 * top) if bald > 0 else inside

    def _hair(self, surface: Surface, person: Person) -> None:
        canvas, grain = self.canvas, self.canvas.grain
        inside = self._covered(person)
        long, curl, volume = person["hair_length"], person["curl"], person["hair_volume"]
        texture = person.textures["hair"]
        locks, curls = self.locks @ texture, self.curls @ texture
        afro = ramp(0.55, 0.95, curl)
        hanging = ramp(0.30, 0.95, long) * (1 - 0.75 * afro)
        medium = ramp(0.10, 0.45, long)
        grown = smooth(-2.0, 5.0, inside) * self.hairy
        # Short hair is thinner towards the ears and the nape.
        low = smooth(30, -4, self.inside) * smooth(0.75, 1.0, np.abs(self.azimuth)) * (1 - medium)
        amount = grown * (1 - 0.55 * low)
        fringe = person["fringe"] * ramp(0.12, 0.3, long + 0.4 * person["hair_top"])
        reach = _LONGEST * hanging * self.side + 46 * fringe * soft(self.azimuth, 0.85)
        reach = reach * (1 + 0.07 * locks)
        slide = reach * self.share**1.6 * grown
        path = self._path(self.way + slide) - self._path(self.way)
        top = 2.0 + 12.0 * person["hair_top"] + 12 * volume * medium + 30 * afro * volume
        sides = 1.2 + (8.0 + 8.0 * volume) * medium + 24 * afro * volume
        height = top + (sides - top) * smooth(35, 110, self.way)
        edge = smooth(0, 22, inside) ** 0.8
        edge = edge + (1 - edge) * np.clip(reach / 40, 0.10, 1)
        parted = soft((self.azimuth - 0.45 * person["parting"]) * 3.2, 1.0) * smooth(150, 70, self.way)
        lift = height * edge * grown * (1 - 0.35 * parted * medium)
        lift = lift * np.clip(1 + 0.14 * locks + (0.06 + 0.22 * curl) * curls, 0.4, 1.7)
        over_ears = ramp(0.05, 0.35, hanging) * self.side * smooth(0.45, 0.95, self.share)
        lift = lift + 11 * over_ears * grown
        far = np.clip(slide / 60, 0, 1)[:, None]
        out = unit(canvas.normals + far * (unit((canvas.points + path - CROWN) * [1, 1, 0.15]) - canvas.normals))
        waves = (1.5 + 5 * curl) * curls * self.share * smooth(5, 25, lift + slide)
        sideways = np.stack([np.cos(self.azimuth), np.sin(self.azimuth), 0 * slide], axis=1)
        offset = path + (lift * (0.45 + 0.55 * grain))[:, None] * out + waves[:, None] * sideways
        surface.offset += (grown[:, None] * offset).astype(np.float32)
        self._colour(surface, person, amount, lift, slide, hanging)
        # Long along the strands; hair that grew over more room is made longer and wider to fill it.
        stretch = 1.6 * reach * self.share**0.6 / 190
        girth = np.maximum(self._meridian_size * np.sin(np.clip(self.way / 90, 0.3, 1.57)), 40)
        spread = np.clip(lift / girth, 0, 0.7)
        straight = 1 - 0.75 * afro
        tip = smooth(0, 16, inside + 0.5 * slide)
        surface.size[:, 1] *= 1 + grown * ((1.5 * straight + 0.6 * hanging) * tip + 1.25 * stretch)
        surface.size[:, 0] *= 1 + grown * (spread - 0.22 * straight * tip + 0.12 * hanging)
        surface.size[:, 2] *= 1 + grown * (0.8 + 0.10 * lift) * (0.6 + 0.8 * afro)
        # Strands: from the crown; in front back from the forehead, aside from the parting.
        swept = 1.0 * person["parting"] * self.front * smooth(0.2, 0.8, self.share) * (1 - fringe)
        turned = self.azimuth + 0.35 * curl * curls * np.minimum(1, self.way / 60) - swept
        surface.turn += grown * (turned - surface.turn)
        ends = smooth(0.86, 1.0, self.share + 0.08 * (grain - 0.5)) * np.clip(slide / 40, 0, 1)
        surface.opacity *= 1 - 0.5 * ends * grown
        surface.normal = unit(surface.normal + (grown[:, None] * far) * (out - surface.normal))

    def _colour(
        self,
        surface: Surface,
        person: Person,
        amount: np.ndarray,
        lift: np.ndarray,
        slide: np.ndarray,
        hanging: float,
    ) -> None:
        grain, curl, texture = self.canvas.grain, person["curl"], person.textures["hair"]
        root, tip = hair_colour(person)
        along = np.clip(0.25 + 0.45 * self.share + 0.3 * hanging * self.share, 0, 1)[:, None]
        colour = root + along * (tip - root)
        locks, strands = self.locks @ texture, self.strands @ texture
        curls, small = self.curls @ texture, self.small_curls @ texture
        shades = (0.20 - 0.05 * hanging) * strands + 0.15 * locks + curl * (0.26 * curls + 0.20 * small)
        shades = shades + 0.30 * (grain - 0.5) * smooth(1, 5, lift)
        colour = colour * np.exp(np.clip(shades, -1.0, 0.8))[:, None]
        cover = np.clip(amount * 1.1, 0, 1) * (0.88 + 0.11 * smooth(0.4, 2.5, lift))
        surface.tint(colour.astype(np.float32), cover)
        deep = smooth(1.5, 7, lift) * (1 - smooth(-0.1, 0.9, grain)) * 0.6
        under = smooth(0.55, 1.0, self.share) * np.clip(slide / 60, 0, 1) * (1 - grain)
        surface.open *= (1 - amount * deep) * (1 - 0.4 * under)
        afro = ramp(0.55, 0.95, curl)
        surface.hair = np.maximum(surface.hair, amount * (1 - 0.85 * afro) * smooth(0.5, 3, lift))
        surface.gloss *= 1 - amount

    def _path(self, way: np.ndarray) -> np.ndarray:
        """Where meridians are so far from the crown, mm (G,) → (G, 3): down from the widest place on."""
        mean = (self._meridian_size + _RADII[2]) / 2
        polar = np.minimum(way / mean, _EQUATOR)
        down = np.maximum(way - mean * _EQUATOR, 0)
        wide = np.sin(np.minimum(polar, np.pi / 2)) * self._meridian_size
        return np.stack(
            [wide * np.sin(self.azimuth), -wide * np.cos(self.azimuth), _RADII[2] * np.cos(polar) - down], 1
        )

    def _beard(self, surface: Surface, person: Person) -> None:
        canvas, grain = self.canvas, self.canvas.grain
        full = ramp(0.15, 0.6, person["beard"])
        lip = ramp(0.2, 0.6, max(person["moustache"], 0.8 * person["beard"]))
        field = canvas.pores @ person.textures["hair"]
        ragged = 1 + 0.25 * field + 0.5 * (grain - 0.5)
        grows = smooth(0.1, 0.95, self.jaw * ragged) * full + smooth(0.1, 0.8, self.upper_lip * ragged) * lip
        amount = np.clip(grows, 0, 1)
        length = 1.5 + 15 * max(person["beard"] - 0.35, 0)
        chin = np.exp(-np.square((canvas.mirrored - canvas.chin) / [30, 40, 26]).sum(1))
        lift = amount * (length * (0.35 + 0.65 * chin) * self.jaw + 1.8 * self.upper_lip)
        outwards = canvas.normals + np.array([0, 0, -0.35], np.float32)
        surface.offset += ((lift * (1 + 0.15 * field) * (0.5 + 0.5 * grain))[:, None] * outwards).astype(np.float32)
        root, tip = hair_colour(person)
        shades = np.exp(np.clip(0.22 * field + 0.30 * (grain - 0.5), -0.8, 0.8))[:, None]
        surface.tint((0.45 * (root + tip) * shades).astype(np.float32), 0.90 * amount)
        surface.open *= 1 - 0.35 * amount * (1 - grain) * smooth(2, 6, lift)
        surface.size[:, 1] *= 1 + 0.5 * amount
        surface.size[:, 2] *= 1 + (0.5 + 0.12 * lift) * amount
        surface.gloss *= 1 - amount
        surface.hair = np.maximum(surface.hair, 0.25 * amount)
