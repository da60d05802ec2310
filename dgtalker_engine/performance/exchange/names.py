"""Names of controls as other programs spell them."""

from __future__ import annotations

import re
from collections.abc import Sequence
from functools import lru_cache

from ...errors import DGTalkerError
from ...rig import ARKIT_NAMES, HEAD_NAMES

EYES = tuple(f"{side}Eye{turn}" for side in ("Left", "Right") for turn in ("Yaw", "Pitch", "Roll"))
"""Live Link Face's turns of the eyes. They say again what the looks say, and are not read."""

_MOST = 4096
_MAKERS = re.compile(
    r"^(?:A\d{1,2}|ARKit|Apple|BS|BlendShapes?|Expressions?|Face|FACS|Key|Morphs?|Shapes?)[ _-]+", re.I
)
_SIDES = {"l": "left", "r": "right"}


def normalized(name: str) -> str:
    """A name's letters and digits alone, in lower case."""
    return re.sub(r"[\W_]", "", name).lower()


_KNOWN = {normalized(name): name for name in (*ARKIT_NAMES, *HEAD_NAMES)}
_UNREAD = {normalized(name) for name in (*EYES, "blendShapeCount", "frame", "index")}


@lru_cache(maxsize=4096)
def control_of(name: str) -> str | None:
    """The control of `rig.ARKIT_NAMES` or `rig.HEAD_NAMES` that somebody's name means; None where it means none.

    ``EyeBlinkLeft``, ``eyeBlink_L``, ``eye_blink.left``, ``blendShapes.EyeBlinkLeft``, ``face:eyeBlink.L``,
    ``A14_Eye_Blink_Left`` (Character Creator), ``ARKit_eyeBlinkLeft``, ``eyeBlinkLeft.001`` and, as exporters write
    that, ``eyeBlinkLeft_001`` are all ``eyeBlinkLeft``.
    """
    # Blender numbers what would have the same name; of programs' own words before a name only those are passed over
    # that are known, since "cheekPuff_jawOpen" is another shape than "jawOpen".
    parts = re.split(r"[.:|]", re.sub(r"[._]\d{3,}$", "", name))
    for i in range(len(parts)):
        letters = normalized(_MAKERS.sub("", "".join(parts[i:])))
        for spelling in (letters, letters[:-1] + _SIDES.get(letters[-1:], "-")):
            if spelling in _KNOWN:
                return _KNOWN[spelling]
    return None


def canonical(name: str) -> str:
    """ARKit's or `HEAD_NAMES`' name of a control, its own where it has none there, nothing for what is no control."""
    name = name.strip()
    return "" if normalized(name) in _UNREAD else control_of(name) or name


def check(names: Sequence[str]) -> None:
    """Raises DGTalkerError when a name comes twice, none of them is ARKit's, or they are too many."""
    if len(names) > _MOST:
        raise DGTalkerError(f"There are {len(names)} controls.", f"At most {_MOST} are read.")
    if len(set(names)) < len(names):
        twice = next(name for i, name in enumerate(names) if name in names[:i])
        raise DGTalkerError(f"The control {twice} comes twice.", "Take one of them out.")
    if not set(names) & set(ARKIT_NAMES):
        shown = ", ".join(names[:4]) or "none at all"
        raise DGTalkerError(
            f"No control has a name of ARKit's blendshapes; they are {shown}.", "Export with ARKit's names."
        )


def pascal_case(name: str) -> str:
    """``jawOpen`` → ``JawOpen``, as tables of other programs have it."""
    return name[:1].upper() + name[1:]
