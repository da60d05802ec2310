"""The panel of heads from videos: the form of a new one, and those that are being made."""

from __future__ import annotations

from typing import Any

import bpy

from dgtalker_engine.wire.jobs import State

from .. import ui
from ..head import operators as head_operators
from . import awaited, form, job_icons, operators, request, watch
from .overview import JobView

ICONS: dict[State, Any] = {
    State.WAITING: "TIME",
    State.RUNNING: "PLAY",
    State.CANCELLED: "PAUSE",
    State.INTERRUPTED: "ERROR",
    State.FAILED: "CANCEL",
    State.FINISHED: "CHECKMARK",
}


class FromVideoPanel(ui.SidebarPanel, bpy.types.Panel):
    """Heads that are made from videos."""

    bl_idname = "DGTALKER_PT_from_video"
    bl_label = "Head from Video"
    bl_order = 0

    def draw(self, context: bpy.types.Context) -> None:
        layout = self.layout
        assert layout is not None
        watch.look()
        if form.properties(context).video:
            _draw_form(layout, context)
        else:
            layout.operator_context = "INVOKE_DEFAULT"
            layout.operator(operators.ChooseVideo.bl_idname, text="Choose Video…", icon="FILE_MOVIE")
        for number, view in enumerate(watch.views()):
            _draw_job(layout, context, view, closed=number > 0 and not view.busy)


def draw_add_entry(menu: bpy.types.Menu, context: bpy.types.Context) -> None:
    layout: Any = menu.layout
    layout.operator_context = "INVOKE_DEFAULT"
    layout.operator(operators.ChooseVideo.bl_idname, text="From Video…", icon="FILE_MOVIE")


def _draw_form(layout: bpy.types.UILayout, context: bpy.types.Context) -> None:
    own: Any = form.properties(context)
    box = layout.box()
    row = box.row(align=True)
    row.prop(own, "video", text="")
    row.operator(operators.ClearVideo.bl_idname, text="", icon="X")
    column = _properties(box)
    column.prop(own, "name")
    column.prop(own, "system")
    column.prop(own, "folder", placeholder=str(form.folder(context)))
    column = _properties(box)
    column.prop(own, "status")
    if own.status != "ASK":
        column.prop(own, "subject", placeholder="What it is" if own.status == "synthetic" else "The person's name")
        optional = own.status == "synthetic"
        column.prop(own, "scope", placeholder="Optional" if optional else "For instance: this film")
        if own.status in request.GRANTED_BY:
            placeholder = "Optional" if optional else "A name"
            column.prop(own, "granted_by", text=request.GRANTED_BY[own.status], placeholder=placeholder)
    box.prop(own, "add_when_done")
    column = box.column()
    column.scale_y = 1.4
    column.operator_context = "INVOKE_DEFAULT"
    column.operator(operators.TrainHead.bl_idname, icon="USER")
    reason = form.disabled_reason(context)
    if reason:
        ui.note(box, context, reason)


def _properties(layout: bpy.types.UILayout) -> bpy.types.UILayout:
    column = layout.column(align=True)
    column.use_property_split = True
    column.use_property_decorate = False
    return column


def _draw_job(layout: bpy.types.UILayout, context: bpy.types.Context, view: JobView, *, closed: bool) -> None:
    header, body = layout.panel(f"dgtalker_job_{view.id}", default_closed=closed)
    header.label(text=view.name, icon=ICONS[view.state])
    side = header.row()
    side.alignment = "RIGHT"
    side.label(text=f"{view.fraction:.0%}" if view.busy and not view.stopping else view.state_text)
    if body is None:
        return
    column = body.column()
    icon = job_icons.icons.id_of(view.id)
    if icon:
        column.template_icon(icon_value=icon, scale=ui.picture_scale(context))
    if view.state is not State.FINISHED:
        column.progress(factor=view.fraction, text=_progress_text(view))
    elif view.time_text:
        column.label(text=f"{view.state_text}, {view.time_text}", icon="CHECKMARK")
    if view.busy and view.stage_text:
        column.label(text=view.stage_text)
    if view.error:
        ui.alert(column, context, view.error)
    elif view.state is State.INTERRUPTED:
        ui.note(column, context, "Its process has ended, perhaps with the computer. Resume goes on where it was.")
    if not view.discarded:
        _draw_buttons(column, context, view)


def _draw_buttons(layout: bpy.types.UILayout, context: bpy.types.Context, view: JobView) -> None:
    layout.operator_context = "INVOKE_DEFAULT"
    if view.state is State.FINISHED:
        row = layout.row()
        row.scale_y = 1.4
        row.enabled = view.output_there
        button: Any = row.operator(head_operators.AddHeadFromFile.bl_idname, text="Add Head", icon="ADD")
        button.filepath = view.request.output
        if not view.output_there:
            ui.note(layout, context, f"{view.request.output} was moved or deleted.")
    else:
        waits = view.id in awaited.names(context.scene)
        row = layout.row()
        row.alignment = "LEFT"
        _button(row, operators.AwaitHead, view, icon="CHECKBOX_HLT" if waits else "CHECKBOX_DEHLT", emboss=False)
    row = layout.row(align=True)
    if view.busy:
        pause = row.row(align=True)
        pause.enabled = not view.stopping
        _button(pause, operators.PauseTraining, view, icon="PAUSE")
    elif view.state is not State.FINISHED:
        again = "Try Again" if view.state is State.FAILED else "Resume"
        _button(row, operators.ResumeTraining, view, text=again, icon="PLAY")
    _button(row, operators.RemoveTraining, view, icon="TRASH")
    if view.result.get("report"):
        _button(row, operators.ShowCaptureReport, view, text="Report", icon="INFO")
    _button(row, operators.ShowTrainingLog, view, text="Log", icon="TEXT")


def _button(layout: bpy.types.UILayout, operator: type, view: JobView, **options: Any) -> None:
    owner: Any = operator
    button: Any = layout.operator(owner.bl_idname, **options)
    button.job = view.id


def _progress_text(view: JobView) -> str:
    parts = [f"{view.fraction:.0%}", "" if view.busy and not view.stopping else view.state_text, view.time_text]
    return "  ·  ".join(filter(None, parts))


CLASSES: tuple[type, ...] = (FromVideoPanel,)
