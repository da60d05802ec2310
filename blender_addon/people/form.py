"""What the gallery's form says: who is chosen, and whose pictures are wanted."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any

import bpy

from dgtalker_engine.wire.people import MAX_SEED, TRAITS, PersonRequest

from .properties import ASKED

PAGE = 6
"""People of the gallery that are seen at once."""

CHOSEN = "chosen"
"""The picture of the one who is chosen; those of a page are called by their places in it."""

_LARGE, _SMALL = 256, 128


@dataclass(frozen=True)
class Portrait:
    """A picture that is wanted: its name, its side in pixels, and whom it shows."""

    name: str
    side: int
    person: PersonRequest


def properties(context: bpy.types.Context) -> Any:
    """The form; `properties` declares it."""
    manager: Any = context.window_manager
    return manager.dgtalker_new_person


def request(context: bpy.types.Context) -> PersonRequest:
    """Whoever is chosen."""
    form = properties(context)
    # Blender keeps single precision: 0.3 is more than that.
    traits = {
        trait.name: min(max(round(getattr(form, trait.name), 4), trait.least), trait.most)
        for trait in TRAITS
        if getattr(form, ASKED + trait.name)
    }
    morph, mix = round(form.morph, 4), round(form.mix, 4)
    other = form.other if morph or mix else 0
    return PersonRequest(seed=form.seed, other=other, morph=morph, mix=mix, traits=traits)


def page(context: bpy.types.Context) -> tuple[int, ...]:
    """The seeds of the people who are seen at once."""
    first = properties(context).first
    return tuple(seed for seed in range(first, first + PAGE) if seed <= MAX_SEED)


def portraits(context: bpy.types.Context) -> tuple[Portrait, ...]:
    """The pictures that are wanted, in the order in which they are."""
    chosen = request(context)
    others = (Portrait(str(place), _SMALL, replace(chosen, seed=seed)) for place, seed in enumerate(page(context)))
    return (Portrait(CHOSEN, _LARGE, chosen), *others)


def turn_page(context: bpy.types.Context, pages: int) -> None:
    """Shows people of other seeds; the one who is chosen stays."""
    form = properties(context)
    form.first = max(0, min(form.first + pages * PAGE, MAX_SEED + 1 - PAGE))


def leave_traits(context: bpy.types.Context) -> None:
    """Asks for nothing any more: everybody is as they come."""
    form = properties(context)
    for trait in TRAITS:
        form.property_unset(ASKED + trait.name)
    for name in ("morph", "mix"):
        form.property_unset(name)
