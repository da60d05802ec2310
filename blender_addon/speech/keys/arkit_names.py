"""Which ARKit control a shape key of somebody's rig is, by its name. No Blender."""

from __future__ import annotations

import re
from collections.abc import Iterable
from functools import lru_cache

from dgtalker_engine.performance.exchange import names
from dgtalker_engine.rig import ARKIT_NAMES


@lru_cache(maxsize=4096)
def control_of(name: str) -> str | None:
    """The ARKit control that a shape key's name means.

    ``EyeBlinkLeft``, ``eyeBlink_L``, ``eye_blink.left`` and ``Face.eyeBlink.L`` are all ``eyeBlinkLeft``.
    """
    parts = re.split(r"[.:|]", name)
    for i in range(len(parts)):
        control = names.ours(re.sub(r"[\W_]", "", "".join(parts[i:])))
        if control in ARKIT_NAMES:
            return control
    return None


def controls_of(shape_keys: Iterable[str]) -> dict[str, str]:
    """For each ARKit control the first name that means it, in ARKit's order."""
    found: dict[str, str] = {}
    for name in shape_keys:
        control = control_of(name)
        if control:
            found.setdefault(control, name)
    return {control: found[control] for control in ARKIT_NAMES if control in found}
