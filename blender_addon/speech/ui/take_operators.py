"""Takes of a line: kept, and used over a range of frames; and the part of the panel that lists them."""

from __future__ import annotations

from typing import Any

import bpy

from dgtalker_engine.errors import DGTalkerError

from ... import ui
from ...properties import strip_properties
from ..takes import kept_takes, live, used_takes
from ..timeline import strips
from . import key_operators, key_panels


class KeptTakeList(bpy.types.UIList):
    """The takes that were kept of a strip's line, and how much of the file they are. A double click renames"""

    bl_idname = "DGTALKER_UL_kept_takes"

    def draw_item(
        self, context: Any, layout: Any, data: Any, item: Any, icon: Any, active: Any, property: Any, index: int = 0
    ) -> None:
        columns = layout.split(factor=0.65)
        columns.prop(item, "name", text="", emboss=False, icon="RENDER_ANIMATION")
        row = columns.row()
        row.label(text=f"{max(1, len(item.data) >> 10)} kB")
        row.operator(RemoveTake.bl_idname, text="", icon="X", emboss=False).take = index


class TakesOperator(ui.ExplainedOperator):
    """Mixin of operators on the takes of the active strip."""

    bl_options = {"REGISTER", "UNDO"}

    @classmethod
    def disabled_reason(cls, context: bpy.types.Context) -> str:
        return kept_takes.disabled_reason(strips.active(context))


class KeepTake(TakesOperator, bpy.types.Operator):
    """Keep what the active strip's line is with its settings of now, to use parts of it after you have changed them.
    What you edited and locked stays where it is, and is no part of it"""

    bl_idname = "dgtalker.keep_take"
    bl_label = "Keep Take"

    def execute(self, context: bpy.types.Context) -> set[str]:
        try:
            name = kept_takes.keep(strips.active(context))
        except DGTalkerError as error:
            return ui.report(self, error)
        self.report({"INFO"}, f"{name} is kept: change the settings, and use it where you like.")
        return {"FINISHED"}


class UseTake(TakesOperator, bpy.types.Operator):
    """Let some frames be as in a kept take, faded into what is around them. What you edited stays, and the range is
    locked from then on. Begin with the preview range, or with selected keys"""

    bl_idname = "dgtalker.use_take"
    bl_label = "Use Take Here"

    take: bpy.props.IntProperty(
        name="Number in the List", min=0, options={"SKIP_SAVE", "HIDDEN"}, description="Of the take, from 0 on"
    )
    first: bpy.props.IntProperty(name="First Frame", options={"SKIP_SAVE"})
    last: bpy.props.IntProperty(name="Last Frame", options={"SKIP_SAVE"})

    @classmethod
    def disabled_reason(cls, context: bpy.types.Context) -> str:
        strip = strips.active(context)
        if strip is not None and not len(strip_properties(strip).kept_takes):
            return "Press Keep Take first."
        return super().disabled_reason(context)

    def invoke(self, context: bpy.types.Context, event: bpy.types.Event) -> set[Any]:
        head = strips.speaker(strips.active(context))
        assert head is not None
        self.first, self.last = key_operators.asked_range(context, head)
        return context.window_manager.invoke_props_dialog(self, confirm_text="Use")

    def execute(self, context: bpy.types.Context) -> set[str]:
        strip = strips.active(context)
        live.catch_up()
        try:
            used, notes = kept_takes.use(strip, self.take, self.first, self.last)
        except DGTalkerError as error:
            return ui.report(self, error)
        done = f"{used.first} to {used.last} are {kept_takes.name_of(strip, used.take)}."
        self.report({"WARNING"} if notes else {"INFO"}, " ".join([done, *notes]))
        return {"FINISHED"}


class RemoveTake(ui.ExplainedOperator, bpy.types.Operator):
    """Forget a kept take; keys that were made from it stay, and stay locked"""

    bl_idname = "dgtalker.remove_take"
    bl_label = "Remove Take"
    bl_options = {"REGISTER", "UNDO"}

    take: bpy.props.IntProperty(name="Number in the List", min=0, options={"SKIP_SAVE", "HIDDEN"})

    @classmethod
    def disabled_reason(cls, context: bpy.types.Context) -> str:
        return "" if strips.active(context) else "Choose a sound strip in the list first."

    def execute(self, context: bpy.types.Context) -> set[str]:
        own = strip_properties(strips.active(context))
        if self.take >= len(own.kept_takes):
            self.report({"WARNING"}, "There is no such take.")
            return {"CANCELLED"}
        own.kept_takes.remove(self.take)
        own.active_take = max(0, min(own.active_take, len(own.kept_takes) - 1))
        return {"FINISHED"}


def draw(layout: Any, context: bpy.types.Context, strip: Any) -> None:
    """The takes of a strip, and which frames are of which."""
    own, head = strip_properties(strip), strips.speaker(strip)
    count = len(own.kept_takes)
    # Blender asks only once whether a panel begins closed: takes open one of their own.
    header, body = layout.panel("dgtalker_takes" if count else "dgtalker_no_takes", default_closed=not count)
    header.label(text=f"Takes: {count}" if count else "Takes")
    if not body:
        return
    if count:
        body.template_list(KeptTakeList.bl_idname, "", own, "kept_takes", own, "active_take", rows=3, sort_lock=True)
    row = body.row(align=True)
    row.operator(KeepTake.bl_idname, icon="ADD")
    chosen = own.active_take if 0 <= own.active_take < count else 0
    text = f"Use {own.kept_takes[chosen].name} Here" if count else UseTake.bl_label
    row.operator(UseTake.bl_idname, text=text, icon="PREVIEW_RANGE").take = chosen
    locks = key_panels.locks(head) if head and len(own.used_takes) else []
    for used in used_takes.shown(strips.timeline(context), strip, locks):
        text = f"{used.first}–{used.last}  {kept_takes.name_of(strip, used.take)}"
        jump = body.operator(key_operators.GoToEdit.bl_idname, text=text, icon="LOCKED", emboss=False)
        jump.frame = used.first


CLASSES = (KeptTakeList, KeepTake, UseTake, RemoveTake)
