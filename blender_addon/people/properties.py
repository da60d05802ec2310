"""Who is looked at in the gallery: `window_manager.dgtalker_new_person`. It belongs to the window, not to the file."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import bpy

from dgtalker_engine.wire.people import MAX_SEED, TRAITS, Trait

ASKED = "asked_"
"""So begin the names of the properties that say whether a trait is asked for."""

_filling = False


def _slider(trait: Trait) -> Any:
    def moved(form: Any, context: bpy.types.Context) -> None:
        if not _filling:
            setattr(form, ASKED + trait.name, True)

    share = (trait.least, trait.most) == (0.0, 1.0)
    return bpy.props.FloatProperty(
        name=trait.label,
        description=trait.description,
        min=trait.least,
        max=trait.most,
        default=trait.least,
        subtype="FACTOR" if share else "NONE",
        step=1 if share else 100,
        precision=2 if share else 0,
        update=moved,
    )


def _asked(trait: Trait) -> Any:
    return bpy.props.BoolProperty(
        name=trait.label, description=f"Everybody has this: {trait.label.lower()}. Otherwise it is as it comes"
    )


def fill(form: Any, traits: Mapping[str, float]) -> None:
    """Sliders of traits that are not asked for show what the chosen person has."""
    global _filling
    _filling = True
    try:
        for trait in TRAITS:
            if trait.name in traits and not getattr(form, ASKED + trait.name):
                setattr(form, trait.name, round(traits[trait.name], 2))
    finally:
        _filling = False


class NewPersonPropertyGroup(bpy.types.PropertyGroup):
    """The form of `people.form`."""

    open: bpy.props.BoolProperty(name="Open", description="Whether the gallery is shown")
    seed: bpy.props.IntProperty(
        name="Person", description="The same number is always the same person", default=1, min=0, max=MAX_SEED
    )
    first: bpy.props.IntProperty(
        name="First", description="The first person of the gallery's page", default=1, min=0, max=MAX_SEED
    )
    other: bpy.props.IntProperty(
        name="Other", description="The number of somebody whom they are to be like", default=2, min=0, max=MAX_SEED
    )
    morph: bpy.props.FloatProperty(
        name="Face", description="How much of the face's shape is the other one's", min=0.0, max=1.0, subtype="FACTOR"
    )
    mix: bpy.props.FloatProperty(
        name="Colours",
        description="How much of skin, hair and all colours is the other one's",
        min=0.0,
        max=1.0,
        subtype="FACTOR",
    )
    mark_asset: bpy.props.BoolProperty(
        name="Keep as Asset",
        description="Show the head in the asset browser. It stays in the file when its object is deleted",
        default=True,
    )


NewPersonPropertyGroup.__annotations__ |= {trait.name: _slider(trait) for trait in TRAITS} | {
    ASKED + trait.name: _asked(trait) for trait in TRAITS
}

CLASSES = (NewPersonPropertyGroup,)


def add() -> None:
    manager: Any = bpy.types.WindowManager
    manager.dgtalker_new_person = bpy.props.PointerProperty(type=NewPersonPropertyGroup, options={"SKIP_SAVE"})


def remove() -> None:
    manager: Any = bpy.types.WindowManager
    del manager.dgtalker_new_person
