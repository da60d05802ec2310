"""Importing and exporting performances."""

from __future__ import annotations

from collections.abc import Generator
from pathlib import Path
from typing import Any

import bpy

from dgtalker_engine.errors import DGTalkerError
from dgtalker_engine.performance import exchange as formats

from ... import ui
from ...bridge.modal import EngineOperator
from ..exchange import performances
from ..keys import keyframes
from ..takes import live
from ..timeline import speakers, strips
from . import steps

FORMATS = tuple((name, each.label, f"Written to *{each.suffix}") for name, each in formats.FORMATS.items())
SUFFIXES = ";".join(sorted({f"*{each.suffix}" for each in formats.FORMATS.values()}))


def target(context: bpy.types.Context) -> bpy.types.Object | None:
    """The speaker that is meant: in the sequencer the active strip's, elsewhere the selected one; else the other."""
    strip = strips.active(context)
    candidates = [context.object, strips.speaker(strip) if strip else None]
    if context.area and context.area.type == "SEQUENCE_EDITOR":
        candidates.reverse()
    return next(filter(speakers.is_speaker, candidates), None)


class TargetOperator(ui.ExplainedOperator):
    """Mixin of operators that need a speaker."""

    @classmethod
    def disabled_reason(cls, context: bpy.types.Context) -> str:
        if target(context):
            return ""
        return "Select a Gaussian head, or a mesh whose shape keys have ARKit's names."


class ImportPerformance(TargetOperator, bpy.types.Operator):
    """Let the selected head or ARKit mesh play a file: Live Link Face CSV, Audio2Face JSON or CSV, DGTalker JSON.
    Your keys stay, and what is spoken before and after it"""

    bl_idname = "dgtalker.import_performance"
    bl_label = "Import Performance"
    bl_options = {"REGISTER", "UNDO"}

    filepath: bpy.props.StringProperty(subtype="FILE_PATH", options={"SKIP_SAVE"})
    filter_glob: bpy.props.StringProperty(default=SUFFIXES, options={"HIDDEN"})
    first: bpy.props.IntProperty(
        name="Start Frame", description="Where the performance begins", default=1, options={"SKIP_SAVE"}
    )
    fps: bpy.props.FloatProperty(
        name="Frame Rate", description="Of the file; 0 as the file says", default=0, min=0, max=1000
    )

    @classmethod
    def disabled_reason(cls, context: bpy.types.Context) -> str:
        head = target(context)
        return super().disabled_reason(context) if head is None else keyframes.locked_reason(head)

    def invoke(self, context: bpy.types.Context, event: bpy.types.Event) -> set[str]:
        self.first = context.scene.frame_current
        context.window_manager.fileselect_add(self)
        return {"RUNNING_MODAL"}

    def execute(self, context: bpy.types.Context) -> set[str]:
        head = target(context)
        assert head is not None
        try:
            performance = formats.read(Path(bpy.path.abspath(self.filepath)), self.fps or None)
            notes = performances.apply(head, performance, strips.timeline(context), self.first)
        except DGTalkerError as error:
            return ui.report(self, error)
        done = f"{head.name} plays {performance.frames / performance.fps:.1f} s from frame {self.first} on."
        self.report({"WARNING"} if notes else {"INFO"}, " ".join([done, *notes]))
        return {"FINISHED"}


class ExportPerformance(TargetOperator, EngineOperator, bpy.types.Operator):
    """Write the final motion of the selected head or ARKit mesh to a file, your own keys included"""

    bl_idname = "dgtalker.export_performance"
    bl_label = "Export Performance"

    filepath: bpy.props.StringProperty(subtype="FILE_PATH", options={"SKIP_SAVE"})
    format: bpy.props.EnumProperty(name="Format", items=FORMATS)

    def work(self, context: bpy.types.Context) -> Generator[Any, None, None]:
        head = target(context)
        assert head is not None
        live.catch_up()
        name, path = head.name, Path(bpy.path.abspath(self.filepath))
        motion = performances.evaluated_steps(head, strips.timeline(context))
        performance = yield from steps.shown(motion, f"Looking at {name}")
        formats.write(performance, path, self.format)
        self.report({"INFO"}, f"{performance.frames} frames of {name} were written to {path.name}.")


class ChooseExport(TargetOperator, bpy.types.Operator):
    """Choose a file and write the final motion of the selected head or ARKit mesh to it, your own keys included"""

    bl_idname = "dgtalker.choose_export"
    bl_label = "Export Performance"

    filepath: bpy.props.StringProperty(subtype="FILE_PATH", options={"SKIP_SAVE"})
    filter_glob: bpy.props.StringProperty(default=SUFFIXES, options={"HIDDEN"})
    check_existing: bpy.props.BoolProperty(default=True, options={"HIDDEN"})
    format: bpy.props.EnumProperty(name="Format", items=FORMATS)

    def invoke(self, context: bpy.types.Context, event: bpy.types.Event) -> set[str]:
        head = target(context)
        assert head is not None
        folder = Path(bpy.data.filepath).parent if bpy.data.filepath else Path.home()
        self.filepath = str(folder / bpy.path.clean_name(head.name))
        self.check(context)
        context.window_manager.fileselect_add(self)
        return {"RUNNING_MODAL"}

    def check(self, context: bpy.types.Context) -> bool:
        """The name ends as the format's files do."""
        path = Path(self.filepath)
        others = {each.suffix for each in formats.FORMATS.values()}
        stem = path.with_suffix("") if path.suffix in others else path
        wanted = f"{stem}{formats.FORMATS[self.format].suffix}"
        changed, self.filepath = wanted != self.filepath, wanted
        return changed

    def execute(self, context: bpy.types.Context) -> set[str]:
        # The file browser calls only execute, which would make the window wait.
        ui.press(ExportPerformance, filepath=self.filepath, format=self.format)
        return {"FINISHED"}


CLASSES = (ImportPerformance, ExportPerformance, ChooseExport)
