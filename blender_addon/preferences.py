"""The extension's preferences: the engine's installation, its Python, a test, the log, a restart, a bug report."""

from __future__ import annotations

from collections.abc import Generator
from pathlib import Path
from typing import ClassVar

import bpy

from . import ui
from .bridge import engine, find
from .bridge.modal import EngineOperator
from .bug_report_operator import CopyBugReport
from .install import sources
from .install.ui import operators as installing

ADDON = str(__package__)


STATUS = {
    "stopped": "The engine starts when it is first needed.",
    "starting": "The engine is starting.",
    "running": "The engine is running.",
}


def _engine_chosen(preferences: bpy.types.AddonPreferences, context: bpy.types.Context) -> None:
    # a lambda would not do: Blender evaluates the annotation in the class, whose names are all that it would see
    configure_engine()


class Preferences(bpy.types.AddonPreferences):
    bl_idname = ADDON

    engine_python: bpy.props.StringProperty(
        name="Engine's Python",
        description="The Python that the engine runs on; empty: the one that was installed",
        subtype="FILE_PATH",
        update=_engine_chosen,
    )

    package_index: bpy.props.StringProperty(
        name="Package Index",
        description="Where the engine's packages are downloaded from: PyPI, or a mirror of it that your studio has",
    )
    pytorch_index: bpy.props.StringProperty(
        name="PyTorch Index",
        description="Where PyTorch without CUDA is downloaded from, for Linux: its makers' index, or a mirror of it",
    )
    wheels_folder: bpy.props.StringProperty(
        name="Folder with Packages",
        description="Packages that were brought along, on a USB stick for instance: they are taken from there, and "
        "only what is not there is downloaded. Engineers fill it with: python build.py package --wheelhouse FOLDER",
        subtype="DIR_PATH",
    )

    signing_certificates: bpy.props.StringProperty(
        name="Certificate",
        description="A PEM file with which pictures and films are signed (C2PA): the signer's certificate first, then "
        "those of who issued it",
        subtype="FILE_PATH",
    )
    signing_key: bpy.props.StringProperty(
        name="Private Key",
        description="The certificate's private key: a PEM file without a password. It is only read, and only by the "
        "engine, while it signs",
        subtype="FILE_PATH",
    )
    time_stamp_server: bpy.props.StringProperty(
        name="Time-Stamp Server",
        description="Asked over the network for each file that is signed, so that signatures outlive the certificate "
        "(RFC 3161); empty: none",
    )

    def draw(self, context: bpy.types.Context) -> None:
        layout = self.layout
        installing.draw(layout, context)
        header, body = layout.panel("dgtalker_sources", default_closed=True)
        header.label(text="Where Packages Come From")
        if body:
            body.use_property_split = True
            body.prop(self, "package_index", placeholder=sources.PYPI)
            body.prop(self, "pytorch_index", placeholder=sources.PYTORCH)
            body.prop(self, "wheels_folder")
        header, body = layout.panel("dgtalker_signing", default_closed=True)
        header.label(text="Signing (C2PA)")
        if body:
            body.use_property_split = True
            body.prop(self, "signing_certificates")
            body.prop(self, "signing_key")
            body.prop(self, "time_stamp_server", placeholder="none")
            installing.draw_signing(body)
        choice = layout.column()
        choice.use_property_split = True
        choice.prop(self, "engine_python", placeholder=find.remembered() or "none found")
        _draw_engines(layout)
        row = layout.row(align=True)
        row.operator(TestEngine.bl_idname, icon="CHECKMARK")
        row.operator(RestartEngine.bl_idname, icon="FILE_REFRESH")
        row.operator(OpenLog.bl_idname, icon="TEXT")
        row.operator(CopyBugReport.bl_idname, icon="COPYDOWN")
        draw_state(layout, context)
        if Doctor.answer:
            column = layout.box().column(align=True)
            for line in Doctor.answer:
                column.label(text=line["text"], icon="CHECKMARK" if line["ok"] else "ERROR")
                if line["advice"]:
                    advice = column.row()
                    advice.active = False
                    advice.label(text=line["advice"], icon="BLANK1")


def _draw_engines(layout: bpy.types.UILayout) -> None:
    """The engines that were installed on this machine, where there are several: which is used, and the others."""
    known = find.known()
    if len(known) < 2:
        return
    used = engine.state().python
    column = layout.column(align=True)
    column.label(text=f"{len(known)} engines are installed on this machine:")
    for python in known:
        chosen = python == used
        row = column.row()
        row.operator(
            UseEngine.bl_idname, text=python, icon="RADIOBUT_ON" if chosen else "RADIOBUT_OFF", emboss=False
        ).python = python
        if find.installed(python):
            row.operator(installing.UninstallEngine.bl_idname, text="", icon="TRASH").python = python


def draw_state(layout: bpy.types.UILayout, context: bpy.types.Context) -> None:
    """What the engine is doing, and what is wrong with it; starts nothing."""
    state = engine.state()
    if not state.python:
        ui.alert(layout, context, find.NONE_INSTALLED)
    elif state.error:
        ui.alert(layout, context, state.error)
    else:
        layout.label(text=STATUS[state.status], icon="CHECKMARK" if state.status == "running" else "INFO")


class Doctor(EngineOperator):
    """Mixin of operators that ask the engine what it finds on this machine; `answer` is the last report's lines."""

    answer: ClassVar[list[dict]] = []

    def work(self, context: bpy.types.Context) -> Generator[engine.Pending, None, None]:
        Doctor.answer = []
        pending = engine.submit("doctor")
        ui.redraw()
        try:
            yield pending
            Doctor.answer = pending.result().header["report"]["lines"]
        finally:
            ui.redraw()
        problems = [f"{line['text']}. {line['advice']}" for line in Doctor.answer if not line["ok"]]
        if problems:
            self.report({"WARNING"}, " ".join(problems))
        else:
            self.report({"INFO"}, "The engine works")


class TestEngine(Doctor, bpy.types.Operator):
    """Start the engine and show what it finds on this machine"""

    bl_idname = "dgtalker.test_engine"
    bl_label = "Test Engine"


class RestartEngine(Doctor, bpy.types.Operator):
    """End the engine and start another, for instance after it was installed again"""

    bl_idname = "dgtalker.restart_engine"
    bl_label = "Restart Engine"

    def work(self, context: bpy.types.Context) -> Generator[engine.Pending, None, None]:
        engine.stop()
        yield from super().work(context)


class UseEngine(bpy.types.Operator):
    """Use this engine"""

    bl_idname = "dgtalker.use_engine"
    bl_label = "Use Engine"

    python: bpy.props.StringProperty(options={"SKIP_SAVE"})

    def execute(self, context: bpy.types.Context) -> set[str]:
        context.preferences.addons[ADDON].preferences.engine_python = self.python
        context.preferences.is_dirty = True
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
    Doctor.answer = []
    engine.configure(python=python, log=log_path(), speech_on_demand=bpy.app.background)


CLASSES = (Preferences, TestEngine, RestartEngine, UseEngine, OpenLog)


def register() -> None:
    pass


def unregister() -> None:
    pass
