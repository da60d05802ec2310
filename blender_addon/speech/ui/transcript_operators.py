"""Reading the transcript of a strip from a file."""

from __future__ import annotations

from collections.abc import Generator
from pathlib import Path
from typing import Any

import bpy

from dgtalker_engine.errors import DGTalkerError
from dgtalker_engine.performance import transcripts

from ... import ui
from ...bridge.modal import EngineOperator
from ...properties import strip_properties
from ..stepwise import Aside
from ..timeline import strips, subtitles


class StripOperator(ui.ExplainedOperator):
    """Mixin of operators that need a sound strip."""

    @classmethod
    def disabled_reason(cls, context: bpy.types.Context) -> str:
        return "" if strips.active(context) else "Choose a sound strip in the list first."


class ReadTranscript(StripOperator, EngineOperator, bpy.types.Operator):
    """Read what the active strip says from a text file, or from subtitles (.srt, .vtt, .ass) made for its sound file:
    then only the lines within the strip, with their times"""

    bl_idname = "dgtalker.read_transcript"
    bl_label = "Read Transcript"
    bl_options = {"REGISTER", "UNDO"}

    filepath: bpy.props.StringProperty(subtype="FILE_PATH", options={"SKIP_SAVE"})

    def work(self, context: bpy.types.Context) -> Generator[Any, None, None]:
        scene, strip = strips.timeline(context), strips.active(context)
        path, played = Path(bpy.path.abspath(self.filepath)), strips.played_seconds(scene, strip)
        timeline, name = strips.remembered(scene), strip.name
        reading = Aside(lambda: subtitles.read(path, played), "Reading the file")
        yield reading
        transcript = reading.result()
        if not transcript.words:
            raise DGTalkerError(
                f"No line of {path.name} lies within the strip {name}.",
                "Its times are counted from the start of the strip's sound file.",
            )
        strip = next((each.strip for each in strips.sound_strips(timeline()) if each.strip.name == name), None)
        if strip is None:
            raise DGTalkerError(f"The strip {name} was removed meanwhile.")
        own = strip_properties(strip)
        own.transcript, own.cues = transcript.words, transcript.cues
        lines = f"{transcript.lines} lines with times." if transcript.lines else "The words were read."
        self.report({"INFO"}, lines)


class ChooseTranscript(StripOperator, bpy.types.Operator):
    """Choose a text file of what the active strip says, or subtitles (.srt, .vtt, .ass) made for its sound file: then
    only the lines within the strip are read, with their times"""

    bl_idname = "dgtalker.choose_transcript"
    bl_label = "Read Transcript"

    filepath: bpy.props.StringProperty(subtype="FILE_PATH", options={"SKIP_SAVE"})
    filter_glob: bpy.props.StringProperty(
        default=";".join(f"*{suffix}" for suffix in transcripts.ENDINGS), options={"HIDDEN"}
    )

    def invoke(self, context: bpy.types.Context, event: bpy.types.Event) -> set[str]:
        context.window_manager.fileselect_add(self)
        return {"RUNNING_MODAL"}

    def execute(self, context: bpy.types.Context) -> set[str]:
        # The file browser calls only execute, which would make the window wait.
        ui.press(ReadTranscript, filepath=self.filepath)
        return {"FINISHED"}


CLASSES = (ReadTranscript, ChooseTranscript)
