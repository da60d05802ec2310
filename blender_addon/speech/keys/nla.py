"""The generated NLA strips of one datablock: each with an action of its own on a track of its own."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any, Literal

import bpy
import numpy as np

from ... import animation_data


@dataclass(frozen=True)
class Layer:
    """A kind of generated strip.

    Attributes:
        track: the name of a new track.
        mark: custom property of generated actions. Tracks are known by it, whatever their names.
        blend: how the strip joins what lies below.
        bottom: whether it lies below all the animator's tracks, or above.
    """

    track: str
    mark: str
    blend: Literal["REPLACE", "ADD"]
    bottom: bool


SPEECH = Layer("Speech", "dgtalker_speech", "REPLACE", True)
CONTACTS = Layer("Lip Contacts", "dgtalker_contacts", "ADD", False)

SHOW_EVERYTHING = {
    "show_only_selected": False,
    "show_hidden": True,
    "show_meshes": True,
    "show_shapekeys": True,
    "filter_text": "",
    "filter_collection": None,
}
"""Filters of an NLA editor."""

Curves = Mapping[tuple[str, int], np.ndarray]
"""For each data path and array index the values, float32 (frames,), or (1,) for one that stays."""


@dataclass(frozen=True)
class GeneratedStrip:
    """An NLA strip that we made, the track on which it lies, and its action."""

    track: bpy.types.NlaTrack
    strip: bpy.types.NlaStrip
    action: bpy.types.Action


def find(owner: bpy.types.ID, layer: Layer = SPEECH) -> GeneratedStrip | None:
    """The generated strip of a datablock on a layer."""
    animation = animation_data.of(owner)
    for track in animation.nla_tracks if animation else ():
        for strip in track.strips:
            if strip.action and strip.action.get(layer.mark):
                return GeneratedStrip(track, strip, strip.action)
    return None


def write(
    owner: bpy.types.ID,
    name: str,
    first: int,
    last: int,
    curves: Curves,
    viewer: bpy.types.Object,
    layer: Layer = SPEECH,
) -> bool:
    """Writes the generated strip of a datablock over the frames `first` to `last`, in place of the one before.

    Nothing else of the datablock's animation changes. Speech, below the animator's tracks and action and REPLACE with
    HOLD, is what she sees wherever she has no keys of her own.

    Args:
        owner: a Key or an Object.
        name: of the action, where it is new.
        viewer: the object through which the animation editors show `owner`.

    Returns:
        False where the new track could not be put below the animator's.
    """
    generated = find(owner, layer)
    animation = animation_data.ensured(owner)
    action = generated.action if generated and _only_here(generated.action) else bpy.data.actions.new(name)
    action[layer.mark] = True
    slot = next((slot for slot in action.slots if slot.target_id_type == owner.id_type), None)
    slot = slot or action.slots.new(owner.id_type, owner.name)
    _write_curves(animation_data.channelbag(action, slot), first, curves)
    lowest = True
    if generated is None:
        track = animation.nla_tracks.new()
        track.name = layer.track
        strip = track.strips.new(layer.track, first, action)
        lowest = not layer.bottom or _move_to_bottom(track, animation, viewer)
    else:
        strip = generated.strip
    strip.action = action
    strip.action_slot = slot
    strip.extrapolation = "HOLD"
    strip.blend_type = layer.blend
    strip.use_sync_length = False
    strip.action_frame_start = first
    strip.action_frame_end = last
    strip.repeat = strip.scale = 1.0
    strip.frame_start_raw = first
    strip.frame_end_raw = last
    owner.update_tag()
    return lowest


def remove(owner: bpy.types.ID, layer: Layer = SPEECH) -> list[tuple[str, int]]:
    """Removes what was generated on a layer, and returns the data paths and array indices that it moved."""
    paths: list[tuple[str, int]] = []
    while generated := find(owner, layer):
        paths += moved(generated)
        generated.track.strips.remove(generated.strip)
        if not generated.track.strips:
            animation_data.ensured(owner).nla_tracks.remove(generated.track)
        if not generated.action.users:
            bpy.data.actions.remove(generated.action)
    owner.update_tag()
    return paths


def moved(generated: GeneratedStrip) -> list[tuple[str, int]]:
    """The data paths and array indices that a generated strip moves."""
    bags = [animation_data.channelbag(generated.action, slot) for slot in generated.action.slots]
    return [(curve.data_path, curve.array_index) for bag in bags for curve in bag.fcurves]


def _only_here(action: bpy.types.Action) -> bool:
    """False where a duplicated head or a take uses the action too: rewriting it would change that as well."""
    return action.library is None and action.users - action.use_fake_user <= 1


def _write_curves(bag: Any, first: int, curves: Curves) -> None:
    """A key on every frame, so linear is exact on the frames, smooth enough between them and never overshoots."""
    options: Any = bpy.types.Keyframe.bl_rna.properties
    linear = options["interpolation"].enum_items["LINEAR"].value
    rounded = options["handle_left_type"].enum_items["AUTO_CLAMPED"].value
    for curve in list(bag.fcurves):
        if (curve.data_path, curve.array_index) not in curves:
            bag.fcurves.remove(curve)
    present = {(curve.data_path, curve.array_index): curve for curve in bag.fcurves}
    for (path, index), values in curves.items():
        curve = present.get((path, index)) or bag.fcurves.new(path, index=index)
        points = curve.keyframe_points
        coordinates = np.empty((len(values), 2), np.float32)
        coordinates[:, 0] = np.arange(first, first + len(values))
        coordinates[:, 1] = values
        if len(points) != len(values):
            points.clear()
            points.add(len(values))
            points.foreach_set("interpolation", np.full(len(values), linear, np.int32))
            for side in ("handle_left_type", "handle_right_type"):
                points.foreach_set(side, np.full(len(values), rounded, np.int32))
        points.foreach_set("co", coordinates.ravel())
        curve.update()


def _move_to_bottom(track: bpy.types.NlaTrack, animation: bpy.types.AnimData, viewer: bpy.types.Object) -> bool:
    """Moves a track below the others of its datablock; False where no window shows the scene of `viewer`.

    Python can only append tracks. The NLA editor can move them, so the least used area of the window becomes one for
    a moment; it moves every selected track that it shows, so none but this one is selected.
    """
    if len(animation.nla_tracks) == 1:
        return True
    window = next((each for each in bpy.context.window_manager.windows if each.scene in viewer.users_scene), None)
    if window is None:
        return False
    area = min(
        window.screen.areas,
        key=lambda area: (area.type != "NLA_EDITOR", area == bpy.context.area, area.width * area.height),
    )
    usual = area.ui_type
    area.type = "NLA_EDITOR"
    editor: Any = area.spaces.active
    filters = editor.dopesheet
    shown = {name: getattr(filters, name) for name in SHOW_EVERYTHING}
    selected = [(other, other.select) for other in _all_tracks()]
    try:
        for name, value in SHOW_EVERYTHING.items():
            setattr(filters, name, value)
        for other, _ in selected:
            other.select = other == track
        region = next(region for region in area.regions if region.type == "WINDOW")
        override = bpy.context.temp_override(window=window, screen=window.screen, area=area, region=region)
        with override:  # type: ignore (its stub is no context manager)
            bpy.ops.anim.channels_move(direction="BOTTOM")
    finally:
        for other, select in selected:
            other.select = select
        for name, value in shown.items():
            setattr(filters, name, value)
        area.ui_type = usual
    return animation.nla_tracks[0] == track


def _all_tracks() -> Iterator[bpy.types.NlaTrack]:
    """Every NLA track of the file."""
    for group in bpy.data.bl_rna.properties:
        for owner in getattr(bpy.data, group.identifier) if group.type == "COLLECTION" else ():
            for part in (owner, getattr(owner, "node_tree", None)):
                animation = getattr(part, "animation_data", None)
                yield from animation.nla_tracks if animation else ()
