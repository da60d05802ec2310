"""What DGTalker keeps on Blender's objects and strips, with its types: every room reads and writes it through here.

Blender declares properties as annotations that are calls, which tell a type checker nothing; and they hang on Blender's
own classes, whose stubs don't know them. The groups themselves are declared in `head.properties` and
`speech.properties`, for each name below one property.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Protocol

if TYPE_CHECKING:
    import bpy


class PropertyGroup(Protocol):
    """What every group of properties can do."""

    bl_rna: Any

    def path_from_id(self, property: str) -> str: ...
    def property_unset(self, property: str) -> None: ...
    def is_property_set(self, property: str) -> bool: ...


class HeadProperties(PropertyGroup, Protocol):
    """A head's avatar: `object.dgtalker`."""

    avatar: bpy.types.Image | None
    avatar_hash: str
    rig: str
    consent: str
    licence: str
    training: str
    scene_light: float


class SpeakerProperties(PropertyGroup, Protocol):
    """What a speaker keeps of its speech: `object.dgtalker_speech`. Styles are read by their names."""

    take: str
    first: int
    scene: str
    heard: int
    strips_hash: str
    sounds: str
    transcript_hash: str
    settings_hash: str
    place: str
    words: str
    written: str
    recording: str
    recording_first: int
    mended: bool
    turns: bool
    nod_target: bpy.types.Object | None
    nod_bone: str
    nodded: bpy.types.Object | None
    nods_for: bpy.types.Object | None
    look_at: bpy.types.Object | None
    look_at_camera: bool
    look_at_amount: float
    look_at_head: float
    reaction: float
    listens: bool
    live: int
    own_manner: bool
    manner_of: str
    notes: str
    heard_lines: str
    placed_lines: str
    names: Any


class KeysProperties(Protocol):
    """What a Key or an Object knows of its generated keys."""

    dgtalker_ledger: str
    dgtalker_action: bpy.types.Action | None
    dgtalker_slot: int
    dgtalker_made: bool


class StripProperties(PropertyGroup, Protocol):
    """Who speaks a sound strip, and how: `strip.dgtalker`. Settings are read by their names."""

    speaker: bpy.types.Object | None
    spoken_by: str
    channel: str
    transcript: str
    cues: str
    words: Any
    words_span: tuple[float, float]
    words_sound: str
    words_certain: bool
    active_word: int
    kept_takes: Any
    active_take: int
    used_takes: Any
    seed: int


class SceneProperties(PropertyGroup, Protocol):
    """What a timeline knows of our markers, and a shot of its frames: `scene.dgtalker`."""

    markers: str
    shot_range: tuple[int, int]


def original_of(ob: bpy.types.Object) -> bpy.types.Object:
    """The object itself where `ob` is what the depsgraph made of it, else `ob`."""
    original: Any = ob.original
    return original


def head_properties(ob: bpy.types.Object) -> HeadProperties:
    """Any object has them; `head.model.is_head` says of which they mean something."""
    owner: Any = ob
    return owner.dgtalker


def speaker_properties(ob: bpy.types.Object) -> SpeakerProperties:
    """Any object has them; `speech.timeline.speakers.is_speaker` says of which they mean something."""
    owner: Any = ob
    return owner.dgtalker_speech


def keys_properties(owner: bpy.types.ID) -> KeysProperties:
    """Keys and Objects have them."""
    animated: Any = owner
    return animated


def strip_properties(strip: bpy.types.Strip) -> StripProperties:
    """Any strip has them; they mean something on sound strips."""
    owner: Any = strip
    return owner.dgtalker


def scene_properties(scene: bpy.types.Scene) -> SceneProperties:
    owner: Any = scene
    return owner.dgtalker
