"""In which action and slot the generated keys of a datablock lie."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace

import bpy
import numpy as np

from ... import animation_data
from ...properties import keys_properties
from . import key_points, ledger, put_away
from .ledger import Ledger
from .merge import TOLERANCE


@dataclass(frozen=True)
class Place:
    """An action's slot, and the NLA strip through which it plays, with its track; None for the active action."""

    action: bpy.types.Action
    slot: bpy.types.ActionSlot
    strip: bpy.types.NlaStrip | None = None
    track: bpy.types.NlaTrack | None = None

    def curves(self) -> dict[ledger.Path, bpy.types.FCurve]:
        """What is there, by data path and array index."""
        bags = [bag for bag in animation_data.channelbags(self.action) if bag.slot_handle == self.slot.handle]
        return {(curve.data_path, curve.array_index): curve for bag in bags for curve in bag.fcurves}

    def bag(self) -> bpy.types.ActionChannelbag:
        """The curves of the slot, to write to."""
        return animation_data.channelbag(self.action, self.slot)


def ledger_of(owner: bpy.types.ID) -> Ledger:
    """What is remembered of a datablock's generated keys.

    Raises:
        DGTalkerError: it is damaged.
    """
    return ledger.from_text(keys_properties(owner).dgtalker_ledger)


def of(owner: bpy.types.ID) -> Place | None:
    """Where the generated keys of a datablock play: its active action, or one that was pushed down into its NLA.

    A copy of the action counts as well: the keys tell. None where there are none, or another action was assigned.
    """
    known = ledger_of(owner)
    if not known.curves:
        return None
    for place in _played(owner):
        if _holds(place, known, by_value=not is_recorded(owner, place.action, place.slot)):
            return place
    return None


def is_recorded(owner: bpy.types.ID, action: bpy.types.Action | None, slot: bpy.types.ActionSlot | None) -> bool:
    """Whether this is where the generated keys of a datablock were written."""
    if action is None or slot is None:
        return False
    noted = keys_properties(owner)
    return action == noted.dgtalker_action and slot.handle == noted.dgtalker_slot


def assign_recorded(owner: bpy.types.ID) -> None:
    """Makes what the generated keys of a datablock were written in its active action and slot."""
    animation, noted = animation_data.ensured(owner), keys_properties(owner)
    animation.action = noted.dgtalker_action
    written = (slot for slot in animation.action_suitable_slots if slot.handle == noted.dgtalker_slot)
    slot = next(written, animation.action_slot)
    if slot is not None:
        animation.action_slot = slot


def ensured(owner: bpy.types.ID, name: str, notes: list[str]) -> tuple[Place, Ledger]:
    """Where the keys of a datablock are to be written, made where there is nothing yet, and what is remembered of it.

    Nothing of it plays elsewhere: an action that others use, or that is linked, is replaced by a copy.

    Args:
        name: of the action, where it is new; also for people.
        notes: gets sentences for the user.
    """
    animation, noted = animation_data.ensured(owner), keys_properties(owner)
    place, known = of(owner), ledger_of(owner)
    if place is None:
        former = noted.dgtalker_action if known.curves else None
        if animation.action is None and former is not None:
            assign_recorded(owner)
        made = animation.action is None
        place = _active(owner, name)
        same = is_recorded(owner, place.action, place.slot)
        if former is not None and not same:
            former.use_fake_user = True
            notes.append(f"The speech that {name} had before stays in the action {former.name}.")
        if not same or not _holds(place, known, by_value=False):
            anew = _begun_anew(place, known)
            left = {path: curve for path, curve in known.curves.items() if path not in anew.curves}
            put_away.save(owner, name, left, notes)
            known = anew
        noted.dgtalker_made = made or (noted.dgtalker_made and bool(known.curves))
    place = _own(owner, place, name, notes)
    if not is_recorded(owner, place.action, place.slot):
        noted.dgtalker_action, noted.dgtalker_slot = place.action, place.slot.handle
    return place, known


def remove_empty(owner: bpy.types.ID, place: Place) -> None:
    """An action that was made for speech goes with it, unless there is something else in it."""
    empty = not any(bag.fcurves for bag in animation_data.channelbags(place.action))
    if keys_properties(owner).dgtalker_made and empty and place.strip is None and len(place.slot.users()) <= 1:
        bpy.data.actions.remove(place.action)


def _played(owner: bpy.types.ID) -> Iterator[Place]:
    animation = animation_data.of(owner)
    if animation is None:
        return
    if animation.action and animation.action_slot:
        yield Place(animation.action, animation.action_slot)
    for track in animation.nla_tracks:
        for strip in track.strips:
            if strip.action and strip.action_slot:
                yield Place(strip.action, strip.action_slot, strip, track)


def show_grown(owner: bpy.types.ID, place: Place, before: tuple[int, int], now: tuple[int, int]) -> None:
    """Lets the NLA strip that plays a place play speech that has become longer; of parts that it was cut into, the
    first and the last one do. What they played stays where it was, and what was trimmed off the speech stays off.

    Args:
        before, now: the first and the last frame of the speech in its action.
    """
    same = [each for each in _played(owner) if each.action == place.action and each.slot.handle == place.slot.handle]
    parts = [(each.strip, each.track) for each in same if each.strip is not None and each.track is not None]
    if not parts:
        return
    strip, track = min(parts, key=lambda part: part[0].action_frame_start)
    if now[0] < strip.action_frame_start <= before[0]:
        start = strip.frame_start
        free = max((each.frame_end for each in track.strips if each.frame_end <= start), default=-np.inf)
        begin = max(start - (strip.action_frame_start - now[0]) * strip.scale, free)
        # In this order the strip ends where it did: Blender would push those behind it away.
        strip.frame_start_raw = begin
        strip.action_frame_start -= (start - begin) / strip.scale
    strip = max((part[0] for part in parts), key=lambda part: part.action_frame_end)
    if before[1] <= strip.action_frame_end < now[1]:
        strip.action_frame_end = now[1]


def _holds(place: Place, known: Ledger, *, by_value: bool) -> bool:
    """Whether remembered keys lie in a place: at least some of their curves, or half of their values."""
    curves = place.curves()
    if not by_value:
        return any(path in curves for path in known.curves)
    same = every = 0
    for path, curve in known.curves.items():
        frames = np.flatnonzero(~np.isnan(curve.base))
        every += len(frames)
        if path in curves and len(frames):
            keys = key_points.read(curves[path])
            values = dict(zip(np.round(keys.times).astype(int).tolist(), keys.values.tolist(), strict=True))
            found = np.array([values.get(frame, np.inf) for frame in (frames + curve.start).tolist()])
            same += int(np.sum(np.abs(found - curve.base[frames]) <= TOLERANCE))
    return every > 0 and 2 * same >= every


def _begun_anew(place: Place, known: Ledger) -> Ledger:
    """A ledger of no keys, which remembers what lay below those of another one."""
    present = place.curves()
    return Ledger(
        curves={
            path: replace(curve, base=np.full_like(curve.base, np.nan), kept=())
            for path, curve in known.curves.items()
            if path not in present
        }
    )


def _active(owner: bpy.types.ID, name: str) -> Place:
    """The active action and slot of a datablock; made where they are missing."""
    animation = animation_data.ensured(owner)
    if animation.action is None:
        animation.action = bpy.data.actions.new(name)
    if animation.action_slot is None:
        unused = (slot for slot in animation.action_suitable_slots if not slot.users())
        animation.action_slot = next(unused, None) or _new_slot(owner)
    action, slot = animation.action, animation.action_slot
    assert action is not None
    assert slot is not None
    return Place(action, slot)


def _new_slot(owner: bpy.types.ID) -> bpy.types.ActionSlot:
    """A slot of the assigned action, or of a copy of it where that is linked."""
    animation = animation_data.ensured(owner)
    action = animation.action
    assert action is not None
    if not action.is_editable:
        animation.action = action = action.copy()
    return action.slots.new(owner.id_type, owner.name)


def _own(owner: bpy.types.ID, place: Place, name: str, notes: list[str]) -> Place:
    """A place that nobody else uses and that can be written to."""
    others = [user.name for user in place.slot.users() if user != owner]
    if place.action.is_editable and not others:
        return place
    identifier = place.slot.identifier
    copy = place.action.copy()
    slot = copy.slots[identifier]
    player = place.strip or animation_data.ensured(owner)
    player.action = copy
    player.action_slot = slot
    if others:
        notes.append(f"{name} shared its action with {others[0]}: it has a copy of its own now.")
    return Place(copy, slot, place.strip, place.track)


def moved_by_strips(owner: bpy.types.ID) -> set[str]:
    """The data paths that NLA strips of the animator's move."""
    speech = of(owner)
    return {
        path
        for place in _played(owner)
        if place.strip is not None and place.track is not None
        if not place.strip.mute and not place.track.mute and (speech is None or place.action != speech.action)
        for path, _ in place.curves()
    }
