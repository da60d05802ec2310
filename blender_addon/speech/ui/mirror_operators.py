"""The button that mirrors keys of a range."""

from __future__ import annotations

from typing import Any

import bpy

from dgtalker_engine.errors import DGTalkerError

from ... import ui
from ...head import model
from ..keys import keyframes, mirroring, punch_in
from ..takes import live
from .exchange_operators import target


class MirrorKeys(ui.ExplainedOperator, bpy.types.Operator):
    """Mirror the keys of a range: each side of the face does what the other did, and the head turns the other way.
    Begin with the preview range, or with selected keys"""

    bl_idname = "dgtalker.mirror_keys"
    bl_label = "Mirror Keys"
    bl_options = {"REGISTER", "UNDO"}

    first: bpy.props.IntProperty(name="First Frame", options={"SKIP_SAVE"})
    last: bpy.props.IntProperty(name="Last Frame", options={"SKIP_SAVE"})

    @classmethod
    def disabled_reason(cls, context: bpy.types.Context) -> str:
        head = target(context)
        if head is None or not model.has_controls(head):
            return "Select a Gaussian head with sliders first."
        return model.locked_reason(head) or keyframes.locked_reason(head)

    def invoke(self, context: bpy.types.Context, event: bpy.types.Event) -> set[Any]:
        head, scene = target(context), context.scene
        assert head is not None
        here = (scene.frame_current, scene.frame_current)
        preview = (scene.frame_preview_start, scene.frame_preview_end) if scene.use_preview_range else None
        self.first, self.last = preview or punch_in.selected_span(head) or here
        return context.window_manager.invoke_props_dialog(self, confirm_text="Mirror")

    def execute(self, context: bpy.types.Context) -> set[str]:
        head = target(context)
        assert head is not None
        live.catch_up()
        try:
            count = mirroring.mirror(head, self.first, self.last)
        except DGTalkerError as error:
            return ui.report(self, error)
        if not count:
            self.report({"WARNING"}, f"{head.name} has no keys from {self.first} to {self.last} that a mirror changes.")
            return {"CANCELLED"}
        self.report({"INFO"}, f"Mirrored {count} curves")
        return {"FINISHED"}


CLASSES: tuple[type, ...] = (MirrorKeys,)
