"""The buttons that bring a sound to the timeline, and the sequencer to it."""

from __future__ import annotations

from typing import Any

import bpy

from dgtalker_engine.errors import DGTalkerError

from ... import ui
from ..timeline import adding, speakers

_FILES = ";".join(f"*.{ending}" for ending in adding.ENDINGS)


class AddSound(ui.ExplainedOperator, bpy.types.Operator):
    """Add a recording to the timeline at the current frame. The selected head, or the only one, speaks it"""

    bl_idname = "dgtalker.add_sound"
    bl_label = "Add Sound"
    bl_options = {"REGISTER", "UNDO"}

    filepath: bpy.props.StringProperty(subtype="FILE_PATH", options={"SKIP_SAVE"})
    filter_glob: bpy.props.StringProperty(default=_FILES, options={"HIDDEN"})

    @classmethod
    def disabled_reason(cls, context: bpy.types.Context) -> str:
        return adding.disabled_reason(context)

    def invoke(self, context: bpy.types.Context, event: bpy.types.Event) -> set[Any]:
        if self.filepath:  # dropped into the view
            return self.execute(context)
        context.window_manager.fileselect_add(self)
        return {"RUNNING_MODAL"}

    def execute(self, context: bpy.types.Context) -> set[str]:
        head = speaker(context)
        try:
            strip = adding.add_sound(context, bpy.path.abspath(self.filepath), head)
        except DGTalkerError as error:
            return ui.report(self, error)
        notes = adding.follow(context)
        if head is None:
            self.report({"WARNING"}, f"{strip.name} has no speaker yet: choose a head beside it. {notes}".strip())
        else:
            self.report({"INFO"}, f"{head.name} speaks {strip.name}: press Animate. {notes}".strip())
        return {"FINISHED"}


class DropSound(bpy.types.FileHandler):
    """A sound dropped into the 3D view is spoken by the selected head."""

    bl_idname = "DGTALKER_FH_sound"
    bl_label = "Speech"
    bl_import_operator = AddSound.bl_idname
    bl_file_extensions = ";".join(f".{ending}" for ending in adding.SOUND_ENDINGS)

    @classmethod
    def poll_drop(cls, context: bpy.types.Context) -> bool:
        in_view = context.area is not None and context.area.type == "VIEW_3D"
        return in_view and speaker(context) is not None


class ShowTimeline(ui.ExplainedOperator, bpy.types.Operator):
    """Let the sequencer show the strips of this scene"""

    bl_idname = "dgtalker.show_timeline"
    bl_label = "Show This Scene's Strips"

    @classmethod
    def disabled_reason(cls, context: bpy.types.Context) -> str:
        return "" if adding.shown_elsewhere(context) else "The sequencer shows this scene's strips already."

    def execute(self, context: bpy.types.Context) -> set[str]:
        adding.show_timeline(context)
        return {"FINISHED"}


def speaker(context: bpy.types.Context) -> bpy.types.Object | None:
    """Who speaks a sound that is added now: the selected speaker, or the only one of the scene."""
    if speakers.is_speaker(context.object):
        return context.object
    every = speakers.in_scene(context.scene)
    return every[0] if len(every) == 1 else None


def draw(layout: Any, context: bpy.types.Context) -> None:
    """Add Sound, and the way back from another scene in the sequencer, such as the empty one that its New makes."""
    layout.operator(AddSound.bl_idname, text="Add Sound…", icon="ADD")
    shown = adding.shown_elsewhere(context)
    if shown is not None:
        empty = ", which is empty" if adding.is_empty(shown) else ""
        ui.note(layout, context, f"The sequencer shows the scene {shown.name}{empty}")
        layout.operator(ShowTimeline.bl_idname, icon="SEQUENCE")


CLASSES = (AddSound, DropSound, ShowTimeline)
