"""What a sound strip knows of its speaker, `strip.dgtalker`, a speaker of its speech, `object.dgtalker_speech`, and a
timeline of our markers, `scene.dgtalker`.

They are read and written through `blender_addon.properties`, which knows their types.
"""

from __future__ import annotations

from typing import Any

import bpy

from dgtalker_engine.performance.stage_directions import tokens

from .keys import nods
from .take_properties import KeptTake, UsedTake
from .takes import live, words
from .timeline import settings, speakers
from .word_properties import SpokenWord


def _number(each: settings.Setting, update: Any, **more: Any) -> Any:
    options: dict[str, Any] = {"subtype": "FACTOR", **more}
    if each.unit == "TIME":
        options = {"subtype": "TIME_ABSOLUTE", "unit": "TIME_ABSOLUTE", "step": 1, "precision": 3, **more}
    return bpy.props.FloatProperty(
        name=each.label,
        description=each.description,
        default=each.default,
        min=each.least,
        max=each.most,
        options=set(),
        update=update,
        **options,
    )


def _style(name: str, **options: Any) -> Any:
    return bpy.props.FloatProperty(name=name.capitalize(), default=0.0, min=0.0, max=1.0, subtype="FACTOR", **options)


def _can_speak(properties: Any, ob: Any) -> bool:
    return speakers.is_speaker(ob) and bool(ob.users_scene)


def _can_nod_for(properties: Any, ob: Any) -> bool:
    return ob.type in nods.CARRIERS and bool(ob.users_scene)


def _can_be_looked_at(properties: Any, ob: Any) -> bool:
    return ob != properties.id_data and bool(ob.users_scene)


def _speaker_chosen(properties: Any, context: bpy.types.Context) -> None:
    properties.spoken_by = properties.speaker.name if properties.speaker else ""


def _transcript_typed(properties: Any, context: bpy.types.Context) -> None:
    if words.is_filling():
        return
    said = " ".join(word.text for word in properties.words)
    if tokens(properties.transcript) != tokens(said):
        properties.words_certain = False
    live.strip_changed(properties, context)  # stage directions act at once


def _word_chosen(properties: Any, context: bpy.types.Context) -> None:
    if 0 <= properties.active_word < len(properties.words):
        frame = words.frame_of(properties.words[properties.active_word], "start")
        context.scene.frame_set(max(0, round(frame)))


class StripPropertyGroup(bpy.types.PropertyGroup):
    """Who speaks a sound strip, and how. Changes show at once in what was animated; see `live`."""

    speaker: bpy.props.PointerProperty(
        name="Speaker",
        description="The head that speaks this strip, or any mesh whose shape keys have ARKit's names",
        type=bpy.types.Object,
        poll=_can_speak,
        update=_speaker_chosen,
    )
    spoken_by: bpy.props.StringProperty(options={"HIDDEN"})
    """The speaker's name when it was chosen: Blender pastes strips without the objects that they point to."""
    channel: bpy.props.EnumProperty(
        name="Channel",
        description="What the speaker says of a stereo recording. Of an interview with a microphone on each side, give "
        "each head a strip of the same sound, and the channel of its own microphone",
        items=[
            ("ALL", "All", "Everything that is heard"),
            ("LEFT", "Left", "The left channel only"),
            ("RIGHT", "Right", "The right channel only"),
        ],
        options=set(),
    )
    transcript: bpy.props.StringProperty(
        name="Transcript",
        description="The words of this strip, where they are known: the lips follow them more exactly. Stage "
        "directions count from where they stand: (angrily), (whispering), [pause]",
        options=set(),
        update=_transcript_typed,
    )
    cues: bpy.props.StringProperty(options={"HIDDEN"})
    """The subtitles that `transcript` was read from, as SubRip in the sound file's time."""
    words: bpy.props.CollectionProperty(type=SpokenWord)
    words_span: bpy.props.FloatVectorProperty(size=2, options=set())
    """Which seconds of the sound file they were found in."""
    words_sound: bpy.props.StringProperty(options=set())
    """Which sound that was, and how it was retimed; see `takes.words`."""
    words_certain: bpy.props.BoolProperty(options=set())
    """Whether somebody has corrected one of them: the transcript is what is said, and nothing else."""
    active_word: bpy.props.IntProperty(name="Word", options={"SKIP_SAVE"}, update=_word_chosen)
    kept_takes: bpy.props.CollectionProperty(type=KeptTake)
    active_take: bpy.props.IntProperty(name="Take", options={"SKIP_SAVE"})
    used_takes: bpy.props.CollectionProperty(type=UsedTake)
    seed: bpy.props.IntProperty(
        name="Take",
        description="Another number gives other blinks, looks, brows and head motion",
        min=0,
        max=9999,
        options=set(),
        update=live.strip_changed,
    )


StripPropertyGroup.__annotations__ |= {each.name: _number(each, live.strip_changed) for each in settings.NUMBERS} | {
    settings.PREFIX + name: _style(
        name, description=f"How {name} this strip is spoken", options=set(), update=live.strip_changed
    )
    for name in settings.STYLE_SLIDERS
}


class ControlName(bpy.types.PropertyGroup):
    """Which shape key of somebody's rig a control of ARKit's is; the control is its `name`."""

    shape_key: bpy.props.StringProperty(
        name="Shape Key",
        description="The shape key that this control moves; empty for none",
        options=set(),
        override={"LIBRARY_OVERRIDABLE"},
    )


class SpeakerPropertyGroup(bpy.types.PropertyGroup):
    """What a speaker keeps of its speech, so that amounts act without the engine."""

    take: bpy.props.StringProperty(options=set(), override={"LIBRARY_OVERRIDABLE"})
    """`Take.to_bytes` in base 64, since overrides end bytes at the first 0; empty where nothing was animated."""
    first: bpy.props.IntProperty(options=set(), override={"LIBRARY_OVERRIDABLE"})
    """The frame at which the take starts."""
    scene: bpy.props.StringProperty(options=set(), override={"LIBRARY_OVERRIDABLE"})
    """The name of the scene on whose timeline it was made; empty in earlier files. A pointer would take the scene along
    where the speaker is appended to another file."""
    heard: bpy.props.IntProperty(options=set(), override={"LIBRARY_OVERRIDABLE"})
    """How well the engine heard that made the take; see `takes.storage.HEARING`."""
    strips_hash: bpy.props.StringProperty(options=set(), override={"LIBRARY_OVERRIDABLE"})
    """Where the strips lay when the take was made; see `takes.storage`."""
    sounds: bpy.props.StringProperty(options=set(), override={"LIBRARY_OVERRIDABLE"})
    """Which sounds they had; see `timeline.sound_identity`. Empty in earlier files."""
    transcript_hash: bpy.props.StringProperty(options=set(), override={"LIBRARY_OVERRIDABLE"})
    """What was known of the words then."""
    manner_of: bpy.props.StringProperty(options=set(), override={"LIBRARY_OVERRIDABLE"})
    """The hash of the avatar in whose manner the take speaks; empty where it speaks as anybody does."""
    notes: bpy.props.StringProperty(options=set(), override={"LIBRARY_OVERRIDABLE"})
    """What the engine said of the take to the user, a sentence a line."""
    heard_lines: bpy.props.StringProperty(options=set(), override={"LIBRARY_OVERRIDABLE"})
    """What was heard of each line, in the take or earlier; see `takes.line_bank`."""
    placed_lines: bpy.props.StringProperty(options=set(), override={"LIBRARY_OVERRIDABLE"})
    """Where the lines lay from which the keys were made; see `takes.line_bank`."""
    settings_hash: bpy.props.StringProperty(options=set(), override={"LIBRARY_OVERRIDABLE"})
    """With which settings the keys were last written."""
    place: bpy.props.StringProperty(options=set(), override={"LIBRARY_OVERRIDABLE"})
    words: bpy.props.StringProperty(options=set(), override={"LIBRARY_OVERRIDABLE"})
    written: bpy.props.StringProperty(options=set(), override={"LIBRARY_OVERRIDABLE"})
    """The three hashes in files of the first release; see `takes.storage.NAMES_BEFORE`."""
    recording: bpy.props.StringProperty(options=set(), override={"LIBRARY_OVERRIDABLE"})
    """A performance that was recorded, an actor's or another program's; see `takes.recordings`."""
    recording_first: bpy.props.IntProperty(options=set(), override={"LIBRARY_OVERRIDABLE"})
    """The frame at which it starts."""
    mended: bpy.props.BoolProperty(options=set(), override={"LIBRARY_OVERRIDABLE"})
    """Whether lips are kept closed at P, B and M; see `contacts`."""
    turns: bpy.props.BoolProperty(
        name="Turn Object",
        description="Turn this object as a whole with the head's motion. For meshes that are a head and nothing else; "
        "a Gaussian head otherwise turns over its neck, and its shoulders stay",
        options=set(),
        override={"LIBRARY_OVERRIDABLE"},
        update=live.speaker_changed,
    )
    nod_target: bpy.props.PointerProperty(
        name="Nods Move",
        description="An Empty or an armature that the head hangs on: it turns with the head's motion instead",
        type=bpy.types.Object,
        poll=_can_nod_for,
        options=set(),
        override={"LIBRARY_OVERRIDABLE"},
        update=live.speaker_changed,
    )
    nod_bone: bpy.props.StringProperty(
        name="Bone",
        description="The bone of that armature that turns; empty: the armature as a whole",
        options=set(),
        override={"LIBRARY_OVERRIDABLE"},
        update=live.speaker_changed,
    )
    nodded: bpy.props.PointerProperty(type=bpy.types.Object, options=set(), override={"LIBRARY_OVERRIDABLE"})
    """The object other than the speaker itself whose keys turn it now, if that agrees; see `keys.nods.carrier`."""
    nods_for: bpy.props.PointerProperty(type=bpy.types.Object, options=set(), override={"LIBRARY_OVERRIDABLE"})
    """Of an Empty or an armature: the speaker whose nods its keys are. Copies of the speaker do not nod by it."""
    look_at: bpy.props.PointerProperty(
        name="Look At",
        description="The eyes of this head stay on that object, or on the eyes of that head, while it speaks",
        type=bpy.types.Object,
        poll=_can_be_looked_at,
        options=set(),
        override={"LIBRARY_OVERRIDABLE"},
        update=live.speaker_changed,
    )
    look_at_camera: bpy.props.BoolProperty(
        name="Eye Contact",
        description="Look into the scene's camera, in place of an object; markers that change the camera count",
        options=set(),
        override={"LIBRARY_OVERRIDABLE"},
        update=live.speaker_changed,
    )
    look_at_amount: bpy.props.FloatProperty(
        name="Amount",
        description="How much the eyes stay there: 0 they wander as in speech, 1 they never leave it. Key it to look "
        "up and away",
        default=1.0,
        min=0.0,
        max=1.0,
        subtype="FACTOR",
        override={"LIBRARY_OVERRIDABLE"},
        update=live.speaker_changed,
    )
    look_at_head: bpy.props.FloatProperty(
        name="Head",
        description="How much of the way the head turns; the eyes do the rest, and arrive first",
        default=0.4,
        min=0.0,
        max=1.0,
        subtype="FACTOR",
        options=set(),
        override={"LIBRARY_OVERRIDABLE"},
        update=live.speaker_changed,
    )
    reaction: bpy.props.FloatProperty(
        name="Reaction",
        description="How much this head listens while others speak: it looks at them, nods, blinks and takes part. "
        "0 not at all, 0.5 naturally, 1 lively",
        default=0.5,
        min=0.0,
        max=1.0,
        subtype="FACTOR",
        override={"LIBRARY_OVERRIDABLE"},
        update=live.speaker_changed,
    )
    listens: bpy.props.BoolProperty(options=set(), override={"LIBRARY_OVERRIDABLE"})
    """Whether it was animated since heads listen: opening a file of an earlier version changes nothing."""
    live: bpy.props.IntProperty(options=set())
    """The number of the Live that moves its sliders; see `live_lips`."""
    names: bpy.props.CollectionProperty(type=ControlName, override={"LIBRARY_OVERRIDABLE", "USE_INSERTION"})
    """Chosen by the user; empty where the shape keys' names say which they are."""
    own_manner: bpy.props.BoolProperty(
        name="Own Manner",
        description="Move the mouth as the person of this head does, as was learned from the video; otherwise as "
        "anybody would. Counts when you press Animate",
        default=True,
        options=set(),
        override={"LIBRARY_OVERRIDABLE"},
    )


SpeakerPropertyGroup.__annotations__ |= {
    name: _style(
        name,
        description=f"How {name} this speaker is, over time: key it to fade. Above 0, or keyed, it counts instead of "
        "the strips' own",
        override={"LIBRARY_OVERRIDABLE"},
        update=live.speaker_changed,
    )
    for name in settings.STYLE_SLIDERS
} | {
    settings.RECORDED + each.name: _number(each, live.speaker_changed, override={"LIBRARY_OVERRIDABLE"})
    for each in settings.RECORDED_NUMBERS
}


class ScenePropertyGroup(bpy.types.PropertyGroup):
    """What a timeline knows of our markers, and a shot of its frames."""

    markers: bpy.props.StringProperty(options=set())
    """Which we have put; see `timeline.markers`."""
    shot_range: bpy.props.IntVectorProperty(size=2, options=set())
    """The first and last frame that Talking Shot has set; see `shot.setup`."""


CLASSES = (ControlName, SpokenWord, KeptTake, UsedTake, StripPropertyGroup, SpeakerPropertyGroup, ScenePropertyGroup)


def add() -> None:
    strip: Any = bpy.types.Strip
    strip.dgtalker = bpy.props.PointerProperty(type=StripPropertyGroup)
    scene: Any = bpy.types.Scene
    scene.dgtalker = bpy.props.PointerProperty(type=ScenePropertyGroup)
    ob: Any = bpy.types.Object
    ob.dgtalker_speech = bpy.props.PointerProperty(type=SpeakerPropertyGroup, override={"LIBRARY_OVERRIDABLE"})
    keys = _keys()
    for owner in _animated():
        for name, property in keys.items():
            setattr(owner, name, property)


def _animated() -> list[Any]:
    return [bpy.types.Object, bpy.types.Key]


def _keys() -> dict[str, Any]:
    """The generated keys of a Key or an Object; see `keys.generated`. Copies of the datablock have it with them.

    No group: Blender 5 loses what an override holds of one that its library lacks, as those of the first release do.
    """
    overridable: Any = {"LIBRARY_OVERRIDABLE"}
    return {
        # `keys.ledger` as text
        "dgtalker_ledger": bpy.props.StringProperty(options=set(), override=overridable),
        # in which they were written
        "dgtalker_action": bpy.props.PointerProperty(type=bpy.types.Action, override=overridable),
        # the handle of its slot, which renaming and copying leave as it is
        "dgtalker_slot": bpy.props.IntProperty(options=set(), override=overridable),
        # whether the action was made for them
        "dgtalker_made": bpy.props.BoolProperty(options=set(), override=overridable),
    }


def remove() -> None:
    for owner in _animated():
        for name in _keys():
            delattr(owner, name)
    ob: Any = bpy.types.Object
    del ob.dgtalker_speech
    scene: Any = bpy.types.Scene
    del scene.dgtalker
    strip: Any = bpy.types.Strip
    del strip.dgtalker
