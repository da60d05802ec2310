"""What a sound strip knows of its speaker: `strip.dgtalker`."""

from __future__ import annotations

from typing import Any

import bpy

from ..head import model


def _amount(name: str, description: str) -> Any:
    return bpy.props.FloatProperty(
        name=name, description=description, default=1.0, min=0.0, max=2.0, subtype="FACTOR", options=set()
    )


class StripProperties(bpy.types.PropertyGroup):
    """Who speaks a sound strip, and how; read when the head is animated."""

    speaker: bpy.props.PointerProperty(  # type: ignore[valid-type]
        name="Speaker",
        description="The head that speaks this strip",
        type=bpy.types.Object,
        poll=lambda self, ob: model.is_head(ob) and bool(ob.users_scene),  # type: ignore
    )
    lips: _amount("Lips", "How far the lips and the jaw move")  # type: ignore[valid-type]
    expression: _amount("Expression", "How much the brows and the gaze move")  # type: ignore[valid-type]
    head: _amount("Head", "How much the head moves")  # type: ignore[valid-type]
    blinks: _amount("Blinks", "How often the head blinks: 0 never, 2 twice as often")  # type: ignore[valid-type]
    transcript: bpy.props.StringProperty(  # type: ignore[valid-type]
        name="Transcript",
        description="The words of this strip, where they are known: the lips follow them more exactly",
        options=set(),
    )


def add() -> None:
    bpy.types.Strip.dgtalker = bpy.props.PointerProperty(type=StripProperties)  # type: ignore[attr-defined]


def remove() -> None:
    del bpy.types.Strip.dgtalker  # type: ignore[attr-defined]
