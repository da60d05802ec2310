"""Reading a script of several speakers."""

from __future__ import annotations

from collections.abc import Generator
from pathlib import Path
from typing import Any

import bpy

from dgtalker_engine.errors import DGTalkerError
from dgtalker_engine.performance import dialogue as scripts

from ... import ui
from ...bridge.modal import EngineOperator
from ..stepwise import Aside
from ..timeline import dialogue, speakers, strips


class ScriptOperator(ui.ExplainedOperator):
    """Mixin of operators that need strips and heads."""

    @classmethod
    def disabled_reason(cls, context: bpy.types.Context) -> str:
        if not any(strips.sound_strips(strips.timeline(context))):
            return "There are no sound strips: press Add Sound."
        return "" if speakers.in_scene(context.scene) else "Add the heads that speak first."


class ReadDialogue(ScriptOperator, EngineOperator, bpy.types.Operator):
    """Read who says what from a script: names become the heads that are called so, lines the transcripts of the strips
    at their times (subtitles) or in their order (Fountain, text), "(angry)" how it is said from there on"""

    bl_idname = "dgtalker.read_dialogue"
    bl_label = "Read Script"
    bl_options = {"REGISTER", "UNDO"}

    filepath: bpy.props.StringProperty(subtype="FILE_PATH", options={"SKIP_SAVE"})

    def work(self, context: bpy.types.Context) -> Generator[Any, None, None]:
        path, timeline = Path(bpy.path.abspath(self.filepath)), strips.remembered(strips.timeline(context))
        reading = Aside(lambda: scripts.read_dialogue(path), "Reading the script")
        yield reading
        given = dialogue.give(timeline(), reading.result())
        if not given.lines:
            raise DGTalkerError(f"No line of {path.name} fits a strip.", " ".join(given.notes))
        done = f"{given.strips} strips say {given.lines} lines of {path.name}: press Animate."
        self.report({"WARNING"} if given.notes else {"INFO"}, " ".join([done, *given.notes]))


class ChooseDialogue(ScriptOperator, bpy.types.Operator):
    """Choose a script with the names of who speaks: Fountain, subtitles (.srt, .vtt, .ass) or a text of lines such as
    "ROBIN: Hello" """

    bl_idname = "dgtalker.choose_dialogue"
    bl_label = "Read Script"

    filepath: bpy.props.StringProperty(subtype="FILE_PATH", options={"SKIP_SAVE"})
    filter_glob: bpy.props.StringProperty(
        default=";".join(f"*{suffix}" for suffix in scripts.ENDINGS), options={"HIDDEN"}
    )

    def invoke(self, context: bpy.types.Context, event: bpy.types.Event) -> set[str]:
        context.window_manager.fileselect_add(self)
        return {"RUNNING_MODAL"}

    def execute(self, context: bpy.types.Context) -> set[str]:
        # The file browser calls only execute, which would make the window wait.
        ui.press(ReadDialogue, filepath=self.filepath)
        return {"FINISHED"}


CLASSES = (ReadDialogue, ChooseDialogue)
