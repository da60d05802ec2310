"""The generated clips of one datablock: each an action of its own on an NLA track of its own."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any, Literal

import bpy
import numpy as np


@dataclass(frozen=True)
class Layer:
    """A kind of generated clip.

    Attributes:
        track: the name of a new track.
        mark: custom property of generated actions. Tracks are known by it, whatever their names.
        blend: how the clip joins what lies below.
        bottom: whether it lies below all the animator's tracks, or above.
    """

    track: str
    mark: str
    blend: Literal["REPLACE", "ADD"]
    bottom: bool


SPEECH = Layer("Speech", "dgtalker_speech", "REPLACE", True)
CONTACTS = Layer("Lip Contacts", "dgtalker_contacts", "ADD", False)

ANIMATION = bpy.types.AnimData | None
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
class Clip:
    track: bpy.types.NlaTrack
    strip: bpy.types.NlaStrip

    @property
    def action(self) -> bpy.types.Action:
        return self.strip.action  # type: ignore[return-value]


def find(owner: bpy.types.ID, layer: Layer = SPEECH) -> Clip | None:
    """The generated clip of a datablock on a layer."""
    animation: ANIMATION = owner.animation_data  # type: ignore[attr-defined]
    for track in animation.nla_tracks if animation else ():
        for strip in track.strips:
            if strip.action and strip.action.get(layer.mark):
                return Clip(track, strip)
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
    """Writes the clip of a datablock over the frames `first` to `last`, in place of what was generated before.

    Nothing else of the datablock's animation changes. Speech, below the animator's tracks and action and REPLACE with
    HOLD, is what she sees wherever she has no keys of her own.

    Args:
        owner: a Key or an Object.
        name: of the action, where it is new.
        viewer: the object through which the animation editors show `owner`.

    Returns:
        False where the new track could not be put below the animator's.
    """
    clip = find(owner, layer)
    animation = owner.animation_data or owner.animation_data_create()  # type: ignore[attr-defined]
    action = clip.action if clip and _only_here(clip.action) else bpy.data.actions.new(name)
    action[layer.mark] = True
    slot = next((slot for slot in action.slots if slot.target_id_type == owner.id_type), None)
    slot = slot or action.slots.new(owner.id_type, owner.name)
    _write_curves(_channelbag(action, slot), first, curves)
    lowest = True
    if clip is None:
        track = animation.nla_tracks.new()
        track.name = layer.track
        clip = Clip(track, track.strips.new(layer.track, first, action))
        lowest = not layer.bottom or _move_to_bottom(track, animation, viewer)
    strip = clip.strip
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
    found: list[tuple[str, int]] = []
    while clip := find(owner, layer):
        action = clip.action
        found += moved(clip)
        tracks = owner.animation_data.nla_tracks  # type: ignore[attr-defined]
        clip.track.strips.remove(clip.strip)
        if not clip.track.strips:
            tracks.remove(clip.track)
        if not action.users:
            bpy.data.actions.remove(action)
    owner.update_tag()
    return found


def moved(clip: Clip) -> list[tuple[str, int]]:
    """The data paths and array indices that a clip moves."""
    action = clip.action
    bags = [_channelbag(action, slot) for slot in action.slots]
    return [(curve.data_path, curve.array_index) for bag in bags for curve in bag.fcurves]


def driven(owner: bpy.types.ID) -> set[str]:
    """The data paths that drivers move."""
    animation: ANIMATION = owner.animation_data  # type: ignore[attr-defined]
    return {driver.data_path for driver in animation.drivers} if animation else set()


def active_curves(owner: bpy.types.ID) -> list[bpy.types.FCurve]:
    """The curves of the action that the animator works on."""
    animation: ANIMATION = owner.animation_data  # type: ignore[attr-defined]
    if not animation or not animation.action or not animation.action_slot or not animation.action.layers:
        return []
    return list(_channelbag(animation.action, animation.action_slot).fcurves)


def tweaked(owner: bpy.types.ID) -> bool:
    """Whether the animator is inside an NLA strip, where tracks and actions must not change."""
    animation: ANIMATION = owner.animation_data  # type: ignore[attr-defined]
    return bool(animation and animation.use_tweak_mode)


def _only_here(action: bpy.types.Action) -> bool:
    """False where a duplicated head or a take uses the action too: rewriting it would change that as well."""
    return action.library is None and action.users - action.use_fake_user <= 1


def _channelbag(action: bpy.types.Action, slot: bpy.types.ActionSlot) -> Any:
    """The curves of a slot; made where they are missing."""
    layer = action.layers[0] if action.layers else action.layers.new("Layer")
    strip = layer.strips[0] if layer.strips else layer.strips.new(type="KEYFRAME")
    return strip.channelbag(slot, ensure=True)  # type: ignore[attr-defined]


def _write_curves(bag: Any, first: int, curves: Curves) -> None:
    """A key on every frame, so linear is exact on the frames, smooth enough between them and never overshoots."""
    options = bpy.types.Keyframe.bl_rna.properties
    linear = options["interpolation"].enum_items["LINEAR"].value  # type: ignore[attr-defined]
    rounded = options["handle_left_type"].enum_items["AUTO_CLAMPED"].value  # type: ignore[attr-defined]
    for curve in list(bag.fcurves):
        if (curve.data_path, curve.array_index) not in curves:
            bag.fcurves.remove(curve)
    present = {(curve.data_path, curve.array_index): curve for curve in bag.fcurves}
    for (path, index), values in curves.items():
        curve = present.get((path, index)) or bag.fcurves.new(path, index=index)
        points = curve.keyframe_points
        places = np.empty((len(values), 2), np.float32)
        places[:, 0] = np.arange(first, first + len(values))
        places[:, 1] = values
        if len(points) != len(values):
            points.clear()
            points.add(len(values))
            points.foreach_set("interpolation", np.full(len(values), linear, np.int32))
            for side in ("handle_left_type", "handle_right_type"):
                points.foreach_set(side, np.full(len(values), rounded, np.int32))
        points.foreach_set("co", places.ravel())
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
    filters = area.spaces.active.dopesheet  # type: ignore[union-attr]
    shown = {name: getattr(filters, name) for name in SHOW_EVERYTHING}
    selected = [(other, other.select) for other in _all_tracks()]
    try:
        for name, value in SHOW_EVERYTHING.items():
            setattr(filters, name, value)
        for other, _ in selected:
            other.select = other == track
        region = next(region for region in area.regions if region.type == "WINDOW")
        with bpy.context.temp_override(window=window, screen=window.screen, area=area, region=region):  # type: ignore
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
