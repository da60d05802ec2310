"""Install, pause, cancel, remove: each says what it will do before it does it."""

from __future__ import annotations

import textwrap
from pathlib import Path
from typing import Any

import bpy

from dgtalker_engine.errors import DGTalkerError

from ... import ui
from ...bridge import engine, find
from ..control import Control
from ..installation import Task
from ..sources import OFFLINE
from . import running

_WIDTH, _LETTERS = 460, 70
"""Of the dialog, and of a line in it."""


_EXTRAS = {"capture": "with_capture", "signing": "with_signing"}
"""What comes when it is first needed, and the property that asks for it."""


class InstallEngine(ui.ExplainedOperator, bpy.types.Operator):
    """Download the engine and make it ready. It says first how much that is, and you can go on working meanwhile"""

    bl_idname = "dgtalker.install_engine"
    bl_label = "Install Engine"

    with_capture: bpy.props.BoolProperty(
        name="Also for Videos",
        description="With what looks at videos, and what training needs: for heads and performances from videos",
        options={"SKIP_SAVE"},
    )
    with_signing: bpy.props.BoolProperty(
        name="Also for Signing",
        description="With what signs pictures and films (C2PA)",
        options={"SKIP_SAVE"},
    )
    anew: bpy.props.BoolProperty(
        name="Anew",
        description="Also where it is installed already, and may be broken",
        options={"HIDDEN", "SKIP_SAVE"},
    )
    reason: bpy.props.StringProperty(options={"HIDDEN", "SKIP_SAVE"})

    @classmethod
    def disabled_reason(cls, context: bpy.types.Context) -> str:
        if running.current() is not None:
            return running.BUSY
        try:
            plan, sources = running.planned(), running.sources()
        except DGTalkerError as error:
            return str(error)
        return OFFLINE if not sources.online and plan.missing_bytes(sources) and not _on_disk(sources.pypi) else ""

    def invoke(self, context: bpy.types.Context, event: bpy.types.Event) -> set[str]:
        if bpy.app.background or context.window is None:
            return self.execute(context)
        self._asked = True
        return context.window_manager.invoke_props_dialog(self, width=_WIDTH, confirm_text="Install")

    def draw(self, context: bpy.types.Context) -> None:
        layout: Any = self.layout
        for line in textwrap.wrap(self.reason, _LETTERS):
            layout.label(text=line, icon="ERROR")
        plan, column = running.planned(self._more(), self.anew), layout.column(align=True)
        missing = plan.missing_bytes(running.sources())
        told = f"{_size(missing)} will be downloaded." if missing else "Everything is here: nothing will be downloaded."
        column.label(text=told, icon="IMPORT")
        column.label(text=f"Room on the disk is needed for {_size(plan.disk_bytes)}, in", icon="DISK_DRIVE")
        column.label(text=str(plan.environment), icon="BLANK1")
        column.label(text=f"PyTorch: {plan.why}", icon="INFO")
        for extra, name in _EXTRAS.items():
            if extra not in running.extras():
                layout.prop(self, name)

    def _more(self) -> frozenset[str]:
        return frozenset(extra for extra, name in _EXTRAS.items() if getattr(self, name))

    def execute(self, context: bpy.types.Context) -> set[str]:
        try:
            task = running.begin(self._more(), self.anew)
        except DGTalkerError as error:
            return ui.report(self, error)
        return _follow(self, task, "The engine is installed")


class PauseInstallation(ui.ExplainedOperator, bpy.types.Operator):
    """Stop the download for a while, or go on with it"""

    bl_idname = "dgtalker.pause_installation"
    bl_label = "Pause"

    @classmethod
    def disabled_reason(cls, context: bpy.types.Context) -> str:
        installation = running.current()
        if installation is None:
            return "Nothing is being installed."
        pausable = installation.control.can_pause or installation.control.paused
        return "" if pausable else "Only a download can be paused."

    def execute(self, context: bpy.types.Context) -> set[str]:
        installation = running.current()
        assert installation is not None
        control = installation.control
        (control.resume if control.paused else control.pause)()
        ui.redraw()
        return {"FINISHED"}


class CancelInstallation(ui.ExplainedOperator, bpy.types.Operator):
    """Stop it. What was downloaded is kept, so that an installation can go on there later"""

    bl_idname = "dgtalker.cancel_installation"
    bl_label = "Cancel"

    @classmethod
    def disabled_reason(cls, context: bpy.types.Context) -> str:
        return "" if running.current() is not None else "Nothing is being installed."

    def execute(self, context: bpy.types.Context) -> set[str]:
        installation = running.current()
        assert installation is not None
        installation.control.cancel()
        return {"FINISHED"}


class UninstallEngine(ui.ExplainedOperator, bpy.types.Operator):
    """Remove an engine that was installed here, with the last one all that was downloaded. Heads and files stay"""

    bl_idname = "dgtalker.uninstall_engine"
    bl_label = "Remove Engine"

    python: bpy.props.StringProperty(options={"HIDDEN", "SKIP_SAVE"})

    @classmethod
    def disabled_reason(cls, context: bpy.types.Context) -> str:
        return running.BUSY if running.current() is not None else ""

    def invoke(self, context: bpy.types.Context, event: bpy.types.Event) -> set[str]:
        if bpy.app.background or context.window is None:
            return self.execute(context)
        self._asked = True
        return context.window_manager.invoke_confirm(
            self,
            event,
            title="Remove the Engine?",
            message=f"{Path(self.python).parents[1]} goes.",
            icon="WARNING",
        )

    def execute(self, context: bpy.types.Context) -> set[str]:
        return _follow(self, running.begin_removal(self.python), "The engine was removed")


def _follow(operator: bpy.types.Operator, task: Task, said: str) -> set[str]:
    """Lets a user go on who was asked; a script waits for its end."""
    if getattr(operator, "_asked", False):
        running.watch()
        return {"FINISHED"}
    task.wait()
    running.finish(task)
    if task.error is not None:
        return ui.report(operator, task.error)
    operator.report({"INFO"}, said)
    return {"FINISHED"}


def draw(layout: bpy.types.UILayout, context: bpy.types.Context) -> None:
    """The installation: its progress while it runs; otherwise its button, and what went wrong."""
    installation = running.current()
    if installation is not None:
        _draw_progress(layout, installation.control)
        return
    if running.failure is not None:
        ui.alert(layout, context, str(running.failure))
    python = engine.state().python
    row = layout.row(align=True)
    row.operator_context = "INVOKE_DEFAULT"
    text, anew = _label(python)
    row.operator(InstallEngine.bl_idname, text=text, icon="IMPORT").anew = anew
    if not anew and (reason := InstallEngine.disabled_reason(context)):
        ui.note(layout, context, reason)
    if python and find.installed(python):
        if "capture" not in running.extras():
            row.operator(InstallEngine.bl_idname, text="Install for Videos…", icon="FILE_MOVIE").with_capture = True
        row.operator(UninstallEngine.bl_idname, text="Remove…", icon="TRASH").python = python


def draw_signing(layout: bpy.types.UILayout) -> None:
    """The button that installs what signs, where the engine was installed by ours and lacks it."""
    python = engine.state().python
    if python and find.installed(python) and "signing" not in running.extras():
        row = layout.row()
        row.operator_context = "INVOKE_DEFAULT"
        row.operator(InstallEngine.bl_idname, text="Install for Signing…", icon="IMPORT").with_signing = True


def _draw_progress(layout: bpy.types.UILayout, control: Control) -> None:
    progress = control.progress
    text = f"Paused. {progress.line}" if control.paused else progress.line
    layout.progress(factor=progress.fraction, text=text, type="BAR")
    row = layout.row(align=True)
    row.operator(
        PauseInstallation.bl_idname,
        text="Go On" if control.paused else "Pause",
        icon="PLAY" if control.paused else "PAUSE",
    )
    row.operator(CancelInstallation.bl_idname, icon="X")


def _label(python: str) -> tuple[str, bool]:
    """The text of the button, and whether it installs anew what is there."""
    try:
        plan = running.planned()
        size = plan.missing_bytes(running.sources())
    except DGTalkerError:
        return "Install Engine…", False
    installed = find.installed(python) if python else None
    if installed is None:
        return f"Install Engine… ({_size(size)})", False
    same = installed == plan.environment
    return ("Repair Engine…", True) if same else (f"Update Engine… ({_size(size)})", False)


def _on_disk(index: str) -> bool:
    return index.startswith("file:")


def _size(count: int) -> str:
    return f"{count / 1e9:.1f} GB" if count >= 1e9 else f"{count / 1e6:.0f} MB"


CLASSES = (InstallEngine, PauseInstallation, CancelInstallation, UninstallEngine)
