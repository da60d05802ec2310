"""The handles in 3D views: one gizmo draws them all, and each is a part of it with its drag."""

from __future__ import annotations

from typing import Any

import bpy

from dgtalker_engine.errors import DGTalkerError

from . import drawing, operators, view
from .handles import BY_NAME, HANDLES, Handle


class FaceHandlesGizmo(bpy.types.Gizmo):
    """All handles of a view: as one they cost one call, and the nearest to the pointer is the one that is meant."""

    bl_idname = "DGTALKER_GT_face_handles"
    __slots__ = ("hovered",)

    hovered: Handle | None

    def setup(self) -> None:
        self.hovered = None

    def draw(self, context: bpy.types.Context) -> None:
        try:
            seen = view.seen(context)
        except DGTalkerError:
            return  # the Head panel says what is wrong
        dragged = operators.dragged
        if dragged is not None:
            drawing.draw(seen, dragged.handle, dragged.lines)
        else:
            drawing.draw(seen, self.hovered if self.is_highlight else None, None)

    def test_select(self, context: bpy.types.Context, location: Any) -> int:
        try:
            self.hovered = view.seen(context).at(location)
        except DGTalkerError:
            self.hovered = None
        return -1 if self.hovered is None else BY_NAME[self.hovered.name]


class FaceHandlesGizmoGroup(bpy.types.GizmoGroup):
    """Face handles of the active head"""

    bl_idname = "DGTALKER_GGT_face_handles"
    bl_label = "Face Handles"
    bl_space_type = "VIEW_3D"
    bl_region_type = "WINDOW"
    bl_options = {"PERSISTENT", "SHOW_MODAL_ALL"}

    @classmethod
    def poll(cls, context: bpy.types.Context) -> bool:
        return view.is_shown(context)

    def setup(self, context: bpy.types.Context) -> None:
        gizmo: Any = self.gizmos.new(FaceHandlesGizmo.bl_idname)
        gizmo.use_draw_modal = True
        for number, handle in enumerate(HANDLES):
            gizmo.target_set_operator(operators.DragFaceHandle.bl_idname, index=number).handle = handle.name


CLASSES: tuple[type, ...] = (FaceHandlesGizmo, FaceHandlesGizmoGroup)
