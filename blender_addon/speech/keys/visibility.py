"""What keeps generated keys from being seen, and how to mend it."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterator
from dataclasses import dataclass
from typing import Any

import bpy
import numpy as np

from ... import animation_data
from ...head import model
from ...properties import keys_properties
from ..timeline import one_clock, speakers
from . import evaluation, generated, keyframes, labels, masks, merge, nods, places, turns
from .places import Place

TURNING = {
    "ARMATURE",
    "COPY_ROTATION",
    "COPY_TRANSFORMS",
    "DAMPED_TRACK",
    "LIMIT_ROTATION",
    "LOCKED_TRACK",
    "TRACK_TO",
    "TRANSFORM",
}
"""Constraints that put a rotation in place of an object's own."""

SAMPLES = 6
"""Frames on which what is seen is compared."""

VISIBLE = 0.02
"""A difference of a slider that animators see."""


@dataclass(frozen=True)
class Hindrance:
    """What hides generated keys, in a sentence, and what mends it where that can be."""

    text: str
    mend: Callable[[], None] | None = None


def hindrances(head: bpy.types.Object) -> list[Hindrance]:
    """What hides a speaker's generated keys, as far as its settings tell; cheap."""
    found: list[Hindrance] = []
    for owner in keyframes.owners(head):
        if generated.has(owner):
            place = places.of(owner)
            found += _elsewhere(head, owner) if place is None else [*_muted(head, owner, place)]
    if any(generated.has(owner) for owner in keyframes.owners(head)):
        found += _of_object(head)
    return found


def unseen(head: bpy.types.Object) -> list[str]:
    """Sentences on what is evaluated otherwise than it was written, where no setting tells why."""
    for part in speakers.meshes(head):
        key = model.key_of(part)
        place = places.of(key) if key else None
        if key is None or place is None or place.strip is not None:
            continue  # what was pushed down may be moved and blended in the NLA as its animator likes
        known = places.ledger_of(key)
        frames = np.unique(np.linspace(known.first, known.last, SAMPLES).round().astype(int))
        seen = evaluation.weights(key, frames.tolist())
        column = {(block.path_from_id("value"), 0): i for i, block in enumerate(key.key_blocks)}
        moved: list[str] = []
        for path, curve in known.curves.items():
            rows = frames - curve.start
            inside = (rows >= 0) & (rows < len(curve.base)) & (path in column)
            rows = rows[inside]
            written = np.clip(curve.base[rows], *generated.limits(key, path[0])) if path in column else curve.base[rows]
            free = ~merge.mask_of(curve.kept, curve.start, len(curve.base))[rows] & ~np.isnan(written)
            if path in column and np.any(np.abs(seen[inside, column[path]] - written)[free] > VISIBLE):
                moved.append(labels.label_of(key, path))
        if moved:
            names = labels.listed(moved)
            return [f"{part.name} does not move as its keys say: modifiers of curves or other tracks change {names}."]
    return []


def elsewhere_reason(head: bpy.types.Object) -> str:
    """Why a speaker's generated keys do not play at all; empty when they do."""
    for owner in keyframes.owners(head):
        if generated.has(owner) and places.of(owner) is None:
            return next(_elsewhere(head, owner)).text
    return ""


def notes(head: bpy.types.Object) -> list[str]:
    """Sentences on all that hides what was just written."""
    return [each.text for each in hindrances(head)] or unseen(head)


def evaluate_again(owner: bpy.types.ID) -> None:
    """Lets Blender look at a datablock's animation anew: an NLA track that Python unmutes else stays unseen."""
    animation = animation_data.of(owner)
    for track in animation.nla_tracks if animation else ():
        for strip in track.strips:
            slot = strip.action_slot
            if slot is not None:
                strip.action_slot = slot  # whose update rebuilds what is evaluated; that of `mute` does not
    owner.update_tag()


def _elsewhere(head: bpy.types.Object, owner: bpy.types.ID) -> Iterator[Hindrance]:
    action, animation = keys_properties(owner).dgtalker_action, animation_data.of(owner)
    if action is None or animation is None or places.is_recorded(owner, animation.action, animation.action_slot):
        yield Hindrance(f"The keys of {head.name}'s speech were deleted: press Animate.")
        return
    other = "no action is assigned"
    if animation.action == action:
        other = f"{'another' if animation.action_slot else 'no'} slot of it is assigned"
    elif animation.action is not None:
        other = f"{animation.action.name} is assigned"

    def assign() -> None:
        now = animation_data.ensured(owner).action
        if now is not None:
            now.use_fake_user = True
        places.assign_recorded(owner)

    yield Hindrance(f"The speech of {head.name} is in the action {action.name}, but {other}.", assign)


def _muted(head: bpy.types.Object, owner: bpy.types.ID, place: Place) -> Iterator[Hindrance]:
    animation = animation_data.ensured(owner)
    name = head.name
    for track in animation.nla_tracks:
        playing = place.strip is not None and any(strip == place.strip for strip in track.strips)
        if track.is_solo and not playing:
            yield Hindrance(f"The NLA track {track.name} of {name} plays solo.", _setter(track, "is_solo", False))
        if playing and (track.mute or place.strip.mute):
            hidden = track if track.mute else place.strip
            yield Hindrance(f"{hidden.name} in the NLA of {name} is muted.", _setter(hidden, "mute", False))
    if place.strip is not None and not animation.use_nla:
        yield Hindrance(f"The NLA of {name} is switched off.", _setter(animation, "use_nla", True))
    if place.strip is None and animation.action_influence < 1.0:
        text = f"The action of {name} counts only {100 * animation.action_influence:.0f} %."
        yield Hindrance(text, _setter(animation, "action_influence", 1.0))
    if place.strip is None and animation.action_blend_type != "REPLACE" and len(animation.nla_tracks):
        text = f"The action of {name} is blended with its NLA instead of replacing it."
        yield Hindrance(text, _setter(animation, "action_blend_type", "REPLACE"))
    known, curves = places.ledger_of(owner).curves, place.curves()
    muted = {path: curve for path, curve in curves.items() if path in known and _is_muted(curve)}
    if muted:
        names = labels.listed([labels.label_of(owner, path) for path in muted])
        yield Hindrance(f"Curves of {name} are muted: {names}.", lambda: _unmute(owner))


def _of_object(head: bpy.types.Object) -> Iterator[Hindrance]:
    for scene in filter(one_clock.is_stretched, head.users_scene):
        text = f"{scene.name} is stretched in time, which its sound is not: {one_clock.UNSTRETCH}"
        yield Hindrance(text)  # mending it would make the render shorter or longer
    key = model.key_of(head)
    if key is not None:
        paths = {path for path, _ in places.ledger_of(key).curves}
        muted = [block for block in key.key_blocks if block.mute and block.path_from_id("value") in paths]
        if muted:
            names = labels.listed([block.name for block in muted])
            yield Hindrance(f"Shape keys of {head.name} are muted: {names}.", lambda: _unmute_blocks(head))
        masked = [
            block for block in key.key_blocks if block.path_from_id("value") in paths and masks.hides(head, block)
        ]
        if masked:
            groups = labels.listed(sorted({block.vertex_group for block in masked}))
            names = labels.listed([block.name for block in masked])
            text = f"Vertex groups of {head.name} ({groups}) have no weight where these shape keys move it: {names}."
            yield Hindrance(text, lambda: _unmask(head, paths))
        if not key.use_relative:
            text = f"The shape keys of {head.name} are absolute: its sliders move nothing."
            yield Hindrance(text, _setter(key, "use_relative", True))
        held = _held_back(head, key)
        if held:
            yield Hindrance(
                f"Sliders of {head.name} end before what is spoken: {labels.listed(held)}. Widen their range."
            )
    if head.show_only_shape_key:
        text = f"{head.name} shows its active shape key alone."
        yield Hindrance(text, _setter(head, "show_only_shape_key", False))
    carrier = nods.carrier(head)
    for owner in (head, *([carrier] if carrier else [])):
        for path in sorted({path for path, _ in places.ledger_of(owner).curves}):
            yield from _of_turned(head, owner, path)


def _held_back(head: bpy.types.Object, key: bpy.types.Key) -> list[str]:
    """Shape keys whose sliders end below what was generated, and before 1 or, of a head, its avatar's own end."""
    ends = {control.name: control.maximum for control in model.rig_of(head).controls} if model.is_head(head) else {}
    short = {
        block.path_from_id("value"): block
        for block in key.key_blocks
        if block.slider_max < min(1.0, ends.get(block.name, 1.0)) - VISIBLE
    }
    if not short:
        return []
    curves = places.ledger_of(key).curves
    return [
        block.name
        for path, block in short.items()
        if (path, 0) in curves and np.nanmax(curves[path, 0].base, initial=0.0) > block.slider_max + VISIBLE
    ]


def _of_turned(head: bpy.types.Object, owner: bpy.types.Object, path: str) -> Iterator[Hindrance]:
    """What hides the turns on a data path of a head, or of an Empty or an armature by which it nods."""
    posed = turns.posed_of(owner, path)
    if posed is None:
        return  # the panel says that the bone is gone
    if (posed.rotation_mode == "QUATERNION") != path.endswith("quaternion"):
        yield Hindrance(f"The rotation mode of {posed.name} was changed: press Animate, and {head.name} nods again.")
    for constraint in posed.constraints:
        if constraint.type in TURNING and not constraint.mute and constraint.influence > 0.0:
            mend = "Give the constraint to an Empty and parent the head to that."
            if owner != head:
                mend = "Choose what it does not turn in Nods Move."
            yield Hindrance(f"The constraint {constraint.name} turns {posed.name}: {head.name} does not nod. {mend}")


def _is_muted(curve: bpy.types.FCurve) -> bool:
    return curve.mute or (curve.group is not None and curve.group.mute)


def _unmute(owner: bpy.types.ID) -> None:
    place, known = places.of(owner), places.ledger_of(owner).curves
    for path, curve in place.curves().items() if place else ():
        if path in known:  # what she muted of her own stays so
            curve.mute = False
            if curve.group is not None:
                curve.group.mute = False


def _unmute_blocks(head: bpy.types.Object) -> None:
    key = model.key_of(head)
    paths = {path for path, _ in places.ledger_of(key).curves} if key else set()
    for block in key.key_blocks if key else ():
        if block.path_from_id("value") in paths:
            block.mute = False


def _unmask(head: bpy.types.Object, paths: Collection[str]) -> None:
    key = model.key_of(head)
    for block in key.key_blocks if key else ():
        if block.path_from_id("value") in paths and masks.hides(head, block):
            block.vertex_group = ""


def _setter(owner: Any, name: str, value: Any) -> Callable[[], None]:
    return lambda: setattr(owner, name, value)
