"""The extension's preferences: the engine's Python, a test, the log, a restart."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import bpy

from . import ui
from .bridge import engine, find
from .bridge.modal import EngineOperator


ADDON = str(__package__)


def _engine_chosen(preferences: bpy.types.AddonPreferences, context: bpy.types.Context) -> None:
    # a lambda would not do: Blender evaluates the annotation in the class, whose names are all that it would see
    configure_engine()


class Preferences(bpy.types.AddonPreferences):
    bl_idname = ADDON

    engine_python: bpy.props.StringProperty(
        name="Engine's Python",
        description="The Python that the engine runs on; empty: the one that build.py made",
        subtype="FILE_PATH",
        update=_engine_chosen,
    )

    def draw(self, context: bpy.types.Context) -> None:
        layout = self.layout
        layout.use_property_split = True
        layout.prop(self, "engine_python", placeholder=find.remembered() or "none found")
        row = layout.row(align=True)
        row.operator(TestEngine.bl_idname, icon="CHECKMARK")
        row.operator(RestartEngine.bl_idname, icon="FILE_REFRESH")
        row.operator(OpenLog.bl_idname, icon="TEXT")
        for line in TestEngine.answer:
            layout.label(text=line["text"], icon="CHECKMARK" if line["ok"] else "ERROR")
            if line["advice"]:
                layout.label(text=line["advice"], icon="BLANK1")


class TestEngine(EngineOperator, bpy.types.Operator):
    """Start the engine and show what it found on this machine"""

    bl_idname = "dgtalker.test_engine"
    bl_label = "Test Engine"

    answer: list[dict] = []

    def work(self, context: bpy.types.Context) -> Iterator[engine.Pending]:
        pending = engine.submit("doctor")
        yield pending
        TestEngine.answer = pending.result().header["report"]["lines"]
        self.report({"INFO"}, "; ".join(line["text"] for line in self.answer))


class RestartEngine(bpy.types.Operator):
    """End the engine; it starts again when it is next needed"""

    bl_idname = "dgtalker.restart_engine"
    bl_label = "Restart Engine"

    def execute(self, context: bpy.types.Context) -> set[str]:
        engine.restart()
        return {"FINISHED"}


class OpenLog(ui.ExplainedOperator, bpy.types.Operator):
    """Open the engine's log in a text viewer"""

    bl_idname = "dgtalker.open_log"
    bl_label = "Open Log"

    @classmethod
    def disabled_reason(cls, context: bpy.types.Context) -> str:
        return "" if log_path().is_file() else "The engine has not written a log yet."

    def execute(self, context: bpy.types.Context) -> set[str]:
        bpy.ops.wm.path_open(filepath=str(log_path()))
        return {"FINISHED"}


def log_path() -> Path:
    return Path(bpy.utils.extension_path_user(ADDON, path="log", create=True)) / "engine.log"


def configure_engine() -> None:
    """Hand the preferences to the bridge; nothing is started."""
    addon = bpy.context.preferences.addons.get(ADDON)
    python = addon.preferences.engine_python if addon else ""
    engine.configure(python=bpy.path.abspath(python) if python else "", log=log_path())


CLASSES = (Preferences, TestEngine, RestartEngine, OpenLog)


def register() -> None:
    pass


def unregister() -> None:
    pass
