"""What all panels and operators share: the sidebar's tab, and buttons that say why they are greyed out."""

from __future__ import annotations

import functools
import textwrap
from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

import bpy

from dgtalker_engine.errors import DGTalkerError

if TYPE_CHECKING:
    OperatorMixin = bpy.types.Operator
    PanelMixin = bpy.types.Panel
else:
    # Blender registers classes that have one base of its own: mixins have none.
    OperatorMixin = PanelMixin = object


TAB = "DGTalker"
"""Of sidebars."""

VIDEO_FILES = ";".join(
    f"*.{ending}"
    for ending in ("mp4", "mov", "m4v", "mkv", "webm", "avi", "mts", "m2ts", "mpg", "mpeg", "wmv", "3gp", "ogv")
)
"""What file browsers show of videos; the engine reads whatever FFmpeg does."""


class SidebarPanel(PanelMixin):
    """Mixin of panels in the 3D view's sidebar."""

    bl_space_type = "VIEW_3D"
    bl_region_type = "UI"
    bl_category = TAB


class SequencerPanel(PanelMixin):
    """Mixin of panels in the sequencer's sidebar."""

    bl_space_type = "SEQUENCE_EDITOR"
    bl_region_type = "UI"
    bl_category = TAB


class ExplainedOperator(OperatorMixin):
    """Mixin of operators: `disabled_reason` says why a button is greyed out, or returns an empty string."""

    @classmethod
    def disabled_reason(cls, context: bpy.types.Context) -> str:
        return ""

    @classmethod
    def poll(cls, context: bpy.types.Context) -> bool:
        reason = cls.disabled_reason(context)
        if reason:
            cls.poll_message_set(reason)
        return not reason


def press(operator: type[bpy.types.Operator], **properties: Any) -> set[str]:
    """Runs an operator as its button does, with progress and ESC in a window."""
    room, name = operator.bl_idname.split(".")
    return getattr(getattr(bpy.ops, room), name)("INVOKE_DEFAULT", **properties)


INSTALLATIONS: dict[str, dict[str, bool]] = {
    "no_engine": {},
    "no_capture": {"with_capture": True},
    "no_signing": {"with_signing": True},
}
"""Errors that an installation mends: what of the installation's properties is on then."""

last_error = ""
"""That was shown to the user."""


def report(operator: bpy.types.Operator, error: DGTalkerError) -> set[str]:
    """Show an error with its hint, in a window with an offer to install what is missing; the operator returns what this
    returns.

    What the user, or we for the user's sake, stopped is a warning: a script goes on.
    """
    global last_error
    stopped = error.code in ("cancelled", "refused")
    if not stopped:
        last_error = str(error)
    install = getattr(bpy.ops, "dgtalker").install_engine  # noqa: B009 (no stub knows it)
    if error.code in INSTALLATIONS and not bpy.app.background and bpy.context.window and install.poll():
        install("INVOKE_DEFAULT", **INSTALLATIONS[error.code], reason=error.message)
    else:
        operator.report({"WARNING"} if stopped else {"ERROR"}, str(error))
    return {"CANCELLED"}


def tell(error: DGTalkerError) -> None:
    """Show an error in a window, from where no operator runs: the end of a render, say. Any thread."""
    if bpy.app.background:
        return

    def show() -> None:
        context: Any = bpy.context  # its stub does not know that temp_override is for `with`
        manager = context.window_manager
        with context.temp_override(window=manager.windows[0]):
            manager.popup_menu(lambda menu, context: menu.layout.label(text=str(error)), title="DGTalker", icon="ERROR")

    bpy.app.timers.register(show)


def alert(layout: bpy.types.UILayout, context: bpy.types.Context, text: str) -> None:
    """A warning in a panel, wrapped to the region's width."""
    column = layout.column(align=True)
    column.alert = True
    _wrapped(column, context, text, "ERROR")


def note(layout: bpy.types.UILayout, context: bpy.types.Context, text: str) -> None:
    """A remark in a panel, wrapped to the region's width."""
    _wrapped(layout.column(align=True), context, text, "INFO")


def _wrapped(column: bpy.types.UILayout, context: bpy.types.Context, text: str, icon: Any) -> None:
    letters = int(context.region.width / (6.6 * context.preferences.system.ui_scale)) - 6
    for i, line in enumerate(textwrap.wrap(text, max(20, letters))):
        column.label(text=line, icon="BLANK1" if i else icon)


def picture_scale(context: bpy.types.Context) -> float:
    """Of `template_icon`: as wide as the sidebar, but not so large that it gets blurred."""
    units = context.region.width / (20.0 * context.preferences.system.ui_scale)
    return max(4.0, min(units - 2.5, 12.8))


def redraw() -> None:
    """Draws panels anew in sidebars and in the preferences, but no view: Blender does not know what has changed."""
    for area in (area for window in bpy.context.window_manager.windows for area in window.screen.areas):
        for region in area.regions:
            if region.type == "UI" or area.type == "PREFERENCES":
                region.tag_redraw()


_DRAGS = ("TRANSFORM_OT_", "ACTION_OT_", "GRAPH_OT_", "NLA_OT_")
"""What the identifiers of operators begin with that hold keys while the pointer moves."""


def is_dragging() -> bool:
    """Whether the user is dragging something, keys perhaps: Blender then holds their addresses until she lets go, and
    writes to them whoever has put others in their place."""
    windows = bpy.context.window_manager.windows
    return any(operator.bl_idname.startswith(_DRAGS) for window in windows for operator in window.modal_operators)


def open_tab(context: bpy.types.Context) -> None:
    """Shows our tab in the sidebar of the 3D view that the user is in, or of another one; nothing without a window."""
    views = [area for window in context.window_manager.windows for area in window.screen.areas]
    views = [area for area in views if area.type == "VIEW_3D"]
    if bpy.app.background or not views:
        return
    area = context.area if context.area in views else views[0]
    space: Any = area.spaces.active
    space.show_region_ui = True
    bpy.app.timers.register(functools.partial(_choose_tab, area.as_pointer(), iter(range(_TRIES))))


_TRIES = 20


def _choose_tab(pointer: int, tries: Iterator[int]) -> float | None:
    """A sidebar has no tabs before it was drawn; and the area may be gone by then, so it is found again."""
    areas = [area for window in bpy.context.window_manager.windows for area in window.screen.areas]
    for area in areas:
        for region in area.regions:
            if area.as_pointer() == pointer and region.type == "UI":
                try:
                    region.active_panel_category = TAB
                except TypeError:
                    return 0.05 if next(tries, None) is not None else None
                region.tag_redraw()
    return None
