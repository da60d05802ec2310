"""The panel of people who do not exist."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import bpy

from dgtalker_engine.wire.people import TRAITS, PersonRequest

from .. import ui
from . import form, gallery, operators, previews
from .properties import ASKED

_COLUMNS = 3

_LAYOUT: Any = bpy.types.UILayout.bl_rna
_CLOCK: int = _LAYOUT.functions["prop"].parameters["icon"].enum_items["SORTTIME"].value


class NewPersonPanel(ui.SidebarPanel, bpy.types.Panel):
    """A gallery of people who do not exist, and who they are to be."""

    bl_idname = "DGTALKER_PT_new_person"
    bl_label = "New Person"
    bl_order = 0

    def draw(self, context: bpy.types.Context) -> None:
        layout = self.layout
        assert layout is not None
        own = form.properties(context)
        if not own.open:
            layout.operator(operators.NewPerson.bl_idname, text="New Person…", icon="COMMUNITY")
            return
        gallery.look()
        row = layout.row(align=True)
        row.prop(own, "seed")
        row.operator(operators.CloseNewPerson.bl_idname, text="", icon="X")
        if gallery.error():
            ui.alert(layout, context, gallery.error())
            layout.operator(operators.TryPeopleAgain.bl_idname, icon="FILE_REFRESH")
            return
        _draw_picture(layout, context)
        _draw_add(layout, context)
        _draw_page(layout, context)
        _draw_traits(layout, own)
        _draw_other(layout, own)


def draw_add_entry(menu: bpy.types.Menu, context: bpy.types.Context) -> None:
    menu.layout.operator(operators.NewPerson.bl_idname, text="New Person…", icon="COMMUNITY")


def _draw_picture(layout: bpy.types.UILayout, context: bpy.types.Context) -> None:
    _draw_portrait(layout.column(), form.CHOSEN, form.request(context), ui.picture_scale(context))


def _draw_portrait(cell: bpy.types.UILayout, name: str, person: PersonRequest, scale: float) -> None:
    """A picture, grey until it is up to date; of somebody who was not drawn yet a clock."""
    cell.active = gallery.is_shown(name, person)
    icon = previews.icons.id_of(name) if gallery.is_of(name, person) else 0
    cell.template_icon(icon_value=icon or _CLOCK, scale=scale)


def _draw_page(layout: bpy.types.UILayout, context: bpy.types.Context) -> None:
    own, chosen = form.properties(context), form.request(context)
    grid = layout.grid_flow(row_major=True, columns=_COLUMNS, even_columns=True, even_rows=True, align=True)
    scale = ui.picture_scale(context) / _COLUMNS
    for place, seed in enumerate(form.page(context)):
        cell = grid.column(align=True)
        _draw_portrait(cell, str(place), replace(chosen, seed=seed), scale)
        choose: Any = cell.operator(operators.ChoosePerson.bl_idname, text=str(seed), depress=seed == own.seed)
        choose.seed = seed
    row = layout.row(align=True)
    back: Any = row.operator(operators.PagePeople.bl_idname, text="", icon="TRIA_LEFT")
    back.pages = -1
    row.operator(operators.ShufflePeople.bl_idname, icon="FILE_REFRESH")
    on: Any = row.operator(operators.PagePeople.bl_idname, text="", icon="TRIA_RIGHT")
    on.pages = 1


def _draw_traits(layout: bpy.types.UILayout, own: Any) -> None:
    header, body = layout.panel("dgtalker_new_person_traits")
    header.label(text="Traits")
    header.operator(operators.LeaveTraits.bl_idname, text="", icon="LOOP_BACK", emboss=False)
    if body is None:
        return
    column = body.column(align=True)
    for trait in TRAITS:
        row = column.row(align=True)
        row.prop(own, ASKED + trait.name, text="")
        slider = row.row(align=True)
        slider.active = getattr(own, ASKED + trait.name)
        slider.prop(own, trait.name, slider=True)


def _draw_other(layout: bpy.types.UILayout, own: Any) -> None:
    header, body = layout.panel("dgtalker_new_person_other", default_closed=True)
    header.label(text="Like Somebody Else")
    if body is None:
        return
    column = body.column(align=True)
    column.prop(own, "other")
    column.prop(own, "morph", slider=True)
    column.prop(own, "mix", slider=True)


def _draw_add(layout: bpy.types.UILayout, context: bpy.types.Context) -> None:
    own, pending = form.properties(context), gallery.making()
    if pending is not None:
        fraction, text = pending.progress
        layout.progress(factor=fraction, text=f"{fraction:.0%}  {text}")
        layout.label(text="ESC cancels", icon="INFO")
        return
    column = layout.column()
    column.scale_y = 1.4
    column.operator_context = "INVOKE_DEFAULT"
    button: Any = column.operator(operators.AddPerson.bl_idname, text=f"Add {form.request(context).title}", icon="ADD")
    button.mark_asset = own.mark_asset
    layout.prop(own, "mark_asset")


CLASSES: tuple[type, ...] = (NewPersonPanel,)
