"""Who the built-in heads are: everything that tells one character from another. Colours are sRGB, lengths millimetres.

All characters share one sculpture and one rig, made in the space of the first of them. `Character.shape` then warps
that space as a whole, so whatever lies in it (skin, eyes, mouth, hair, and how controls move them) goes along.
"""

from __future__ import annotations

from dataclasses import dataclass

Triple = tuple[float, float, float]


@dataclass(frozen=True)
class Bell:
    """A change of shape that is strongest at a place and fades like a bell.

    Attributes:
        centre: the place; where its x is not 0, the mirrored place changes likewise.
        radius: how far along each axis the change reaches.
        scale: by how much things there grow along each axis, about the centre.
        shift: how far they move.
    """

    centre: Triple
    radius: Triple
    scale: Triple = (1.0, 1.0, 1.0)
    shift: Triple = (0.0, 0.0, 0.0)


@dataclass(frozen=True)
class Shape:
    """Proportions, as a warp of space; see `warp.Warp`.

    Attributes:
        bells: local changes, added up.
        eyes: size of the eyeballs, and of all that lies on them.
        eye_shift: where the left eye goes, beyond what the bells do at its centre.
    """

    bells: tuple[Bell, ...] = ()
    eyes: float = 1.0
    eye_shift: Triple = (0.0, 0.0, 0.0)


@dataclass(frozen=True, kw_only=True)
class Skin:
    """Colours of the skin; strengths from 0 to 1."""

    colour: Triple
    lips: Triple
    blush: Triple
    lid: Triple
    gloss: float = 0.03
    freckles: float = 0.0
    wrinkles: float = 0.0
    stubble: float = 0.0
    moles: tuple[Triple, ...] = ()


@dataclass(frozen=True, kw_only=True)
class Eyes:
    """Colours of the iris at the pupil, at its rim, and of the ring around it; sizes relative to the first head's."""

    inner: Triple
    outer: Triple
    ring: Triple
    white: Triple = (0.965, 0.955, 0.95)
    iris: float = 1.0
    pupil: float = 1.0
    lashes: float = 1.0
    lash: Triple = (0.16, 0.09, 0.07)


@dataclass(frozen=True, kw_only=True)
class Brows:
    """Brow hairs: colour, and thickness, length of the hairs, rise of the arch, relative to the first head's."""

    colour: Triple
    thickness: float = 1.0
    length: float = 1.0
    arch: float = 1.0
    count: int = 440


@dataclass(frozen=True)
class Hair:
    """Style (see `hairstyles.STYLES`) and colours at root and tip; `moustache` where there is one."""

    style: str
    root: Triple
    tip: Triple
    moustache: bool = False


@dataclass(frozen=True)
class Clothes:
    """What ends the neck: style (see `clothes.RINGS`) and colours."""

    style: str
    colour: Triple
    accent: Triple


@dataclass(frozen=True, kw_only=True)
class Character:
    """One of the built-in heads."""

    name: str
    description: str
    skin: Skin
    eyes: Eyes
    brows: Brows
    hair: Hair
    clothes: Clothes
    shape: Shape = Shape()

    @property
    def label(self) -> str:
        """What the user sees."""
        return self.name.capitalize()


ROBIN = Character(
    name="robin",
    description="A young lead with short brown hair, freckles and a roll-neck",
    skin=Skin(
        colour=(0.945, 0.76, 0.655),
        lips=(0.80, 0.44, 0.43),
        blush=(0.93, 0.52, 0.46),
        lid=(0.80, 0.53, 0.46),
        freckles=1.0,
    ),
    eyes=Eyes(inner=(0.42, 0.72, 0.62), outer=(0.10, 0.36, 0.40), ring=(0.04, 0.10, 0.12)),
    brows=Brows(colour=(0.30, 0.165, 0.11)),
    hair=Hair(style="swept", root=(0.20, 0.10, 0.065), tip=(0.50, 0.285, 0.165)),
    clothes=Clothes(style="roll", colour=(0.16, 0.46, 0.50), accent=(0.16, 0.46, 0.50)),
)

WREN = Character(
    name="wren",
    description="A young woman with dark skin, big eyes and her hair in two curly puffs",
    skin=Skin(
        colour=(0.56, 0.355, 0.255),
        lips=(0.60, 0.27, 0.27),
        blush=(0.66, 0.29, 0.23),
        lid=(0.45, 0.255, 0.19),
        gloss=0.08,
    ),
    eyes=Eyes(
        inner=(0.62, 0.36, 0.14),
        outer=(0.27, 0.12, 0.05),
        ring=(0.07, 0.03, 0.02),
        iris=1.1,
        pupil=1.12,
        lashes=1.12,
        lash=(0.05, 0.03, 0.03),
    ),
    brows=Brows(colour=(0.09, 0.055, 0.045), thickness=0.85, length=0.9, arch=1.3, count=460),
    hair=Hair(style="puffs", root=(0.085, 0.05, 0.042), tip=(0.28, 0.16, 0.11)),
    clothes=Clothes(style="hood", colour=(0.93, 0.62, 0.14), accent=(0.98, 0.86, 0.66)),
    shape=Shape(
        bells=(
            Bell((0, -50, -95), (90, 80, 48), shift=(0, 3, 13)),
            Bell((44, -60, -34), (34, 40, 34), shift=(4.5, -2, 0)),
            Bell((0, -88, -106), (30, 30, 24), scale=(0.86, 1.0, 0.9)),
            Bell((0, -104, -25), (17, 20, 20), scale=(1.22, 0.86, 0.86), shift=(0, 5, 3)),
            Bell((0, -92, -2), (14, 16, 16), shift=(0, 3.5, 0)),
            Bell((0, -96, -63), (26, 22, 12), scale=(1.0, 1.16, 1.3), shift=(0, -1.5, 0)),
            Bell((90, 14, 2), (24, 32, 38), scale=(0.85, 0.8, 0.8), shift=(-3, 0, 0)),
            Bell((0, 0, 70), (120, 110, 60), scale=(1.04, 1.03, 1.02)),
            Bell((0, 15, -140), (75, 75, 42), scale=(0.84, 0.86, 1.0)),
        ),
        eyes=1.13,
        eye_shift=(1.5, -1.5, 0.0),
    ),
)

HERON = Character(
    name="heron",
    description="An old man with a long face, a big nose, a moustache and a bow tie",
    skin=Skin(
        colour=(0.90, 0.70, 0.60),
        lips=(0.74, 0.47, 0.44),
        blush=(0.88, 0.48, 0.41),
        lid=(0.74, 0.49, 0.44),
        wrinkles=1.0,
        stubble=0.6,
        moles=((33.0, -84.0, -36.0), (-52.0, -62.0, 34.0)),
    ),
    eyes=Eyes(
        inner=(0.62, 0.74, 0.86),
        outer=(0.24, 0.40, 0.58),
        ring=(0.10, 0.16, 0.26),
        iris=0.94,
        lashes=0.6,
        lash=(0.30, 0.26, 0.24),
    ),
    brows=Brows(colour=(0.62, 0.60, 0.58), thickness=1.55, length=1.7, arch=0.8, count=420),
    hair=Hair(style="sides", root=(0.50, 0.49, 0.49), tip=(0.86, 0.85, 0.84), moustache=True),
    clothes=Clothes(style="shirt", colour=(0.93, 0.92, 0.88), accent=(0.60, 0.13, 0.15)),
    shape=Shape(
        bells=(
            Bell((0, -50, -85), (120, 110, 60), shift=(0, -1, -13)),
            Bell((0, -10, 105), (110, 110, 60), shift=(0, 0, 7)),
            Bell((0, -20, -30), (150, 150, 110), scale=(0.92, 1.0, 1.0)),
            Bell((0, -104, -24), (21, 26, 27), scale=(1.3, 1.25, 1.2), shift=(0, -9, -4)),
            Bell((0, -96, 0), (12, 16, 15), shift=(0, -5, 0)),
            Bell((0, -90, -106), (30, 30, 26), shift=(0, -6, -4)),
            Bell((90, 14, 2), (26, 36, 44), scale=(1.2, 1.22, 1.26), shift=(4, 0, -2)),
            Bell((24, -86, 30), (26, 22, 13), shift=(0, -4, -1.5)),
            Bell((47, -60, -46), (20, 24, 24), shift=(-4, 4, 0)),
            Bell((52, -60, -12), (18, 22, 14), shift=(2, -2.5, 0)),
            Bell((0, 15, -140), (80, 80, 45), scale=(0.9, 0.92, 1.0)),
            Bell((0, -26, -132), (9, 12, 13), shift=(0, -5, 0)),
        ),
        eyes=0.93,
        eye_shift=(-1.0, 2.0, 0.0),
    ),
)

CHARACTERS: dict[str, Character] = {character.name: character for character in (ROBIN, WREN, HERON)}
