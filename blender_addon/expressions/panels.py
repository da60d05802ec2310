"""The gallery of expressions in the sidebar."""

from __future__ import annotations

from typing import Any

import bpy

from dgtalker_engine.performance.expressions import EXPRESSIONS

from .. import ui
from ..head import model
from . import actions, gallery, operators, pictures
from .properties import form

_COLUMNS = 3

_LAYOUT: Any = bpy.types.UILayout.bl_rna
_CLOCK: int = _LAYOUT.functions["prop"].parameters["icon"].enum_items["SORTTIME"].value


class ExpressionsPanel(ui.SidebarPanel, bpy.types.Panel):
    """Expressions that the active head can be given by one press, and saving its own."""

    bl_idname = "DGTALKER_PT_expressions"
    bl_label = "Expressions"
    bl_order = 0

    @classmethod
    def poll(cls, context: bpy.types.Context) -> bool:
        return model.has_controls(context.object)

    def draw(self, context: bpy.types.Context) -> None:
        layout = self.layout
        assert layout is not None
        assert context.object is not None
        own = form(context)
        if not own.open:
            layout.operator(operators.OpenExpressions.bl_idname, text="Expressions…", icon="ASSET_MANAGER")
            return
        gallery.look()
        row = layout.row(align=True)
        row.prop(own, "amount", slider=True)
        row.prop(own, "mirrored", text="", icon="MOD_MIRROR")
        row.prop(own, "insert_keys", text="", icon="KEY_HLT")
        row.operator(operators.CloseExpressions.bl_idname, text="", icon="X")
        if gallery.error():
            ui.alert(layout, context, gallery.error())
            layout.operator(operators.OpenExpressions.bl_idname, text="Try Again", icon="FILE_REFRESH")
        _draw_builtin(layout, context, context.object)
        _draw_saved(layout, context)
        _draw_save(layout, own)


def _draw_builtin(layout: bpy.types.UILayout, context: bpy.types.Context, ob: bpy.types.Object) -> None:
    grid = _grid(layout)
    for name, expression in EXPRESSIONS.items():
        icon = pictures.icons.id_of(gallery.icon_name(ob, name))
        _draw_cell(grid, context, icon or _CLOCK, expression.label, expression=name)


def _draw_saved(layout: bpy.types.UILayout, context: bpy.types.Context) -> None:
    saved = actions.saved()
    if not saved:
        return
    layout.label(text="In This File", icon="ASSET_MANAGER")
    grid = _grid(layout)
    for action in saved:
        preview: Any = action.preview_ensure()
        _draw_cell(grid, context, preview.icon_id, action.name, action=action.name)
    for _ in range(-len(saved) % _COLUMNS):  # cells of a row share its width
        grid.label(text="")


def _grid(layout: bpy.types.UILayout) -> bpy.types.UILayout:
    return layout.grid_flow(row_major=True, columns=_COLUMNS, even_columns=True, even_rows=True, align=True)


def _draw_cell(
    grid: bpy.types.UILayout,
    context: bpy.types.Context,
    icon: int,
    label: str,
    *,
    expression: str = "",
    action: str = "",
) -> None:
    """A picture, and its name to press."""
    cell = grid.column(align=True)
    cell.template_icon(icon_value=icon, scale=ui.picture_scale(context) / _COLUMNS)
    apply: Any = cell.operator(operators.ApplyExpression.bl_idname, text=label, translate=False)
    apply.expression, apply.action = expression, action
    own = form(context)
    apply.amount, apply.mirrored, apply.insert_keys = own.amount, own.mirrored, own.insert_keys


def _draw_save(layout: bpy.types.UILayout, own: Any) -> None:
    header, body = layout.panel("dgtalker_save_expression", default_closed=False)
    header.label(text="Save")
    if body is None:
        return
    body.operator_context = "INVOKE_DEFAULT"
    row = body.row(align=True)
    row.prop(own, "title", text="", placeholder="Name")
    save: Any = row.operator(operators.SaveExpression.bl_idname, text="Save", icon="ASSET_MANAGER")
    save.title, save.only_changed = own.title, own.only_changed
    body.prop(own, "only_changed")


CLASSES: tuple[type, ...] = (ExpressionsPanel,)
