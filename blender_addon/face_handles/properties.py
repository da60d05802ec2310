"""The switches of face handles, which belong to the window: `window_manager.dgtalker_face_handles`."""

from __future__ import annotations

from typing import Any

import bpy

from . import faces, view


def _switched(_form: bpy.types.PropertyGroup, _context: bpy.types.Context) -> None:
    faces.forget()
    view.redraw()


class FaceHandlesPropertyGroup(bpy.types.PropertyGroup):
    """Whether handles are shown, and how they are dragged."""

    on: bpy.props.BoolProperty(
        name="Face Handles",
        description="Show points on the face of the active head in 3D views, by which it is dragged into shape",
        update=_switched,
    )
    mirror: bpy.props.BoolProperty(
        name="Mirror", description="Dragging one side of the face moves the other one as well; X while dragging"
    )


CLASSES: tuple[type, ...] = (FaceHandlesPropertyGroup,)


def add() -> None:
    manager: Any = bpy.types.WindowManager
    manager.dgtalker_face_handles = bpy.props.PointerProperty(type=FaceHandlesPropertyGroup, options={"SKIP_SAVE"})


def remove() -> None:
    manager: Any = bpy.types.WindowManager
    del manager.dgtalker_face_handles
