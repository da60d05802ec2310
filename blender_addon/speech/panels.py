"""The panel of speech, in the 3D view's sidebar and in the sequencer's."""

from __future__ import annotations

from typing import Any

import bpy

from .. import ui
from ..head import model
from . import operators, strips


class StripList(bpy.types.UIList):
    """The sound strips and who speaks them"""

    bl_idname = "DGTALKER_UL_strips"

    def draw_item(
        self, context: Any, layout: Any, data: Any, item: Any, icon: Any, active: Any, property: Any, index: int = 0
    ) -> None:
        columns = layout.split(factor=0.55)
        name = columns.row()
        if strips.problem(item):
            name.alert = True
            name.label(text=item.name, icon="ERROR")
        else:
            name.active = not item.mute
            name.label(text=item.name, icon="MUTE_IPO_ON" if item.mute else "SOUND")
        columns.prop(item.dgtalker, "speaker", text="", placeholder="Speaker")

    def filter_items(self, context: Any, data: Any, property: str) -> tuple[list[int], list[int]]:
        wanted = self.filter_name.lower()
        shown = [strip.type == "SOUND" and wanted in strip.name.lower() for strip in getattr(data, property)]
        return [self.bitflag_filter_item if show else 0 for show in shown], []


class SpeechPanel:
    """Mixin that draws the panel."""

    bl_label = "Speech"

    def draw(self, context: bpy.types.Context) -> None:
        layout: Any = self.layout  # type: ignore[attr-defined]
        scene = strips.timeline(context)
        if any(strips.sound_strips(scene)):
            self._draw_strips(layout, context, scene)
        else:
            column = layout.column(align=True)
            column.label(text="Add sound in the Video Sequencer", icon="INFO")
            if getattr(context, "sequencer_scene", context.scene) != context.scene:
                column.label(text=f"and choose {context.scene.name} in its header", icon="BLANK1")
        column = layout.column()
        column.scale_y = 1.4
        column.operator(operators.Animate.bl_idname, icon="PLAY_SOUND")
        layout.operator(operators.ClearSpeech.bl_idname, icon="TRASH")

    def _draw_strips(self, layout: Any, context: bpy.types.Context, scene: bpy.types.Scene) -> None:
        editor = scene.sequence_editor
        manager = context.window_manager
        layout.template_list(
            StripList.bl_idname, "", editor, "strips_all", manager, "dgtalker_strip", rows=3, sort_lock=True
        )
        if scene != context.scene:
            layout.label(text=f"Strips of the scene {scene.name}", icon="SCENE_DATA")
        heads = model.heads(context.scene)
        silent = len(strips.without_speaker(scene))
        if not heads:
            layout.label(text="Add a Gaussian head to speak them", icon="INFO")
        elif len(heads) == 1 and silent:
            text = f"Let {heads[0].name} Speak {'It' if silent == 1 else f'All {silent}'}"
            layout.operator(operators.AssignSpeaker.bl_idname, text=text, icon="USER")
        strip = editor.active_strip
        if strip and strip.type == "SOUND":
            self._draw_settings(layout.column(), context, strip)

    def _draw_settings(self, column: Any, context: bpy.types.Context, strip: Any) -> None:
        problem = strips.problem(strip)
        if problem:
            ui.alert(column, context, problem)
            return
        settings = strip.dgtalker
        column.use_property_split = True
        column.use_property_decorate = False
        amounts = column.column(align=True)
        for name in ("lips", "expression", "head", "blinks"):
            amounts.prop(settings, name, slider=True)
        column.prop(settings, "transcript", placeholder="What is said, if you know it")


class SpeechSidebar(SpeechPanel, ui.SidebarPanel, bpy.types.Panel):
    bl_idname = "DGTALKER_PT_speech"
    bl_order = 0


class SpeechSequencer(SpeechPanel, ui.SequencerPanel, bpy.types.Panel):
    bl_idname = "DGTALKER_PT_speech_sequencer"


CLASSES = (StripList, SpeechSidebar, SpeechSequencer)


def _active(manager: bpy.types.WindowManager) -> int:
    """The list shows the sequencer's active strip."""
    editor = strips.timeline(bpy.context).sequence_editor
    names = [strip.name for strip in editor.strips_all] if editor else []
    active = editor.active_strip if editor else None
    return names.index(active.name) if active and active.name in names else -1


def _activate(manager: bpy.types.WindowManager, index: int) -> None:
    editor = strips.timeline(bpy.context).sequence_editor
    strip = editor.strips_all[index]
    for other in editor.strips_all:
        other.select = other == strip
    editor.active_strip = strip


def add() -> None:
    bpy.types.WindowManager.dgtalker_strip = bpy.props.IntProperty(  # type: ignore[attr-defined]
        name="Sound Strip", get=_active, set=_activate, options={"SKIP_SAVE"}
    )


def remove() -> None:
    del bpy.types.WindowManager.dgtalker_strip  # type: ignore[attr-defined]
