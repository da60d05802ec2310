"""By what a speaker nods: its neck, itself as a whole, or nothing."""

from __future__ import annotations

import bpy
import numpy as np

from dgtalker_engine.performance import Performance
from dgtalker_engine.performance.neck import NECK_NAMES, over_neck

from ...properties import speaker_properties
from ..timeline import speakers
from . import first_design, generated

FARTHER = 0.02
"""Of a control of the neck, beyond its end: nobody sees it."""


def by_its_neck(head: bpy.types.Object, performance: Performance, notes: list[str]) -> Performance:
    """The performance with turns of the neck in place of turns of the whole, where that is how a speaker nods.

    Args:
        notes: gets a sentence where it cannot turn so far.
    """
    _keep_turning_whole(head)
    if speakers.turns(head) or not speakers.has_neck(head):
        return performance
    turned = over_neck(performance)
    if np.abs(turned.select(NECK_NAMES)).max() > 1.0 + FARTHER:
        notes.append(f"The neck of {head.name} turns less far than asked for: Turn Object turns it as a whole.")
    return turned


def _keep_turning_whole(head: bpy.types.Object) -> None:
    """A head whose turns an earlier release wrote to the object goes on so, with what was edited there, until its
    animator says otherwise."""
    own = speaker_properties(head)
    written = generated.has(head) or first_design.has(head)
    if speakers.has_neck(head) and written and not own.is_property_set("turns"):
        own.turns = True
