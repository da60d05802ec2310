"""What stands on the timeline: sound strips, who speaks them, when and whether they are audible. Reads only."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeGuard

import aud
import bpy

from dgtalker_engine.errors import DGTalkerError

from ... import animation_data
from ...properties import speaker_properties, strip_properties
from . import speakers
from .timing import EVER, Clock, Span

NEW_NAMES = "left_handle" in bpy.types.Strip.bl_rna.properties
"""Blender 5.2 renames the ends of a strip; the old names warn there."""


@dataclass(frozen=True)
class SoundStrip:
    """A sound strip as it plays.

    Attributes:
        strip: Blender's strip.
        span: when it plays, within the meta strips around it and from frame 0 on.
        muted: it, its channel or a meta strip around it is muted, or has a volume of 0.
    """

    strip: Any
    span: Span
    muted: bool

    @property
    def audible(self) -> bool:
        return not self.muted and not self.span.empty


def timeline(context: bpy.types.Context) -> bpy.types.Scene:
    """The scene whose strips are meant: the sequencer may show another scene than the 3D view (Blender 5).

    The one with strips that somebody speaks, where only one has some: the other's are music and effects.
    """
    scenes = [context.scene, getattr(context, "sequencer_scene", None)]
    if context.area and context.area.type == "SEQUENCE_EDITOR":
        scenes.reverse()
    heard = [scene for scene in scenes if scene and _every(scene)]
    if len(heard) > 1 and heard[0] != heard[1]:
        heard.sort(key=lambda scene: not speaking(scene))
    return heard[0] if heard else context.scene


def remembered(scene: bpy.types.Scene) -> Callable[[], bpy.types.Scene]:
    """A function that finds the scene again, for operators that wait: undo may have replaced or deleted it meanwhile.

    It raises DGTalkerError where the scene is gone.
    """
    number, name = scene.session_uid, scene.name

    def find() -> bpy.types.Scene:
        for other in bpy.data.scenes:
            if other.session_uid == number:
                return other
        raise DGTalkerError(f"The scene {name} was deleted meanwhile.")

    return find


def clock(scene: bpy.types.Scene) -> Clock:
    return Clock(scene.render.fps, scene.render.fps_base)


def sound_strips(scene: bpy.types.Scene) -> Iterator[SoundStrip]:
    """Every sound strip of a scene, those inside meta strips too."""
    editor = scene.sequence_editor
    if editor:
        keyed = {curve.data_path for curve in animation_data.active_curves(scene)}
        moved = keyed | animation_data.driven(scene) | animation_data.played_by_strips(scene)
        yield from _walk(editor.strips, editor.channels, EVER, False, moved)


def _walk(
    strips: Iterable[Any], channels: Any, around: Span, muted: bool, moved: Collection[str]
) -> Iterator[SoundStrip]:
    for strip in strips:
        span = ends(strip).clipped(around)
        off = muted or strip.mute or channels[strip.channel].mute or _silent(strip, moved)
        if strip.type == "META":
            yield from _walk(strip.strips, strip.channels, span, off, moved)
        elif strip.type == "SOUND":
            yield SoundStrip(strip, span, off)


def _silent(strip: Any, moved: Collection[str]) -> bool:
    """Whether a strip's volume is 0 and stays so; meta strips have one from Blender 5 on.

    Args:
        moved: the data paths of what keys, drivers and NLA strips move: its value is that of the current frame only.
    """
    return getattr(strip, "volume", 1.0) == 0.0 and not (moved and strip.path_from_id("volume") in moved)


def ends(strip: Any) -> Span:
    """When a strip plays, meta strips around it apart."""
    if NEW_NAMES:
        return Span(strip.left_handle, strip.right_handle)
    return Span(strip.frame_final_start, strip.frame_final_end)


def speaker(strip: Any) -> bpy.types.Object | None:
    """Who speaks a strip. Blender keeps a deleted object while a strip names it: that is no speaker."""
    head = _named(strip)
    return head if _speaks(head) else None


def _named(strip: Any) -> bpy.types.Object | None:
    """What a strip names as its speaker: Blender pastes strips without the objects that they point to."""
    own = strip_properties(strip)
    return own.speaker or (bpy.data.objects.get(own.spoken_by) if own.spoken_by else None)


def _speaks(head: bpy.types.Object | None) -> TypeGuard[bpy.types.Object]:
    return speakers.is_speaker(head) and bool(head.users_scene)


def _every(scene: bpy.types.Scene) -> list[Any]:
    """Blender's sound strips of a scene, without when they play: panels ask for them in each redraw."""
    editor = scene.sequence_editor
    return [strip for strip in editor.strips_all if strip.type == "SOUND"] if editor else []


def strips_of(scene: bpy.types.Scene, head: bpy.types.Object) -> list[SoundStrip]:
    """A head's sound strips, muted ones too."""
    return [sound for sound in sound_strips(scene) if speaker(sound.strip) == head]


def audible_of(scene: bpy.types.Scene, head: bpy.types.Object) -> list[SoundStrip]:
    """A head's sound strips that are audible, by when they start."""
    return sorted((sound for sound in strips_of(scene, head) if sound.audible), key=lambda sound: sound.span.start)


def without_speaker(scene: bpy.types.Scene) -> list[Any]:
    """Blender's sound strips that no head speaks."""
    every = [(strip, _named(strip)) for strip in _every(scene)]
    heads = {head for head in {head for _, head in every} if _speaks(head)}
    return [strip for strip, head in every if head not in heads]


def spoken(scene: bpy.types.Scene) -> list[tuple[Any, bpy.types.Object]]:
    """Blender's sound strips of a scene that heads speak, and who does."""
    every = [(strip, speaker(strip)) for strip in _every(scene)]
    return [(strip, head) for strip, head in every if head is not None]


def speaking(scene: bpy.types.Scene, audible_only: bool = False) -> list[bpy.types.Object]:
    """The heads with sound strips (that are audible, if asked), by name."""
    heard = (sound.strip for sound in sound_strips(scene) if sound.audible) if audible_only else _every(scene)
    heads = {_named(strip) for strip in heard}
    return sorted(filter(_speaks, heads), key=lambda head: head.name_full)


def animated(scene: bpy.types.Scene) -> list[bpy.types.Object]:
    """The speakers of a scene's strips that keep a take."""
    return [head for head in speaking(scene) if speaker_properties(head).take]


def active(context: bpy.types.Context) -> Any:
    """The sound strip whose settings the panel shows, or None."""
    editor = timeline(context).sequence_editor
    strip = editor.active_strip if editor else None
    return strip if strip and strip.type == "SOUND" else None


def problem(strip: Any) -> str:
    """Why the sound of a strip cannot be read, or an empty string; cheap enough for drawing."""
    sound = strip.sound
    if sound is None:
        return f"The strip {strip.name} has no sound."
    if sound.packed_file is None and not file_of(sound).is_file():
        return f"The sound file of the strip {strip.name} is missing: {file_of(sound)}."
    return ""


def file_of(sound: bpy.types.Sound) -> Path:
    return Path(bpy.path.abspath(sound.filepath, library=sound.library))


def content(strip: Any) -> tuple[float, float]:
    """The frame, and further seconds, at which the whole sound of a strip starts."""
    return strip.content_start if NEW_NAMES else strip.frame_start, round(strip.sound_offset, 6)


def played(strip: Any) -> tuple[str, float]:
    """Which sound a strip plays: the name of its file, wherever that lies, and how many frames it lasts."""
    name = Path(strip.sound.filepath.replace("\\", "/")).name if strip.sound else ""
    return name, strip.content_duration if NEW_NAMES else strip.frame_duration


def file_start(scene: bpy.types.Scene, strip: Any) -> float:
    """The frame, whole or not, at which a strip's whole sound starts, heard or trimmed away."""
    start, offset = content(strip)
    return start + clock(scene).frames(offset)


def played_seconds(scene: bpy.types.Scene, strip: Any) -> Span:
    """The part of its sound file that a strip plays; seconds."""
    start, span = file_start(scene, strip), ends(strip)
    return Span(clock(scene).seconds(span.start - start), clock(scene).seconds(span.end - start))


def sample_rate(strip: Any) -> int:
    """The sample rate of a strip's sound.

    Raises:
        DGTalkerError: the sound is missing or is in no format that Blender reads.
    """
    missing = problem(strip)
    if missing:
        raise DGTalkerError(missing, "Find it with File ▸ External Data ▸ Find Missing Files, or mute the strip.")
    if strip.sound.packed_file is not None and strip.sound.samplerate > 0:
        return int(strip.sound.samplerate)
    try:
        rate = int(aud.Sound(str(file_of(strip.sound))).specs[0])  # type: ignore (its stub takes no arguments)
    except aud.error as error:  # type: ignore (its stub is no exception)
        raise DGTalkerError(
            f"Blender cannot read the sound of the strip {strip.name}: {file_of(strip.sound)} ({error}).",
            "Save it as WAV, FLAC or MP3, or mute the strip.",
        ) from error  # type: ignore (as above)
    return rate
