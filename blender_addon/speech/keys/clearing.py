"""Generated keys of a datablock are taken away, wherever they are."""

from __future__ import annotations

import bpy

from ... import animation_data
from ...properties import keys_properties
from . import generated, labels, places, put_away
from .sheet import Sheet


def clear(owner: bpy.types.ID, name: str, notes: list[str]) -> None:
    """Removes the generated keys of a datablock; what it had before is back. Where they play no more, they are
    forgotten.

    Args:
        name: of the speaker, for people.
        notes: gets sentences for the user: which edits stay.
    """
    if places.of(owner):
        stay = [labels.named(owner, path, kept) for path, kept in Sheet(owner, name).clear()]
        if stay:
            notes.append(f"What you edited stays as your own keys: {labels.listed(stay)}.")
    elif generated.has(owner):
        former, animation = keys_properties(owner).dgtalker_action, animation_data.of(owner)
        if former is not None and not (
            animation and places.is_recorded(owner, animation.action, animation.action_slot)
        ):
            notes.append(f"The speech in the action {former.name}, which is not assigned, stays there.")
        put_away.save(owner, name, places.ledger_of(owner).curves, notes)
        generated.forget(owner)
