"""A speaker that is in several scenes, with lines in each, has the same sliders in all of them."""

from __future__ import annotations

from collections.abc import Sequence

import bpy

from dgtalker_engine.errors import DGTalkerError

from ..timeline import strips
from . import storage


def keep(scene: bpy.types.Scene, heads: Sequence[bpy.types.Object]) -> None:
    """Raises DGTalkerError where a head speaks another scene's lines, which these would replace."""
    for head in heads:
        other = storage.spoken_elsewhere(scene, head)
        if other is not None:
            raise DGTalkerError(
                f"{head.name} speaks its lines in {other.name}, and has the same sliders in {scene.name}: nothing was "
                "changed.",
                f"Put the lines of both into {other.name}, or press Clear Speech there first, or give each scene a "
                "head of its own (Object ▸ Relations ▸ Make Single User ▸ Object & Data), chosen beside its strips.",
                code="refused",
            )


def notes(scene: bpy.types.Scene, head: bpy.types.Object) -> list[str]:
    """What the user should know where a head has lines in several scenes: its sliders are the same in all."""
    others = [other.name for other in bpy.data.scenes if other != scene and strips.audible_of(other, head)]
    if not others:
        return []
    return [
        f"Its lines in {', '.join(others)} are not spoken, since {head.name} is the same in all scenes: "
        "give each scene a head of its own (Object ▸ Relations ▸ Make Single User ▸ Object & Data)."
    ]
