"""The buttons of farms: what a worker runs itself, and its rehearsal here."""

from __future__ import annotations

from collections.abc import Generator
from pathlib import Path

import bpy

from .. import ui
from ..bridge.modal import EngineOperator, Waiting
from . import preflight, rehearsal
from .findings import Finding, problems, to_line

EXTENSION = Path(__file__).resolve().parents[1]

found: list[Finding] = []
"""Of the last rehearsal."""


class Preflight(ui.ExplainedOperator, bpy.types.Operator):
    """Look at this file as a worker of a render farm has to render it, in its log, and fail where something is wrong"""

    bl_idname = "dgtalker.preflight"
    bl_label = "Preflight"

    def execute(self, context: bpy.types.Context) -> set[str]:
        every: list[Finding] = []
        for finding in preflight.examine(context.scene):
            print(f"DGTalker preflight: {finding.line}", flush=True)
            every.append(finding)
        print(to_line(every), flush=True)
        bad = problems(every)
        if bad:
            self.report({"ERROR"}, " ".join(f"{each.text} {each.advice}".strip() for each in bad))
            return {"CANCELLED"}
        return {"FINISHED"}


class Rehearse(EngineOperator, bpy.types.Operator):
    """Let another Blender, in a profile that has nothing but this extension, open the saved file as a worker of a farm
    does: find its heads, the engine and missing files, and render one frame"""

    bl_idname = "dgtalker.rehearse"
    bl_label = "Rehearse for the Farm"

    @classmethod
    def disabled_reason(cls, context: bpy.types.Context) -> str:
        if not bpy.data.filepath:
            return "Save the file first: a farm renders what is saved."
        if not bpy.app.binary_path:
            return "Blender runs as a Python module here: there is no program to start."
        return ""

    def work(self, context: bpy.types.Context) -> Generator[Waiting, None, None]:
        changed = bpy.data.is_dirty
        forget()
        worker = rehearsal.Rehearsal(bpy.app.binary_path, bpy.data.filepath, EXTENSION)
        try:
            yield worker
            found.extend(worker.findings())
        finally:
            if not worker.done:
                worker.cancel()
            ui.redraw()
        if changed:
            found.append(
                Finding("What you changed since you saved was not looked at.", advice="Save, then rehearse again.")
            )
        bad = problems(found)
        if bad:
            self.report({"WARNING"}, " ".join(f"{each.text} {each.advice}".strip() for each in bad))
        else:
            self.report({"INFO"}, "A worker of a farm can render this file")


def forget() -> None:
    found.clear()


CLASSES = (Preflight, Rehearse)
