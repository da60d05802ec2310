"""Reading the transcript of a strip from a file."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import bpy

from dgtalker_engine.errors import DGTalkerError
from dgtalker_engine.performance import transcripts

from ... import ui
from ...properties import strip_properties
from ..timeline import strips, subtitles


class ReadTranscript(ui.ExplainedOperator, bpy.types.Operator):
    """Read what the active strip says from a text file, or from subtitles (.srt, .vtt) made for its sound file:
    then only the lines within the strip, with their times"""

    bl_idname = "dgtalker.read_transcript"
    bl_label = "Read Transcript"
    bl_options = {"REGISTER", "UNDO"}

    filepath: bpy.props.StringProperty(subtype="FILE_PATH", options={"SKIP_SAVE"})
    filter_glob: bpy.props.StringProperty(
        default=";".join(f"*{suffix}" for suffix in transcripts.ENDINGS), options={"HIDDEN"}
    )

    @classmethod
    def disabled_reason(cls, context: bpy.types.Context) -> str:
        return "" if strips.active(context) else "Choose a sound strip in the list first."

    def invoke(self, context: bpy.types.Context, event: bpy.types.Event) -> set[str]:
        context.window_manager.fileselect_add(self)
        return {"RUNNING_MODAL"}

    def execute(self, context: bpy.types.Context) -> set[str]:
        strip = strips.active(context)
        try:
            count = read_into(strips.timeline(context), strip, Path(bpy.path.abspath(self.filepath)))
        except DGTalkerError as error:
            return ui.report(self, error)
        self.report({"INFO"}, f"{count} lines with times." if count else "The words were read.")
        return {"FINISHED"}


def read_into(scene: bpy.types.Scene, strip: Any, path: Path) -> int:
    """Reads a transcript into a strip's settings, and returns how many lines with times it has.

    Raises:
        DGTalkerError: the file cannot be read, or none of its lines lies within the strip; nothing was changed.
    """
    text = transcripts.read_transcript(path)
    own = strip_properties(strip)
    if not transcripts.cues(text):
        words = " ".join(text.split())
        if not words or "-->" in words:
            raise DGTalkerError(f"The transcript {path.name} holds no words.")
        own.transcript, own.cues = words, ""
        return 0
    lines = subtitles.within(text, strips.played_seconds(scene, strip))
    if not lines:
        raise DGTalkerError(
            f"No line of {path.name} lies within the strip {strip.name}.",
            "Its times are counted from the start of the strip's sound file.",
        )
    begin = strips.played_seconds(scene, strip).start
    own.transcript, own.cues = subtitles.joined(lines), subtitles.written(subtitles.moved(lines, begin))
    return len(lines)


CLASSES = (ReadTranscript,)
