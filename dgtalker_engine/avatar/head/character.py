"""Who the built-in heads are: everything that tells one character from another. Colours are sRGB, lengths millimetres.

All characters share one sculpture and one rig, made in the space of the first of them. `Character.warp` then shapes
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
        mouth: size of teeth, tongue and the inside of the mouth.
    """

    bells: tuple[Bell, ...] = ()
    eyes: float = 1.0
    eye_shift: Triple = (0.0, 0.0, 0.0)
    mouth: float = 1.0


@dataclass(frozen=True)
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


@dataclass(frozen=True)
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


@dataclass(frozen=True)
class Brows:
    """Brow hairs: colour, and thickness, length of the hairs, rise of the arch, relative to the first head's."""

    colour: Triple
    thickness: float = 1.0
    length: float = 1.0
    arch: float = 1.0
    count: int = 330


@dataclass(frozen=True)
class Hair:
    """Style (see `hair.STYLES`) and colours at root and tip; `moustache` where there is one."""

    style: str
    root: Triple
    tip: Triple
    moustache: bool = False


@dataclass(frozen=True)
class Clothes:
    """What ends the neck: style (see `clothes.STYLES`) and colours."""

    style: str
    colour: Triple
    accent: Triple


@dataclass(frozen=True)
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

CHARACTERS: dict[str, Character] = {character.name: character for character in (ROBIN,)}
