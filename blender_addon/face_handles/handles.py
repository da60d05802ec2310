"""The handles of a face: what each is called, which sliders it moves, and by which sliders its place is found.

Needs no Blender.
"""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass
from typing import Literal

from dgtalker_engine.rig import SIDEWAYS_NAMES, mirrored

from ..head import groups

Place = Literal["skin", "eye", "gaze"]


@dataclass(frozen=True)
class Handle:
    """A point of the face that can be dragged.

    Attributes:
        name: like a slider's, with the side at its end: ``mouthCornerLeft``.
        sliders: what a drag may move.
        found_by: sliders that a head has to have: the point is where all of these move most.
        place: on the skin; on the pupil; or before the eyes, where both look.
        outermost: where given, the point is instead the outermost one, in this direction of head space, of what those
            sliders move well; x is away from the middle on both sides.
    """

    name: str
    sliders: tuple[str, ...]
    found_by: tuple[str, ...]
    place: Place = "skin"
    outermost: tuple[float, float, float] | None = None

    @property
    def side(self) -> str:
        return groups.side_of(self.name)

    @property
    def label(self) -> str:
        """``Left Mouth Corner``"""
        words = [word.capitalize() for word in groups.words(self.name.removesuffix(self.side))]
        return " ".join([self.side, *words] if self.side else words)


def _of_side(side: str) -> tuple[Handle, ...]:
    def handle(
        name: str,
        sliders: str,
        found_by: str,
        place: Place = "skin",
        outermost: tuple[float, float, float] | None = None,
    ) -> Handle:
        return Handle(name + side, _names(sliders, side), _names(found_by, side), place, outermost)

    looks = "eyeLookUp* eyeLookDown* eyeLookIn* eyeLookOut*"
    return (
        handle("mouthCorner", "mouthSmile* mouthFrown* mouthStretch* mouthPucker", "mouthSmile* mouthStretch*"),
        handle("innerBrow", "browInnerUp browDown*", "browInnerUp browDown*"),
        handle("outerBrow", "browOuterUp* browDown*", "browOuterUp*", outermost=(0.8, -0.4, 0.2)),
        handle("upperLid", "eyeBlink* eyeWide*", "eyeBlink* eyeWide*"),
        handle("lowerLid", "eyeSquint*", "eyeSquint*"),
        handle("cheek", "cheekSquint* cheekPuff", "cheekSquint* cheekPuff"),
        handle("noseWing", "noseSneer*", "noseSneer*"),
        handle("eye", looks, looks, "eye"),
    )


def _names(pattern: str, side: str = "") -> tuple[str, ...]:
    return tuple(pattern.replace("*", side).split())


_LOOKS = tuple(f"eyeLook{way}{side}" for side in ("Left", "Right") for way in ("Up", "Down", "In", "Out"))

HANDLES: tuple[Handle, ...] = (
    *_of_side("Left"),
    *_of_side("Right"),
    Handle(
        "upperLip",
        _names("mouthUpperUpLeft mouthUpperUpRight mouthShrugUpper mouthRollUpper mouthLeft mouthRight"),
        _names("mouthUpperUpLeft mouthUpperUpRight mouthRollUpper"),
        outermost=(0.0, -0.9, 0.45),
    ),
    Handle(
        "lowerLip",
        _names("mouthLowerDownLeft mouthLowerDownRight mouthShrugLower mouthLeft mouthRight"),
        _names("mouthLowerDownLeft mouthLowerDownRight mouthRollLower"),
        outermost=(0.0, -0.9, -0.45),
    ),
    Handle(
        "chin",
        _names("jawOpen jawLeft jawRight jawForward"),
        _names("jawOpen"),
        outermost=(0.0, -0.7, -0.7),
    ),
    Handle("gaze", _names("gazeSide gazeUp"), (*_LOOKS, "gazeSide", "gazeUp"), "gaze"),
    Handle("gaze", _LOOKS, _LOOKS, "gaze"),
)
"""All handles. Of two that have the same name a head gets the first that it can have."""

BY_NAME: dict[str, int] = {handle.name: number for number, handle in reversed(list(enumerate(HANDLES)))}


def offered(present: Collection[str], movable: Collection[str]) -> tuple[Handle, ...]:
    """The handles of a head.

    Args:
        present: its sliders.
        movable: those of them that show something.
    """
    found: dict[str, Handle] = {}
    for handle in HANDLES:
        if set(handle.found_by) <= set(present) and set(handle.sliders) & set(movable):
            found.setdefault(handle.name, handle)
    return tuple(found.values())


def moved_together(handle: Handle, movable: Collection[str], *, mirror: bool) -> list[tuple[str, ...]]:
    """The sliders that a drag moves, those in one tuple by one value, the handle's own first.

    With `mirror` both sides of the face do the same, and nothing goes sideways; eyes look where they look.
    """
    names = [name for name in handle.sliders if name in movable]
    if not mirror or handle.place != "skin":
        return [(name,) for name in names]
    together: dict[frozenset[str], tuple[str, ...]] = {}
    for name in names:
        if not groups.is_direction(name) and name not in SIDEWAYS_NAMES:
            pair = tuple(dict.fromkeys(each for each in (name, mirrored(name)) if each in movable))
            together.setdefault(frozenset(pair), pair)
    return list(together.values())
