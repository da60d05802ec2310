"""Which ARKit control a shape key of somebody's rig is, by its name. No Blender."""

from __future__ import annotations

from collections.abc import Iterable

from dgtalker_engine.performance.exchange import names
from dgtalker_engine.rig import ARKIT_NAMES


def control_of(name: str) -> str | None:
    """The ARKit control that a shape key's name means, however it is spelled; see `exchange.names.control_of`."""
    control = names.control_of(name)
    return control if control in ARKIT_NAMES else None


def controls_of(shape_keys: Iterable[str]) -> dict[str, str]:
    """For each ARKit control the first name that means it, in ARKit's order."""
    found: dict[str, str] = {}
    for name in shape_keys:
        control = control_of(name)
        if control:
            found.setdefault(control, name)
    return {control: found[control] for control in ARKIT_NAMES if control in found}
