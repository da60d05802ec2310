"""Dragging a handle: with the pointer in a window, by an offset from scripts."""

from __future__ import annotations

from typing import Any

import bpy
import numpy as np
from bpy_extras.view3d_utils import region_2d_to_location_3d
from mathutils import Vector

from dgtalker_engine.errors import DGTalkerError

from .. import ui
from ..head.operators import SliderOperator, active
from . import view
from .drag import Drag, handle_named
from .handles import BY_NAME, HANDLES

_PRECISE = 0.1
"""Of the pointer's way, with Shift."""
_ROUNDS = 4
"""Of a drag by an offset, which comes at once: until correctives make no difference."""
_KEYS = "Release: Confirm    Esc, Right Click: Cancel    Shift: Precise    X: Mirror"

dragged: Drag | None = None
"""The drag that goes on in a window; for drawing."""


class DragFaceHandle(SliderOperator, bpy.types.Operator):
    """Drag a point of the face; the sliders that move it follow"""

    bl_idname = "dgtalker.drag_face_handle"
    bl_label = "Drag Face Handle"
    bl_options = {"REGISTER", "UNDO", "BLOCKING", "INTERNAL"}

    handle: bpy.props.StringProperty(name="Handle", description="For instance mouthCornerLeft", options={"SKIP_SAVE"})
    offset: bpy.props.FloatVectorProperty(
        name="Offset", description="Of the point, in the world", subtype="TRANSLATION", options={"SKIP_SAVE"}
    )
    mirror: bpy.props.BoolProperty(
        name="Mirror", description="Both sides of the face do what the dragged one does", options={"SKIP_SAVE"}
    )
    direction: bpy.props.FloatVectorProperty(
        name="View Direction",
        description="How far the point goes along it does not count; at 0 it counts in all directions",
        options={"SKIP_SAVE", "HIDDEN"},
    )

    _drag: Drag

    @classmethod
    def disabled_reason(cls, context: bpy.types.Context) -> str:
        return super().disabled_reason(context) or ("" if context.mode == "OBJECT" else "Go back to Object Mode first.")

    @classmethod
    def description(cls, context: bpy.types.Context, properties: Any) -> str:
        handle = HANDLES[BY_NAME[properties.handle]] if properties.handle in BY_NAME else None
        return f"Drag to move {', '.join(handle.sliders)}" if handle else "Drag a point of the face"

    def execute(self, context: bpy.types.Context) -> set[str]:
        try:
            drag = Drag(context, active(context), handle_named(self.handle, active(context)), mirror=self.mirror)
            for _ in range(_ROUNDS):
                drag.to(drag.point + np.array(self.offset), _axes(self.direction))
        except DGTalkerError as error:
            return ui.report(self, error)
        return self._done(context, drag)

    def invoke(self, context: bpy.types.Context, event: bpy.types.Event) -> set[str]:
        global dragged
        self.mirror = view.form(context).mirror
        try:
            self._drag = Drag(context, active(context), handle_named(self.handle, active(context)), mirror=self.mirror)
        except DGTalkerError as error:
            return ui.report(self, error)
        rotation: Any = context.region_data.view_matrix.to_3x3()
        self.direction = rotation[2]
        self._pointer = self._last = Vector((event.mouse_region_x, event.mouse_region_y))
        self._first = self._at_pointer(context)
        dragged = self._drag
        self._say(context)
        context.window_manager.modal_handler_add(self)
        return {"RUNNING_MODAL"}

    def modal(self, context: bpy.types.Context, event: bpy.types.Event) -> set[str]:
        try:
            if event.type in ("ESC", "RIGHTMOUSE") and event.value == "PRESS":
                self._drag.cancel()
                return self._end(context, {"CANCELLED"})
            if event.type == "LEFTMOUSE" and event.value == "RELEASE":
                return self._end(context, self._done(context, self._drag))
            if event.type == "X" and event.value == "PRESS":
                self.mirror = self._drag.mirror = view.form(context).mirror = not self.mirror
            elif event.type != "MOUSEMOVE":
                return {"RUNNING_MODAL"}
            place = Vector((event.mouse_region_x, event.mouse_region_y))
            self._pointer = self._pointer + (place - self._last) * (_PRECISE if event.shift else 1.0)
            self._last = place
            self.offset = self._at_pointer(context) - self._first
            self._drag.to(self._drag.point + np.array(self.offset), _axes(self.direction))
        except DGTalkerError as error:
            self._drag.cancel()
            return self._end(context, ui.report(self, error))
        self._say(context)
        return {"RUNNING_MODAL"}

    def cancel(self, context: bpy.types.Context) -> None:
        self._drag.cancel()
        self._end(context, {"CANCELLED"})

    def _at_pointer(self, context: bpy.types.Context) -> Vector:
        region: Any = context.region
        pointer: Any = self._pointer
        depth: Any = Vector(self._drag.point.tolist())
        return region_2d_to_location_3d(region, context.region_data, pointer, depth)

    def _say(self, context: bpy.types.Context) -> None:
        said = [self._drag.handle.label, *self._drag.lines]
        context.area.header_text_set("    ".join(said))
        context.workspace.status_text_set(_KEYS)
        context.area.tag_redraw()

    def _end(self, context: bpy.types.Context, result: set[str]) -> set[str]:
        global dragged
        dragged = None
        context.area.header_text_set(None)
        context.workspace.status_text_set(None)
        context.area.tag_redraw()
        return result

    def _done(self, context: bpy.types.Context, drag: Drag) -> set[str]:
        """Keys what was moved, where Blender keys by itself, and says what was left alone."""
        if drag.held:
            self.report({"WARNING"}, f"Left alone: {'; '.join(drag.held)}")
        if not drag.moved:
            return {"CANCELLED"}
        if context.scene.tool_settings.use_keyframe_insert_auto:
            drag.key(context.scene.frame_current_final)
        return {"FINISHED"}


def _axes(direction: Any) -> np.ndarray:
    """The plane across a direction, or all of space where it is 0."""
    across = np.array(direction)
    if not across.any():
        return np.eye(3)
    return np.linalg.svd(across[None, :])[2][1:]


CLASSES: tuple[type, ...] = (DragFaceHandle,)
