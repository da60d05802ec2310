"""The panel of speech, in the 3D view's sidebar and in the sequencer's."""

from __future__ import annotations

from typing import Any

import bpy

from ... import ui
from ...bridge import avatars
from ...head import model
from ...properties import StripProperties, speaker_properties, strip_properties
from ..exchange import performances
from ..keys import keyframes
from ..lips import contacts
from ..timeline import markers, settings, speakers, strips
from . import (
    dialogue_operators,
    exchange_operators,
    key_panels,
    lip_operators,
    live_operators,
    name_operators,
    operators,
    outdated,
    sound_operators,
    take_operators,
    transcript_operators,
    video_operators,
    word_panels,
)


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
        columns.prop(strip_properties(item), "speaker", text="", placeholder="Speaker")

    def filter_items(self, context: Any, data: Any, property: str) -> tuple[list[int], list[int]]:
        wanted = self.filter_name.lower()
        shown = [strip.type == "SOUND" and wanted in strip.name.lower() for strip in getattr(data, property)]
        return [self.bitflag_filter_item if show else 0 for show in shown], []


class OpenLipsList(bpy.types.UIList):
    """The markers of P, B and M at which the lips stay apart; a click goes there"""

    bl_idname = "DGTALKER_UL_open_lips"

    def draw_item(
        self, context: Any, layout: Any, data: Any, item: Any, icon: Any, active: Any, property: Any, index: int = 0
    ) -> None:
        layout.label(text=item.name, icon="MARKER_HLT")

    def filter_items(self, context: Any, data: Any, property: str) -> tuple[list[int], list[int]]:
        listed = getattr(data, property)
        ours = markers.indices(data, "OPEN_LIPS")
        shown = [self.bitflag_filter_item if i in ours else 0 for i in range(len(listed))]
        by_frame = sorted(range(len(listed)), key=lambda i: listed[i].frame)
        order = [0] * len(listed)
        for row, i in enumerate(by_frame):
            order[i] = row
        return shown, order


class SpeechPanel(ui.PanelMixin):
    """Mixin that draws the panel."""

    bl_label = "Speech"

    def draw(self, context: bpy.types.Context) -> None:
        layout: Any = self.layout
        scene = strips.timeline(context)
        if any(strips.sound_strips(scene)):
            _draw_strips(layout, context, scene)
        sound_operators.draw(layout, context)
        live_operators.draw(layout, context)
        if any(strips.sound_strips(scene)):
            layout.operator(dialogue_operators.ChooseDialogue.bl_idname, text="Read Script…", icon="TEXT")
        column = layout.column()
        column.scale_y = 1.4
        column.operator(operators.Animate.bl_idname, icon="PLAY_SOUND")
        strip = strips.active(context)
        speaking = strips.speaking(scene, audible_only=True)
        if len(speaking) > 1:
            shown = operators.shown_speaker(context)
            text = f"Animate {shown.name}" if shown else operators.AnimateHead.bl_label
            layout.operator(operators.AnimateHead.bl_idname, text=text, icon="USER")
        if strip:
            _draw_strip(layout, context, strip)
        head = operators.shown_speaker(context)
        if head:
            _draw_speaker(layout, context, head)
        target = exchange_operators.target(context)
        if target:
            key_panels.draw_reaction(layout, context, target)
        if target and keyframes.spoken(target):
            key_panels.draw(layout, context, target)
        name_operators.draw(layout, context)
        if strips.animated(scene):
            _draw_lips(layout, context, scene)
        _draw_files(layout, context)
        layout.operator(operators.ClearSpeech.bl_idname, icon="TRASH")


def _draw_strips(layout: Any, context: bpy.types.Context, scene: bpy.types.Scene) -> None:
    editor = scene.sequence_editor
    manager = context.window_manager
    layout.template_list(
        StripList.bl_idname, "", editor, "strips_all", manager, "dgtalker_strip", rows=3, sort_lock=True
    )
    if scene != context.scene:
        layout.label(text=f"Strips of the scene {scene.name}", icon="SCENE_DATA")
    heads = speakers.in_scene(context.scene)
    silent = len(strips.without_speaker(scene))
    if not heads:
        layout.label(text="Add a Gaussian head to speak them", icon="INFO")
    elif len(heads) == 1 and silent:
        text = f"Let {heads[0].name} Speak {'It' if silent == 1 else f'All {silent}'}"
        layout.operator(operators.AssignSpeaker.bl_idname, text=text, icon="USER")


def _draw_strip(layout: Any, context: bpy.types.Context, strip: Any) -> None:
    """The settings of the active strip."""
    problem = strips.problem(strip)
    if problem:
        ui.alert(layout, context, problem)
        return
    head = strips.speaker(strip)
    if head and speaker_properties(head).take:
        reason = outdated.reason(head)
        if reason:
            ui.alert(layout, context, reason)
            operators.offer_update(layout, head, reason)
    elif head and keyframes.spoken(head):
        layout.label(text=f"{head.name} plays what was imported; Animate adds speech", icon="INFO")
    own = strip_properties(strip)
    if strip.sound.channels != "MONO":
        layout.row(align=True).prop(own, "channel", expand=True)
    row = layout.row(align=True)
    row.prop(own, "transcript", text="", placeholder="What is said, if you know it", icon="TEXT")
    row.operator(transcript_operators.ChooseTranscript.bl_idname, text="", icon="FILE_FOLDER")
    word_panels.draw_directions(layout, strips.timeline(context), strip)
    word_panels.draw(layout, strip)
    for name, label, closed in (
        ("amounts", "Amounts", False),
        ("mouth", "Mouth", True),
        ("eyes", "Eyes", True),
        ("style", "Style", True),
    ):
        _draw_section(layout, own, name, label, closed=closed)
    take_operators.draw(layout, context, strip)


def _draw_section(layout: Any, own: StripProperties, name: str, label: str, *, closed: bool) -> None:
    """A part of the strip's settings that folds; where something was changed, its header can reset it."""
    rows = settings.SECTIONS[name]
    header, body = layout.panel(f"dgtalker_strip_{name}", default_closed=closed)
    header.label(text=label)
    if any(getattr(own, row) != own.bl_rna.properties[row].default for row in rows):
        header.operator(operators.ResetStrip.bl_idname, text="", icon="LOOP_BACK", emboss=False).section = name
    if body:
        column = body.column(align=True)
        column.use_property_split = True
        column.use_property_decorate = False
        for row in rows:
            column.prop(own, row, slider=row not in settings.SECONDS)


def _draw_speaker(layout: Any, context: bpy.types.Context, head: bpy.types.Object) -> None:
    """What a speaker keeps for itself: whose manner it has, styles that can be keyed, its nods, and its gaze."""
    own = speaker_properties(head)
    if avatars.has_manner(head):
        layout.prop(own, "own_manner", text=f"Speaks as {model.consent_of(head).get('subject') or head.name}")
    header, body = layout.panel("dgtalker_fades", default_closed=True)
    header.label(text=f"{head.name}'s Style over Time")
    if body:
        column = body.column(align=True)
        column.use_property_split = True
        for name in settings.STYLE_SLIDERS:
            column.prop(own, name, slider=True)
    key_panels.draw_nods(layout, context, head)
    key_panels.draw_gaze(layout, context, head)


def _draw_lips(layout: Any, context: bpy.types.Context, scene: bpy.types.Scene) -> None:
    header, body = layout.panel("dgtalker_lips", default_closed=True)
    marked = markers.of_kind(scene, "OPEN_LIPS")
    header.alert = bool(marked)
    mended = any(contacts.mended(head) for head in strips.animated(scene))
    state = f": {len(marked)} Open" if marked else ": Kept Closed" if mended else ""
    header.label(text=f"Lips at P, B, M{state}")
    if body:
        row = body.row(align=True)
        row.operator(lip_operators.CheckLips.bl_idname, text="Check", icon="VIEWZOOM")
        row.operator(lip_operators.CloseLips.bl_idname, icon="CHECKMARK")
        if mended:
            row.operator(lip_operators.ReleaseLips.bl_idname, text="", icon="X")
        if marked:
            manager = context.window_manager
            body.template_list(
                OpenLipsList.bl_idname, "", scene, "timeline_markers", manager, "dgtalker_open_lips", rows=3
            )
            row = body.row(align=True)
            row.operator(lip_operators.NextOpenLips.bl_idname, icon="NEXT_KEYFRAME")
            row.operator(lip_operators.ClearLipMarkers.bl_idname, icon="TRASH")
    header, body = layout.panel("dgtalker_phones", default_closed=True)
    header.label(text="Phones on the Timeline")
    if body:
        row = body.row(align=True)
        for kind in ("PHONES", "VISEMES"):
            shown = markers.shown(scene, kind)
            button = row.operator(lip_operators.ShowPhones.bl_idname, text=kind.capitalize(), depress=shown)
            button.kind = kind


def _draw_files(layout: Any, context: bpy.types.Context) -> None:
    header, body = layout.panel("dgtalker_files", default_closed=True)
    head = exchange_operators.target(context)
    header.label(text=f"Import and Export: {head.name}" if head else "Import and Export")
    if body:
        row = body.row(align=True)
        row.operator(exchange_operators.ImportPerformance.bl_idname, text="Import…", icon="IMPORT")
        row.operator(exchange_operators.ChooseExport.bl_idname, text="Export…", icon="EXPORT")
        body.operator(video_operators.ChooseActorVideo.bl_idname, text="Performance from Video…", icon="FILE_MOVIE")
        if head and performances.imported(head):
            _draw_recording(body, head)


def _draw_recording(layout: Any, head: bpy.types.Object) -> None:
    """The amounts of what was imported."""
    own = speaker_properties(head)
    row = layout.row()
    row.label(text=f"Imported, from frame {own.recording_first} on", icon="REC")
    row.operator(video_operators.RemoveRecording.bl_idname, text="", icon="X", emboss=False)
    column = layout.column(align=True)
    column.use_property_split = True
    column.use_property_decorate = False
    for each in settings.RECORDED_NUMBERS:
        column.prop(own, settings.RECORDED + each.name, slider=each.unit != "TIME")


class SpeechSidebar(SpeechPanel, ui.SidebarPanel, bpy.types.Panel):
    bl_idname = "DGTALKER_PT_speech"
    bl_order = 0


class SpeechSequencer(SpeechPanel, ui.SequencerPanel, bpy.types.Panel):
    bl_idname = "DGTALKER_PT_speech_sequencer"


CLASSES = (StripList, OpenLipsList, SpeechSidebar, SpeechSequencer)


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


def _active_marker(manager: bpy.types.WindowManager) -> int:
    """The list shows the marker at the current frame."""
    scene = strips.timeline(bpy.context)
    frame = bpy.context.scene.frame_current
    ours = markers.indices(scene, "OPEN_LIPS")
    return next((i for i in sorted(ours) if scene.timeline_markers[i].frame == frame), -1)


def _go_to_marker(manager: bpy.types.WindowManager, index: int) -> None:
    bpy.context.scene.frame_set(strips.timeline(bpy.context).timeline_markers[index].frame)


def add() -> None:
    manager: Any = bpy.types.WindowManager
    manager.dgtalker_strip = bpy.props.IntProperty(
        name="Sound Strip", get=_active, set=_activate, options={"SKIP_SAVE"}
    )
    manager.dgtalker_name = bpy.props.IntProperty(name="Control", options={"SKIP_SAVE"})
    manager.dgtalker_open_lips = bpy.props.IntProperty(
        name="Open Lips", get=_active_marker, set=_go_to_marker, options={"SKIP_SAVE"}
    )


def remove() -> None:
    manager: Any = bpy.types.WindowManager
    del manager.dgtalker_name
    del manager.dgtalker_open_lips
    del manager.dgtalker_strip
