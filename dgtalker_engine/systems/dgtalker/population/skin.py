"""Skin: its tone, what reddens and darkens it, freckles, moles, pores, wrinkles, lips, the inside of the mouth."""

from __future__ import annotations

from functools import cached_property

import numpy as np
import scipy.sparse
from scipy.spatial import KDTree

from ....capture.face_model import Region
from .canvas import Canvas
from .noise import smooth, soft
from .surface import Surface, between, linear
from .traits import Person

_TONES = np.stack(
    [
        linear(0.87, 0.72, 0.645),
        linear(0.83, 0.665, 0.57),
        linear(0.77, 0.585, 0.475),
        linear(0.69, 0.50, 0.385),
        linear(0.53, 0.36, 0.265),
        linear(0.38, 0.25, 0.185),
        linear(0.31, 0.205, 0.16),
    ]
)
_FREQUENT = 420
_MOLES = 36


class SkinPainter:
    """Paints skin on a canvas; what is the same for everybody is found once."""

    def __init__(self, canvas: Canvas) -> None:
        self.canvas = canvas
        self.lips = canvas.share(Region.LIPS)
        self.inside = canvas.share(Region.MOUTH_INSIDE)
        self.wrinkles = Wrinkles(canvas)

    @cached_property
    def _red(self) -> np.ndarray:
        """Cheeks, nose, ears, chin."""
        canvas, p = self.canvas, self.canvas.mirrored
        cheek = canvas.mouth_corner * [1.75, 1, 0] + [0, 8, -38]
        nose = canvas.landmarks[1]
        cheeks = np.exp(-np.square((p - cheek) / [17, 30, 17]).sum(1))
        tip = np.exp(-np.square((p - nose) / [13, 16, 13]).sum(1))
        ears = smooth(68, 82, p[:, 0]) * smooth(-60, -45, p[:, 2])
        chin = np.exp(-np.square((p - canvas.chin - [0, -8, 14]) / [16, 16, 12]).sum(1))
        return (0.75 * cheeks + 0.7 * tip + 0.8 * ears + 0.35 * chin).astype(np.float32)

    @cached_property
    def _sockets(self) -> np.ndarray:
        """Lids and below the eyes."""
        canvas = self.canvas
        lids = soft(np.maximum(np.minimum(canvas.upper_lid.away, canvas.lower_lid.away), 0), 7.0)
        below = soft(canvas.lower_lid.across + 8, 7.0) * (canvas.lower_lid.away < 25) * (canvas.lower_lid.across < 0)
        return np.clip(lids + 0.6 * below, 0, 1)

    @cached_property
    def _freckles(self) -> tuple[scipy.sparse.csr_matrix, np.ndarray]:
        """How much of each freckle is at each place (G, n), and numbers that say whom it belongs to (n, 6)."""
        canvas, random = self.canvas, np.random.default_rng(21)
        p = canvas.mirrored
        front = (canvas.region == Region.SKIN) | (canvas.region == Region.UPPER_FACE)
        likely = front * (0.008 + soft(p[:, 2] + 28, 20) * smooth(-30, -55, p[:, 1]))
        chosen = random.choice(len(p), _FREQUENT, replace=False, p=likely / likely.sum())
        widths = random.uniform(1.3, 2.3, _FREQUENT)
        return _dots(canvas.points, chosen, widths), random.standard_normal((_FREQUENT, 6)).astype(np.float32)

    @cached_property
    def _moles(self) -> tuple[scipy.sparse.csr_matrix, np.ndarray]:
        canvas, random = self.canvas, np.random.default_rng(22)
        bare = np.isin(canvas.region, (Region.SKIN, Region.UPPER_FACE, Region.NECK)) & (canvas.points[:, 1] < 20)
        chosen = random.choice(np.flatnonzero(bare), _MOLES, replace=False)
        return _dots(canvas.points, chosen, np.full(_MOLES, 1.3)), random.standard_normal((_MOLES, 6)).astype(
            np.float32
        )

    @cached_property
    def _jaw(self) -> np.ndarray:
        return jaw(self.canvas)

    @cached_property
    def _upper_lip(self) -> np.ndarray:
        return upper_lip(self.canvas)

    def paint(self, surface: Surface, person: Person, expression: np.ndarray) -> None:
        """Everything but brows, lashes, eyes, hair and beard."""
        canvas = self.canvas
        tone = between(_TONES, person["skin_tone"])
        warm = person["skin_warmth"]
        tone = tone * np.array([1 + 0.03 * warm, 1.0, 1 - 0.10 * warm], np.float32)
        surface.albedo[:] = tone
        depth = 0.35 + 0.65 * (1 - person["skin_tone"])
        mix = person.textures["skin"]
        mottle = canvas.skin_fields @ mix
        redness = person["skin_red"] * (self._red + 0.16 * person["mottled"] * mottle) * depth
        surface.albedo *= np.exp(redness[:, None] * np.array([-0.02, -0.42, -0.36], np.float32))
        surface.albedo *= np.exp(-self._sockets[:, None] * np.array([0.16, 0.27, 0.24], np.float32) * (
            0.6 + 0.5 * person["wrinkles"] + 0.5 * person["skin_tone"]))  # fmt: skip
        fine = (canvas.pores @ mix) * (0.03 + 0.012 * person["wrinkles"])
        surface.albedo *= np.exp(person["mottled"] * (fine + 0.035 * mottle))[:, None]
        self._spotted(surface, person)
        self._stubble(surface, person)
        lines = self.wrinkles.depth(person, expression)
        surface.albedo *= np.exp(-lines)[:, None] ** np.array([0.9, 1.1, 1.15], np.float32)
        face = np.exp(-np.square((canvas.mirrored - canvas.landmarks[1]) / [45, 60, 70]).sum(1))
        surface.gloss[:] = (0.02 + 0.07 * person["gloss"]) * (0.4 + 0.6 * face)
        self._mouth(surface, person, tone)

    def _spotted(self, surface: Surface, person: Person) -> None:
        shapes, rare = self._freckles
        shown = smooth(0.5, 1.4, rare @ person.textures["spots"] + 2.2 * person["freckles"] - 0.6) * person["freckles"]
        freckles = np.minimum(shapes @ shown.astype(np.float32), 1)
        surface.albedo *= np.exp(-0.28 * freckles)[:, None] ** np.array([0.5, 1.0, 1.3], np.float32)
        shapes, rare = self._moles
        shown = smooth(1.4, 2.2, rare @ person.textures["spots"] + 0.8 * (person["moles"] - 0.5))
        moles = np.minimum(shapes @ shown.astype(np.float32), 1)
        surface.tint(surface.albedo * np.array([0.36, 0.27, 0.22], np.float32), 0.75 * moles)

    def _stubble(self, surface: Surface, person: Person) -> None:
        shade = person["stubble"] * np.clip(self._jaw + 0.8 * self._upper_lip, 0, 1)
        speckled = np.clip(0.75 + 0.35 * (self.canvas.pores @ person.textures["hair"]), 0.2, 1.3)
        dark = 1 - 0.75 * person["hair_lightness"]
        bluish = np.array([0.48, 0.52, 0.60], np.float32)
        surface.albedo *= 1 - (0.75 * dark * shade * speckled)[:, None] * (1 - bluish)

    def _mouth(self, surface: Surface, person: Person, tone: np.ndarray) -> None:
        canvas = self.canvas
        red = tone * np.array([0.80, 0.38, 0.40], np.float32) * (1 - 0.35 * person["lip_dark"])
        own = tone + person["lip_red"] * (red - tone)
        paint = linear(0.55, 0.10, 0.13) * (0.6 + 0.7 * person["lip_red"])
        colour = own + 0.8 * person["lip_paint"] * (paint - own)
        surface.tint(colour, 0.9 * self.lips)
        # Fine lines run across lips; the middle of both is lighter and shines.
        stripes = 0.5 + 0.5 * np.sin(canvas.points[:, 0] * 2.1 + 1.5 * canvas.pores[:, 0])
        surface.albedo *= (1 - 0.14 * self.lips * stripes)[:, None]
        surface.gloss += self.lips * (0.06 + 0.10 * person["lip_paint"])
        seam = soft(np.linalg.norm((canvas.points - canvas.landmarks[13])[:, 1:] / [8, 1.6], axis=1), 1.0)
        surface.albedo *= (1 - 0.5 * self.lips * seam)[:, None]
        gums = linear(0.60, 0.24, 0.24) * (0.75 + 0.25 * (1 - person["skin_tone"]))
        surface.tint(gums, canvas.inner_mouth)
        teeth = between(np.stack([linear(0.80, 0.72, 0.58), linear(0.93, 0.90, 0.85)]), person["teeth"])
        surface.tint(teeth, (canvas.region == Region.TEETH).astype(np.float32))
        wet = (canvas.inner_mouth > 0.5) | (canvas.region == Region.TEETH)
        surface.gloss[wet] = 0.10
        deep = smooth(-66, -30, canvas.points[:, 1])
        surface.open[wet] *= 1 - 0.85 * deep[wet]


def _dots(points: np.ndarray, chosen: np.ndarray, widths: np.ndarray) -> scipy.sparse.csr_matrix:
    """Round spots at places of a canvas (G, n)."""
    near = KDTree(points).query_ball_point(points[chosen], 2.2 * widths)
    columns = np.repeat(np.arange(len(chosen)), [len(rows) for rows in near])
    rows = np.concatenate([np.asarray(rows, int) for rows in near])
    away = np.linalg.norm(points[rows] - points[chosen[columns]], axis=1)
    values = np.exp(-np.square(away / widths[columns])).astype(np.float32)
    return scipy.sparse.csr_matrix((values, (rows, columns)), (len(points), len(chosen)))


def jaw(canvas: Canvas) -> np.ndarray:
    """Where beards grow: jaw, chin, below the lower lip, the upper neck; 0 to 1 (G,)."""
    p = canvas.mirrored
    bare = np.isin(canvas.region, (Region.SKIN, Region.NECK, Region.UPPER_FACE))
    mouth, chin = canvas.mouth_corner, canvas.chin
    # The upper edge runs from the ear to the mouth's corner, and below the lips.
    x = p[:, 0]
    upper = np.interp(x, [0, 9, mouth[0], mouth[0] + 8, 62, 76], [mouth[2] - 15, mouth[2] - 13, mouth[2] + 1,
                      mouth[2] + 5, -38, 12])  # fmt: skip
    low = chin[2] - 14 + 0.5 * np.maximum(p[:, 1] - chin[1], 0)
    front = smooth(2, -14, p[:, 1] - 0.06 * (p[:, 2] + 60))
    ears = 1 - smooth(74, 79, x)
    return (bare * smooth(3, -6, p[:, 2] - upper) * smooth(low - 7, low + 7, p[:, 2]) * front * ears).astype(np.float32)


def upper_lip(canvas: Canvas) -> np.ndarray:
    """Where moustaches grow, 0 to 1 (G,)."""
    p, mouth = canvas.mirrored, canvas.mouth_corner
    skin = canvas.region == Region.SKIN
    top = canvas.wing[2] - 7
    below = np.interp(p[:, 0], [0, mouth[0], mouth[0] + 9], [mouth[2] + 8, mouth[2], mouth[2] - 12])
    band = smooth(top + 3, top - 3, p[:, 2] + 0.25 * np.maximum(p[:, 0] - 14, 0)) * smooth(
        below - 2, below + 2, p[:, 2]
    )
    return (skin * band * smooth(mouth[0] + 9, mouth[0], p[:, 0]) * (p[:, 1] < -50)).astype(np.float32)


class Wrinkles:
    """Lines of age, which expressions deepen."""

    def __init__(self, canvas: Canvas) -> None:
        self._index = canvas.expression_index
        p, marks = canvas.mirrored, canvas.landmarks
        bare = np.isin(canvas.region, (Region.SKIN, Region.UPPER_FACE, Region.NECK))
        brow = canvas.brow
        lines: dict[str, np.ndarray] = {}
        top, low = canvas.forehead[2] + 3, float(marks[334][2]) + 6
        wave = 2.0 * np.sin(p[:, 0] / 12) - np.square(p[:, 0]) / 300
        upper = (canvas.region == Region.UPPER_FACE) & (brow.across > 3)
        courses = np.linspace(low + 3, top, 4)
        forehead = sum(soft(p[:, 2] - wave - course, 1.6) for course in courses)
        lines["forehead"] = upper * forehead * smooth(46, 28, p[:, 0])
        frown = soft(p[:, 0] - 4.5 - 0.15 * np.maximum(p[:, 2] - 14, 0), 1.7) * soft(p[:, 2] - marks[285][2] - 2, 9)
        lines["frown"] = frown * (p[:, 1] < -45)
        outer = marks[263]
        crows = np.zeros(len(p), np.float32)
        for rise in (6.0, 0.0, -6.0, -12.0):
            path = outer + np.array([[4, 2, 0.25 * rise], [15, 13, 1.1 * rise]])
            crows = np.maximum(crows, soft(canvas.curve(path).away, 1.7))
        lines["crows"] = crows * bare
        under = soft(canvas.lower_lid.across + 7.5, 2.0) * (canvas.lower_lid.away < 12)
        lines["bags"] = under * bare
        corner, wing = canvas.mouth_corner, canvas.wing
        fold = np.stack([wing, wing, corner, corner])
        fold += np.array([[1, 0, 3], [9, 4, -9], [9, 3, 6], [8, 4, -6]], np.float32)
        lines["fold"] = soft(canvas.curve(fold).away, 2.4) * bare
        jowl = corner + np.array([[5, 3, -6], [8, 6, -22]])
        lines["jowl"] = soft(canvas.curve(jowl).away, 2.2) * bare
        bunny = marks[6] + np.array([[5, 2, -6], [11, 7, -13]])
        lines["bunny"] = soft(canvas.curve(bunny).away, 1.8) * bare
        chin = canvas.chin
        lines["chin"] = soft(np.linalg.norm((p - chin - [0, -6, 19]) / [2.6, 2, 1], axis=1), 3.0) * bare
        neck = canvas.region == Region.NECK
        lines["neck"] = neck * sum(soft(p[:, 2] + 0.25 * p[:, 1] - z, 2.5) for z in (-150.0, -172.0)) * (p[:, 1] < 10)
        dimples = np.linalg.norm(p - corner - [11, 6, 2], axis=1)
        lines["dimple"] = soft(dimples, 4.0) * bare
        self._lines = {name: np.clip(line, 0, 1).astype(np.float32) for name, line in lines.items()}

    def depth(self, person: Person, expression: np.ndarray) -> np.ndarray:
        """How dark lines are (G,)."""
        at = {name: float(np.clip(expression[index], 0, 1)) for name, index in self._index.items()}

        def both(name: str) -> float:
            return (at[f"{name}Left"] + at[f"{name}Right"]) / 2

        smile, age = both("mouthSmile"), person["wrinkles"]
        raised = max(at["browInnerUp"], both("browOuterUp"))
        squint = max(both("eyeSquint"), both("cheekSquint"), 0.6 * smile)
        amounts = {
            "forehead": 0.20 * age + (0.12 + 0.30 * age) * raised,
            "frown": 0.18 * age + (0.30 + 0.35 * age) * both("browDown"),
            "crows": 0.16 * age + (0.10 + 0.40 * age) * squint,
            "bags": 0.06 + 0.22 * age + 0.12 * squint,
            "fold": 0.05 + 0.28 * age + (0.26 + 0.2 * age) * max(smile, both("noseSneer"), both("mouthUpperUp")),
            "jowl": 0.22 * age + 0.15 * both("mouthFrown"),
            "bunny": 0.06 * age + 0.35 * both("noseSneer"),
            "chin": 0.05 * age + 0.28 * at["mouthShrugLower"],
            "neck": 0.05 + 0.20 * age,
            "dimple": 0.20 * both("mouthDimple") + 0.12 * smile,
        }
        dark = sum(np.float32(amount) * self._lines[name] for name, amount in amounts.items())
        assert isinstance(dark, np.ndarray)
        return 1.1 * dark
