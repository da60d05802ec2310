"""Which ARKit control a shape key of somebody's rig is, by its name. No Blender."""

from __future__ import annotations

import re
from collections.abc import Iterable
from functools import lru_cache

from dgtalker_engine.rig import ARKIT_NAMES

_CONTROLS = {name.lower(): name for name in ARKIT_NAMES}
_SIDES = {"l": "left", "r": "right"}


@lru_cache(maxsize=4096)
def control_of(name: str) -> str | None:
    """The ARKit control that a shape key's name means.

    ``EyeBlinkLeft``, ``eyeBlink_L``, ``eye_blink.left`` and ``face.eyeBlinkLeft`` are all ``eyeBlinkLeft``.
    """
    for part in (name, re.split(r"[.:|]", name)[-1]):
        letters = re.sub(r"[\W_]", "", part).lower()
        for spelling in (letters, letters[:-1] + _SIDES.get(letters[-1:], "-")):
            if spelling in _CONTROLS:
                return _CONTROLS[spelling]
    return None


def controls_of(names: Iterable[str]) -> dict[str, str]:
    """For each ARKit control the first name that means it, in ARKit's order."""
    found: dict[str, str] = {}
    for name in names:
        control = control_of(name)
        if control:
            found.setdefault(control, name)
    return {control: found[control] for control in ARKIT_NAMES if control in found}
