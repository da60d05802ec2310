"""Adding a sound to the timeline, as a strip that somebody speaks."""

from __future__ import annotations

import contextlib
from pathlib import Path
from typing import Any

import aud
import bpy

from dgtalker_engine.errors import DGTalkerError

from ...properties import strip_properties
from . import strips

SOUND_ENDINGS = ("wav", "mp3", "flac", "ogg", "oga", "opus", "m4a", "aac", "aif", "aiff", "wma", "ac3")
ENDINGS = (*SOUND_ENDINGS, "mp4", "mov", "mkv", "webm", "avi", "m4v")
"""What file browsers show; Blender reads whatever FFmpeg does, and the sound of videos too."""


def target(context: bpy.types.Context) -> bpy.types.Scene:
    """The scene to whose timeline a sound is added: where heads speak already, or else the 3D view's."""
    timeline = strips.timeline(context)
    return timeline if strips.speaking(timeline) else context.scene


def disabled_reason(context: bpy.types.Context) -> str:
    """Why no sound can be added; empty when one can."""
    scene = target(context)
    return "" if scene.is_editable else f"The scene {scene.name} is linked from another file."


def add_sound(
    context: bpy.types.Context,
    path: str,
    head: bpy.types.Object | None,
    frame: int | None = None,
    scene: bpy.types.Scene | None = None,
) -> Any:
    """Adds a sound strip, on the lowest channel that is free there, and makes it the active one.

    Args:
        path: of the file.
        head: who speaks it; None for nobody yet.
        frame: where it starts; None: the current one.
        scene: whose strip it will be; None: `target`.

    Raises:
        DGTalkerError: the file is missing, or Blender reads no sound in it; nothing was added.
    """
    _check(path)
    scene = scene or target(context)
    editor = scene.sequence_editor_create()
    top = max((strip.channel for strip in editor.strips), default=0) + 1
    frame = context.scene.frame_current if frame is None else frame
    strip: Any = editor.strips.new_sound(Path(path).stem, path, channel=top, frame_start=frame)
    _lower(editor, strip)
    if bpy.data.filepath and context.preferences.filepaths.use_relative_paths:
        with contextlib.suppress(ValueError):  # Windows: on another disk
            strip.sound.filepath = bpy.path.relpath(path)
    strip_properties(strip).speaker = head
    for other in editor.strips_all:
        other.select = other == strip
    editor.active_strip = strip
    return strip


def _check(path: str) -> None:
    if not Path(path).is_file():
        raise DGTalkerError(f"The sound {path} is not there.", "Choose another file.")
    try:
        _specs = aud.Sound(path).specs  # type: ignore (its stub takes no arguments; nothing is read before)
    except aud.error as error:  # type: ignore (its stub is no exception)
        raise DGTalkerError(
            f"Blender reads no sound in {Path(path).name} ({error}).", "Save it as WAV, FLAC or MP3."
        ) from error  # type: ignore (as above)


def _lower(editor: Any, strip: Any) -> None:
    """To the lowest channel that is heard and not locked, and on which nothing else plays meanwhile."""
    own = strips.ends(strip)
    taken = {other.channel for other in editor.strips if other != strip and not strips.ends(other).clipped(own).empty}
    off = {number for number, channel in enumerate(editor.channels) if channel.mute or channel.lock}
    free = (channel for channel in range(1, len(editor.channels)) if channel not in taken | off)
    strip.channel = next(free, strip.channel)


def shown_elsewhere(context: bpy.types.Context) -> bpy.types.Scene | None:
    """The other scene whose strips the sequencer shows (Blender 5), where what speaks here would not be seen."""
    shown = getattr(context, "sequencer_scene", None)
    return shown if shown is not None and shown != target(context) else None


def is_empty(scene: bpy.types.Scene) -> bool:
    """Whether a scene has no strips."""
    return scene.sequence_editor is None or not len(scene.sequence_editor.strips)


def show_timeline(context: bpy.types.Context) -> None:
    """Lets the sequencer show the strips of the scene to which sounds are added; before Blender 5 it always does."""
    workspace: Any = context.workspace
    if workspace is not None and hasattr(workspace, "sequencer_scene"):
        workspace.sequencer_scene = target(context)


def follow(context: bpy.types.Context) -> str:
    """Lets the sequencer show what was just added, unless it shows the strips of another scene: then says so."""
    workspace: Any = context.workspace
    if workspace is None or not hasattr(workspace, "sequencer_scene"):
        return ""
    shown = workspace.sequencer_scene
    if shown is None or is_empty(shown):
        workspace.sequencer_scene = target(context)
    elif shown != target(context):
        return f"The sequencer shows the scene {shown.name}: choose {target(context).name} in its header to see it."
    return ""
