"""A Performance becomes keyframes: of the sliders of the head's meshes, and of what turns with the head."""

from __future__ import annotations

import functools
from collections.abc import Generator, Mapping, Sequence

import bpy
import numpy as np

from dgtalker_engine.errors import DGTalkerError
from dgtalker_engine.performance import Performance

from ... import animation_data
from ...head import model
from ...properties import speaker_properties
from ..stepwise import finished
from ..timeline import speakers
from . import clearing, first_design, generated, labels, nod_keys, nods, over_pose, places, turns
from .labels import Edit
from .ledger import Path
from .moves import Move
from .sheet import Sheet

BESIDE = 0.12
"""Seconds beside the animator's keys in which theirs pass into generated ones."""

following: set[int] = set()
"""The speakers, by session_uid, whose sliders follow a microphone now: where they are is nobody's pose."""


def write(
    head: bpy.types.Object,
    performance: Performance,
    first: int,
    *,
    moves: Sequence[Move] = (),
    same_as_before: bool = False,
) -> list[str]:
    """`write_steps` in one go."""
    return finished(write_steps(head, performance, first, moves=moves, same_as_before=same_as_before))


def write_steps(
    head: bpy.types.Object,
    performance: Performance,
    first: int,
    *,
    moves: Sequence[Move] = (),
    same_as_before: bool = False,
) -> Generator[None, None, list[str]]:
    """Writes a performance that starts at frame `first` into a speaker's actions, around what the animator changed.

    It is played over her pose: a control moves from where she had it. Controls that drivers or NLA strips of hers move
    are left to them.

    Args:
        moves: which frames of what stands there are spoken elsewhere now: her edits go along. Steps may be left out
            only where there are none.
        same_as_before: what stands there was made from the same; then edits on tracks of the first design can be told.

    Returns:
        Sentences for the user about what was left out.

    Raises:
        DGTalkerError: an action was taken away between two steps.
    """
    notes: list[str] = []
    if not performance.frames:
        return notes
    performance = nods.by_its_neck(head, performance, notes)
    last = first + performance.frames - 1
    reach = max(1, round(BESIDE * performance.fps))
    hidden: list[str] = []
    for part in speakers.meshes(head):
        key = model.key_of(part)
        if key is None:
            return [speakers.locked_reason(part)]
        rest = speakers.rest(part)
        faded, start = over_pose.faded(performance, first, rest)
        yield
        lifted = first_design.lift(key, notes)
        paths = _control_paths(part, key, performance, notes)
        sheet = Sheet(key, f"{part.name} Face")
        sheet.move(moves)
        controls: dict[Path, str] = {(path, 0): name for name, path in paths.items()}
        for path, name in controls.items():
            if path[0] in lifted:
                sheet.lay_to(path, rest.get(name, 0.0))
        values = functools.partial(_over_pose, key, sheet, faded, start, rest, controls)
        new = yield from sheet.write_steps(first, last, reach, start, controls, values)
        notes += sheet.notes
        hidden += labels.hidden(sheet)
        first_design.keep_edits(key, lifted, start, new, notes, same=same_as_before)
    hidden += nod_keys.write(head, performance, first, reach, notes, moves=moves, same_as_before=same_as_before)
    if hidden:
        notes.append(f"Keys that {head.name} had before stay instead of speech: {labels.listed(hidden)}.")
    return notes


def _over_pose(
    key: bpy.types.Key,
    sheet: Sheet,
    faded: Performance,
    start: int,
    rest: Mapping[str, float],
    controls: Mapping[Path, str],
    path: Path,
) -> np.ndarray:
    """The values of one of the curves of `controls` over her pose."""
    own = sheet.own(path, start, faded.frames)
    ends = generated.limits(key, path[0])
    return over_pose.moved(own, faded.curve(controls[path]), rest.get(controls[path], 0.0), ends)


def spoken(head: bpy.types.Object) -> bool:
    """Whether a speaker has generated keys."""
    return any(generated.has(owner) or first_design.has(owner) for owner in owners(head))


def of_first_design(head: bpy.types.Object) -> bool:
    """Whether a speaker's keys lie on NLA tracks, as the first design wrote them."""
    return any(first_design.has(owner) for owner in owners(head))


def span(head: bpy.types.Object) -> range:
    """The frames of what a speaker speaks or plays; empty where it does neither."""
    spans = [places.ledger_of(owner) for owner in owners(head)]
    spans = [each for each in spans if each.curves]
    return range(min(each.first for each in spans), max(each.last for each in spans) + 1) if spans else range(0)


def owners(head: bpy.types.Object) -> list[bpy.types.ID]:
    """The datablocks with a speaker's curves."""
    keys = [model.key_of(part) for part in speakers.meshes(head)]
    carrier = nods.carrier(head)
    return [*(key for key in keys if key), head, *([carrier] if carrier else [])]


def edits(head: bpy.types.Object) -> list[Edit]:
    """What a speaker's generated keys stay out of, by curve and frames."""
    return [
        Edit(owner, path, labels.label_of(owner, path), kept)
        for owner in owners(head)
        for path, kept in generated.kept_of(owner)
    ]


def release(head: bpy.types.Object, chosen: Sequence[Edit]) -> list[str]:
    """Gives ranges back to the generated keys: edits go, locks come off, keys from before are put away for speech.

    Returns:
        Sentences for the user.
    """
    notes: list[str] = []
    for owner in owners(head):
        mine = [edit for edit in chosen if edit.owner == owner]
        if mine:
            sheet = Sheet(owner, head.name)
            for edit in mine:
                sheet.release(edit.path, edit.kept.start, edit.kept.end, (edit.kept.kind,))
                if edit.kept.kind == "OWN":
                    sheet.lay_to(edit.path, _rest_of(head, edit))
            sheet.write_back()
            notes += sheet.notes
    return notes


def lock(head: bpy.types.Object, first: int, last: int, notes: list[str]) -> int:
    """Lets generated keys of a range stay as they are when keys are made anew; returns how many curves have some.

    Args:
        notes: gets sentences for the user.
    """
    sheets = [Sheet(owner, head.name) for owner in owners(head) if places.of(owner)]
    notes += [note for sheet in sheets for note in sheet.notes]
    return sum(sheet.lock(first, last) for sheet in sheets)


def bake(head: bpy.types.Object) -> list[str]:
    """Lets all of a speaker's keys be the animator's own.

    Returns:
        Sentences for the user.
    """
    notes: list[str] = []
    for owner in owners(head):
        generated.bake(owner, head.name, notes)
        first_design.bake(owner)
    nods.carry(head, None)
    return notes


def clear(head: bpy.types.Object) -> list[str]:
    """Removes a speaker's generated keys; what it had before is back.

    Returns:
        Sentences for the user: which edits stay.
    """
    notes: list[str] = []
    for owner in owners(head):
        first_design.remove(owner, speakers.rest(head) if owner == head else _rest_by_path(head, owner))
        clearing.clear(owner, head.name, notes)
    nods.carry(head, None)
    return notes


def tweaked(head: bpy.types.Object) -> bool:
    """Whether the animator is inside one of a speaker's NLA strips."""
    return bool(_tweaked(head))


def locked_reason(head: bpy.types.Object) -> str:
    """Why a speaker cannot be animated; empty when it can."""
    if head.session_uid in following:
        return f"{head.name} follows a microphone: press Stop first."
    if tweaked := _tweaked(head):
        return f"An NLA strip of {tweaked} is being edited: leave it with Tab in the NLA editor first."
    try:
        for owner in owners(head):
            places.ledger_of(owner)
    except DGTalkerError as error:
        return f"{head.name}: {error}"
    return speakers.locked_reason(head)


def _tweaked(head: bpy.types.Object) -> str:
    """The name of whose NLA strip is being edited: the speaker's, or what it nods by or shall nod by; else empty."""
    target = speaker_properties(head).nod_target
    for owner in (*owners(head), *([target] if target else [])):
        if animation_data.tweaked(owner):
            return owner.name if isinstance(owner, bpy.types.Object) else head.name
    return ""


def _rest_of(head: bpy.types.Object, edit: Edit) -> float:
    if not isinstance(edit.owner, bpy.types.Key):
        return turns.rest_of(edit.path[0])[edit.path[1]]
    return _rest_by_path(head, edit.owner).get(edit.path[0], 0.0)


def _rest_by_path(head: bpy.types.Object, owner: bpy.types.ID) -> dict[str, float]:
    for part in speakers.meshes(head):
        key = model.key_of(part)
        if key == owner and key is not None:
            rest = speakers.rest(part)
            return {
                key.key_blocks[name].path_from_id("value"): rest[control]
                for control, name in speakers.controls(part).items()
                if name in key.key_blocks
            }
    return {}


def _control_paths(
    head: bpy.types.Object, key: bpy.types.Key, performance: Performance, notes: list[str]
) -> dict[str, str]:
    """Data paths of the controls that the performance moves, by control."""
    controls = {control: name for control, name in speakers.controls(head).items() if control in performance.names}
    missing = [name for name in controls.values() if name not in key.key_blocks]
    if missing:
        notes.append(f"{head.name} has lost shape keys ({labels.listed(missing)}): restore its controls.")
    blocks = {control: key.key_blocks[name] for control, name in controls.items() if name not in missing}
    paths = {control: block.path_from_id("value") for control, block in blocks.items()}
    for moved, what in ((animation_data.driven(key), "Drivers"), (places.moved_by_strips(key), "NLA strips")):
        left = [controls[control] for control, path in paths.items() if path in moved]
        if left:
            notes.append(f"{what} of {head.name} keep moving {labels.listed(left)}.")
        paths = {control: path for control, path in paths.items() if path not in moved}
    return paths
