"""What a sound strip knows of its speaker, `strip.dgtalker`, and a speaker of its speech, `object.dgtalker_speech`."""

from __future__ import annotations

from typing import Any

import bpy

from .keys import live
from .timeline import settings, speakers


def _number(each: settings.Setting) -> Any:
    options: dict[str, Any] = {"subtype": "FACTOR"}
    if each.unit == "TIME":
        options = {"subtype": "TIME_ABSOLUTE", "unit": "TIME_ABSOLUTE", "step": 1, "precision": 3}
    return bpy.props.FloatProperty(
        name=each.label,
        description=each.description,
        default=each.default,
        min=each.least,
        max=each.most,
        options=set(),
        update=live.strip_changed,
        **options,
    )


def _mood(name: str, **options: Any) -> Any:
    return bpy.props.FloatProperty(name=name.capitalize(), default=0.0, min=0.0, max=1.0, subtype="FACTOR", **options)


class StripProperties(bpy.types.PropertyGroup):
    """Who speaks a sound strip, and how. Changes show at once in what was animated; see `live`."""

    speaker: bpy.props.PointerProperty(  # type: ignore[valid-type]
        name="Speaker",
        description="The head that speaks this strip, or any mesh whose shape keys have ARKit's names",
        type=bpy.types.Object,
        poll=lambda self, ob: speakers.is_speaker(ob) and bool(ob.users_scene),  # type: ignore
    )
    transcript: bpy.props.StringProperty(  # type: ignore[valid-type]
        name="Transcript",
        description="The words of this strip, where they are known: the lips follow them more exactly",
        options=set(),
    )
    cues: bpy.props.StringProperty(options={"HIDDEN"})  # type: ignore[valid-type]
    """The subtitles that `transcript` was read from, as SubRip in the sound file's time."""
    seed: bpy.props.IntProperty(  # type: ignore[valid-type]
        name="Take",
        description="Another number gives other blinks, looks, brows and head motion",
        min=0,
        max=9999,
        options=set(),
        update=live.strip_changed,
    )


StripProperties.__annotations__ |= {each.name: _number(each) for each in settings.NUMBERS} | {
    settings.PREFIX + name: _mood(
        name, description=f"How {name} this strip is spoken", options=set(), update=live.strip_changed
    )
    for name in settings.MOODS
}


class SpeakerProperties(bpy.types.PropertyGroup):
    """What a speaker keeps of its speech, so that amounts act without the engine."""

    take: bpy.props.StringProperty(options=set(), override={"LIBRARY_OVERRIDABLE"})  # type: ignore[valid-type]
    """`Take.to_bytes` in base 64, since overrides end bytes at the first 0; empty where nothing was animated."""
    first: bpy.props.IntProperty(options=set(), override={"LIBRARY_OVERRIDABLE"})  # type: ignore[valid-type]
    """The frame at which the take starts."""
    place: bpy.props.StringProperty(options=set(), override={"LIBRARY_OVERRIDABLE"})  # type: ignore[valid-type]
    """Where the strips lay when the take was made; see `directing.place`."""
    words: bpy.props.StringProperty(options=set(), override={"LIBRARY_OVERRIDABLE"})  # type: ignore[valid-type]
    """What was known of the words then."""
    written: bpy.props.StringProperty(options=set(), override={"LIBRARY_OVERRIDABLE"})  # type: ignore[valid-type]
    """With which settings the keys were last written."""
    mended: bpy.props.BoolProperty(options=set(), override={"LIBRARY_OVERRIDABLE"})  # type: ignore[valid-type]
    """Whether lips are kept closed at P, B and M; see `contacts`."""
    turns: bpy.props.BoolProperty(  # type: ignore[valid-type]
        name="Turn Object",
        description="Turn this object with the head's motion. For meshes that are a head and nothing else",
        options=set(),
        override={"LIBRARY_OVERRIDABLE"},
        update=live.speaker_changed,
    )


SpeakerProperties.__annotations__ |= {
    name: _mood(
        name,
        description=f"How {name} this speaker is, over time: key it to fade. Above 0, or keyed, it counts instead of "
        "the strips' own",
        override={"LIBRARY_OVERRIDABLE"},
        update=live.speaker_changed,
    )
    for name in settings.MOODS
}


def add() -> None:
    bpy.types.Strip.dgtalker = bpy.props.PointerProperty(type=StripProperties)  # type: ignore[attr-defined]
    bpy.types.Object.dgtalker_speech = bpy.props.PointerProperty(  # type: ignore[attr-defined]
        type=SpeakerProperties, override={"LIBRARY_OVERRIDABLE"}
    )


def remove() -> None:
    del bpy.types.Object.dgtalker_speech  # type: ignore[attr-defined]
    del bpy.types.Strip.dgtalker  # type: ignore[attr-defined]
