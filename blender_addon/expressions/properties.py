"""How expressions are applied and saved: `window_manager.dgtalker_expressions`. It belongs to the window."""

from __future__ import annotations

from typing import Any

import bpy


class ExpressionsPropertyGroup(bpy.types.PropertyGroup):
    """The form of the gallery."""

    open: bpy.props.BoolProperty(name="Open", description="Whether the gallery is shown")
    amount: bpy.props.FloatProperty(
        name="Amount",
        description="How far the sliders go from where they are towards the expression",
        default=1.0,
        min=0.0,
        max=1.0,
        subtype="FACTOR",
    )
    mirrored: bpy.props.BoolProperty(name="Mirrored", description="What the left side does, the right side does")
    insert_keys: bpy.props.BoolProperty(
        name="Insert Keys",
        description="Key what an expression moves, on this frame; with Auto Keying that happens anyway",
    )
    title: bpy.props.StringProperty(name="Name", description="Of the expression that is saved")
    only_changed: bpy.props.BoolProperty(
        name="Changed Sliders Only",
        description="Sliders at rest are not saved: the expression leaves them alone where it is applied",
    )


CLASSES: tuple[type, ...] = (ExpressionsPropertyGroup,)


def form(context: bpy.types.Context) -> Any:
    manager: Any = context.window_manager
    return manager.dgtalker_expressions


def add() -> None:
    manager: Any = bpy.types.WindowManager
    manager.dgtalker_expressions = bpy.props.PointerProperty(type=ExpressionsPropertyGroup, options={"SKIP_SAVE"})


def remove() -> None:
    manager: Any = bpy.types.WindowManager
    del manager.dgtalker_expressions
