"""The head's panels in the sidebar, and its menu entries."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import bpy

from dgtalker_engine.errors import DGTalkerError
from dgtalker_engine.rig import Control, Rig

from .. import ui
from ..properties import head_properties
from . import add, expression_sliders, groups, model, operators, sliders

STATUS_ICONS: dict[str, Any] = {"self": "USER", "signed": "CHECKMARK", "synthetic": "CHECKMARK", "unknown": "ERROR"}


class HeadPanel(ui.SidebarPanel, bpy.types.Panel):
    """What the active head is: consent, licence, avatar, and what is wrong with it."""

    bl_idname = "DGTALKER_PT_head"
    bl_label = "Head"
    bl_order = 0

    def draw(self, context: bpy.types.Context) -> None:
        layout = self.layout
        assert layout is not None
        ob = context.object
        if not model.is_head(ob):
            draw_add_buttons(layout)
            return
        layout.prop(ob, "name", text="", icon="MONKEY")
        _draw_problems(layout, ob, context)
        _draw_avatar(layout, ob)
        _draw_light(layout, ob)
        _draw_consent(layout, ob)
        _draw_training(layout, ob)


class SlidersPanel(ui.SidebarPanel, bpy.types.Panel):
    """The active head's controls, by part of the face."""

    bl_idname = "DGTALKER_PT_sliders"
    bl_label = "Face"
    bl_order = 1

    @classmethod
    def poll(cls, context: bpy.types.Context) -> bool:
        return model.has_controls(context.object)

    def draw(self, context: bpy.types.Context) -> None:
        layout = self.layout
        ob = context.object
        assert layout is not None
        assert ob is not None
        try:
            rig = expression_sliders.slider_rig(ob)
        except DGTalkerError:
            return  # the Head panel above says what is wrong
        row = layout.row(align=True)
        row.operator(operators.ResetSliders.bl_idname, icon="LOOP_BACK").section = "ALL"
        row.operator(operators.KeyAll.bl_idname, icon="KEY_HLT")
        row.operator(operators.MirrorSliders.bl_idname, icon="MOD_MIRROR").mode = "SWAP"
        row.menu(MirrorMenu.bl_idname, text="", icon="DOWNARROW_HLT")
        search = context.window_manager.dgtalker_search
        layout.prop(context.window_manager, "dgtalker_search", text="", icon="VIEWZOOM", placeholder="Search")
        body = layout.column()
        body.enabled = not model.locked_reason(ob)
        drawn = _Drawn(sliders.blocks_of(ob, rig.names), _unsupported(ob))
        if drawn.unsupported:
            ui.note(body, context, "Grey: shows what the video never does")
        if search:
            _draw_matches(body, search, rig, drawn)
        else:
            _draw_sections(body, ob, rig, drawn)


class MirrorMenu(bpy.types.Menu):
    bl_idname = "DGTALKER_MT_mirror"
    bl_label = "Mirror"

    def draw(self, context: bpy.types.Context) -> None:
        assert self.layout is not None
        self.layout.operator_enum(operators.MirrorSliders.bl_idname, "mode")
        self.layout.separator()
        self.layout.operator("dgtalker.mirror_keys", text="Mirror Keys…")


class AddMenu(bpy.types.Menu):
    bl_idname = "DGTALKER_MT_add_head"
    bl_label = "Gaussian Head"

    def draw(self, context: bpy.types.Context) -> None:
        assert self.layout is not None
        draw_add_buttons(self.layout)


def draw_add_buttons(layout: bpy.types.UILayout) -> None:
    column = layout.column(align=True)
    column.operator_context = "INVOKE_DEFAULT"
    for identifier, label, _ in add.BUILTIN_HEADS:
        column.operator(operators.AddHead.bl_idname, text=label, icon="MONKEY").builtin = identifier
    column.operator(operators.AddHeadFromFile.bl_idname, text="From File…", icon="FILE_FOLDER")


def draw_add_menu(menu: bpy.types.Menu, context: bpy.types.Context) -> None:
    menu.layout.menu(AddMenu.bl_idname, icon="MONKEY")


def _draw_problems(layout: bpy.types.UILayout, ob: bpy.types.Object, context: bpy.types.Context) -> None:
    try:
        missing = model.missing_controls(ob)
    except DGTalkerError as error:
        ui.alert(layout, context, str(error))
        return
    if head_properties(ob).avatar is None:
        ui.alert(layout, context, "The avatar was deleted. Add the head again from its .dgt file.")
    locked = model.locked_reason(ob)
    if locked and not missing:
        ui.alert(layout, context, locked)
        layout.operator(operators.MakeEditable.bl_idname, icon="LIBRARY_DATA_OVERRIDE")
    if missing:
        names = ", ".join(missing[:3]) + (" …" if len(missing) > 3 else "")
        ui.alert(layout, context, f"{len(missing)} controls have no shape key: {names}")
        layout.operator(operators.RestoreControls.bl_idname, icon="FILE_REFRESH")


def _draw_avatar(layout: bpy.types.UILayout, ob: bpy.types.Object) -> None:
    image = head_properties(ob).avatar
    if image is None:
        return
    packed = image.packed_file
    if packed is not None:
        state, icon = f"packed, {packed.size / 1e6:.1f} MB", "PACKAGE"
    else:
        state, icon = "not packed", "FILE"
    if image.library is not None:
        state, icon = f"{state}, linked", "LINKED"
    layout.label(text=f"{image.name}: {state}", icon=icon)


def _draw_light(layout: bpy.types.UILayout, ob: bpy.types.Object) -> None:
    row = layout.row()
    row.enabled = ob.is_editable
    row.prop(head_properties(ob), "scene_light", slider=True)


def _draw_consent(layout: bpy.types.UILayout, ob: bpy.types.Object) -> None:
    status = model.consent_of(ob)["status"]
    first, *others = add.consent_lines(ob)
    header, body = layout.panel("dgtalker_consent", default_closed=status != "unknown")
    header.alert = status == "unknown"
    header.label(text=first, icon=STATUS_ICONS[status])
    if body is not None:
        column = body.column(align=True)
        for line in others:
            column.label(text=line)


def _draw_training(layout: bpy.types.UILayout, ob: bpy.types.Object) -> None:
    lines = add.training_lines(ob)
    if not lines:
        return
    first, *others = lines
    header, body = layout.panel("dgtalker_training", default_closed=True)
    header.label(text=first, icon="FILE_MOVIE")
    if body is not None:
        column = body.column(align=True)
        for line in others:
            column.label(text=line)


@dataclass(frozen=True)
class _Drawn:
    """The sliders that are drawn: their key blocks by name, and which of them the head's footage never shows."""

    blocks: dict[str, bpy.types.ShapeKey]
    unsupported: frozenset[str]


def _unsupported(ob: bpy.types.Object) -> frozenset[str]:
    training = model.training_of(ob)
    return training.unsupported if training else frozenset()


def _draw_sections(layout: bpy.types.UILayout, ob: bpy.types.Object, rig: Rig, drawn: _Drawn) -> None:
    sections = groups.grouped(rig.controls)
    for group in groups.GROUPS:
        lacks = group == groups.EXPRESSIONS and bool(expression_sliders.missing(ob, model.rig_of(ob)))
        if group not in sections and group != groups.POSE and not lacks:
            continue
        closed = group not in (groups.EXPRESSIONS, groups.LIPS, groups.JAW, groups.POSE)
        header, body = layout.panel(f"dgtalker_{group}", default_closed=closed)
        header.label(text=group)
        header.operator(operators.ResetSliders.bl_idname, text="", icon="LOOP_BACK", emboss=False).section = group
        if body is not None:
            if lacks:
                body.operator(operators.AddExpressionSliders.bl_idname, icon="ADD")
            if group == groups.POSE:
                _draw_rotation(body, ob)
            _draw_rows(body, group, sections.get(group, []), drawn)


def _draw_rotation(layout: bpy.types.UILayout, ob: bpy.types.Object) -> None:
    column = layout.column(align=True)
    path = sliders.rotation_path(ob)
    labels = ("Nod", "Tilt", "Turn") if path == "delta_rotation_euler" else ("W", "Nod", "Tilt", "Turn")
    for axis, label in enumerate(labels):
        _split(column, label).prop(ob, path, index=axis, text="")


def _draw_matches(layout: bpy.types.UILayout, search: str, rig: Rig, drawn: _Drawn) -> None:
    sections = groups.grouped(groups.find(search, rig))
    if not sections:
        layout.label(text="No slider of this name", icon="INFO")
    for group, controls in sections.items():
        layout.label(text=group)
        _draw_rows(layout, group, controls, drawn)


def _draw_rows(layout: bpy.types.UILayout, group: str, controls: Sequence[Control], drawn: _Drawn) -> None:
    column = layout.column(align=True)
    sides: tuple[str, ...] = ()
    for line in groups.rows(controls):
        if sides != (sides := tuple(groups.side_of(control.name) for control in line)) and any(sides):
            row = _split(column, "")
            for side in sides:
                heading = row.row()
                heading.alignment = "CENTER"
                heading.label(text=side)
        row = _split(column, groups.label_of(line[0].name, group))
        for control in line:
            slider = row.row(align=True)
            slider.active = control.name not in drawn.unsupported
            if control.name in drawn.blocks:
                slider.prop(drawn.blocks[control.name], "value", text="", slider=True)
            else:
                slider.label(text="missing", icon="ERROR")


def _split(column: bpy.types.UILayout, label: str) -> bpy.types.UILayout:
    """A line with its name on the left; returns where its sliders go."""
    split = column.split(factor=0.36, align=True)
    left = split.row()
    left.alignment = "RIGHT"
    left.label(text=label)
    return split.row(align=True)


CLASSES: tuple[type, ...] = (HeadPanel, SlidersPanel, MirrorMenu, AddMenu)
