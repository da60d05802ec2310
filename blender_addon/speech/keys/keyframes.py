"""A Performance becomes keyframes: shape keys of the head's mesh, and the delta rotation of the head."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import bpy
import numpy as np

from dgtalker_engine.errors import DGTalkerError
from dgtalker_engine.performance import Performance

from ... import animation_data
from ...head import model
from ...properties import keys_properties, speaker_properties
from ..timeline import speakers
from . import first_design, generated, nods, over_pose, places, put_away, turns
from .generated import Sheet
from .ledger import Path
from .merge import Kept

BESIDE = 0.12
"""Seconds beside the animator's keys in which theirs pass into generated ones."""


@dataclass(frozen=True)
class Edit:
    """Frames of one of a speaker's curves that generated keys stay out of."""

    owner: bpy.types.ID
    path: Path
    label: str
    kept: Kept

    @property
    def text(self) -> str:
        """As the panel shows it: ``jawOpen 30–34``."""
        frames = f"{self.kept.start}–{self.kept.end}" if self.kept.end > self.kept.start else f"{self.kept.start}"
        return f"{self.label} {frames}"


def write(head: bpy.types.Object, performance: Performance, first: int, *, same_as_before: bool = False) -> list[str]:
    """Writes a performance that starts at frame `first` into a speaker's actions, around what the animator changed.

    It is played over her pose: a control moves from where she had it. Controls that drivers or NLA strips of hers move
    are left to them.

    Args:
        same_as_before: what stands there was made from the same; then edits on tracks of the first design can be told.

    Returns:
        Sentences for the user about what was left out.
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
        lifted = first_design.lift(key, notes)
        paths = _control_paths(part, key, performance, notes)
        sheet = Sheet(key, f"{part.name} Face")
        new: dict[Path, np.ndarray] = {}
        for name, path in paths.items():
            if path in lifted:
                sheet.lay_to((path, 0), rest.get(name, 0.0))
            own = sheet.own((path, 0), start, faded.frames)
            new[path, 0] = over_pose.moved(own, faded.curve(name), rest.get(name, 0.0), generated.limits(key, path))
        sheet.write(first, last, reach, start, new)
        notes += sheet.notes
        hidden += _hidden(sheet)
        first_design.keep_edits(key, lifted, start, new, notes, same=same_as_before)
    hidden += _write_turns(head, performance, first, last, reach, notes, same_as_before)
    if hidden:
        notes.append(f"Keys that {head.name} had before stay instead of speech: {listed(hidden)}.")
    return notes


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
    nodded = speaker_properties(head).nodded
    return [*(key for key in keys if key), head, *([nodded] if nodded else [])]


def edits(head: bpy.types.Object) -> list[Edit]:
    """What a speaker's generated keys stay out of, by curve and frames."""
    return [
        Edit(owner, path, label_of(owner, path), kept)
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
    return notes


def clear(head: bpy.types.Object) -> list[str]:
    """Removes a speaker's generated keys; what it had before is back.

    Returns:
        Sentences for the user: which edits stay.
    """
    notes: list[str] = []
    for owner in owners(head):
        first_design.remove(owner, speakers.rest(head) if owner == head else _rest_by_path(head, owner))
        if places.of(owner):
            stay = [_named(owner, path, kept) for path, kept in Sheet(owner, head.name).clear()]
            if stay:
                notes.append(f"What you edited stays as your own keys: {listed(stay)}.")
        else:
            former = keys_properties(owner).dgtalker_action
            if former is not None:
                notes.append(f"The speech in the action {former.name}, which is not assigned, stays there.")
            put_away.save(owner, head.name, places.ledger_of(owner).curves, notes)
            generated.forget(owner)
    speaker_properties(head).nodded = None
    return notes


def label_of(owner: bpy.types.ID, path: Path) -> str:
    """The name of a curve for people."""
    if isinstance(owner, bpy.types.Key):
        return path[0].removeprefix('key_blocks["').removesuffix('"].value')
    return f"turn {'WXYZ'[-len(turns.rest_of(path[0])) :][path[1]]}"


def tweaked(head: bpy.types.Object) -> bool:
    """Whether the animator is inside one of a speaker's NLA strips."""
    return any(animation_data.tweaked(owner) for owner in owners(head))


def locked_reason(head: bpy.types.Object) -> str:
    """Why a speaker cannot be animated; empty when it can."""
    if tweaked(head):
        return f"An NLA strip of {head.name} is being edited: leave it with Tab in the NLA editor first."
    try:
        for owner in owners(head):
            places.ledger_of(owner)
    except DGTalkerError as error:
        return f"{head.name}: {error}"
    return speakers.locked_reason(head)


def listed(names: Sequence[str]) -> str:
    return ", ".join(names[:3]) + (f" and {len(names) - 3} more" if len(names) > 3 else "")


def _named(owner: bpy.types.ID, path: Path, kept: Kept) -> str:
    return Edit(owner, path, label_of(owner, path), kept).text


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
        notes.append(f"{head.name} has lost shape keys ({listed(missing)}): restore its controls.")
    blocks = {control: key.key_blocks[name] for control, name in controls.items() if name not in missing}
    paths = {control: block.path_from_id("value") for control, block in blocks.items()}
    for moved, what in ((animation_data.driven(key), "Drivers"), (places.moved_by_strips(key), "NLA strips")):
        left = [controls[control] for control, path in paths.items() if path in moved]
        if left:
            notes.append(f"{what} of {head.name} keep moving {listed(left)}.")
        paths = {control: path for control, path in paths.items() if path not in moved}
    return paths


def _write_turns(
    head: bpy.types.Object,
    performance: Performance,
    first: int,
    last: int,
    reach: int,
    notes: list[str],
    same_as_before: bool,
) -> list[str]:
    """Curves of what turns with the head, or none any more; returns what is left to hers."""
    own, reason = speaker_properties(head), nods.hindrance(head, performance)
    turned = nods.turned(head) if reason is None else None
    if turned is None or turned.owner != head:
        first_design.remove(head, {})
    lifted = first_design.lift(head, notes)  # before strips are looked at: its own are not hers
    if turned is not None and (reason := nods.moved_by_strips(turned)):
        turned = None
    for former in (head, own.nodded):
        if former is not None and (turned is None or former != turned.owner):
            _clear_turns(former, notes)
    own.nodded = None if turned is None or turned.owner == head else turned.owner
    if turned is None:
        notes += [reason] if reason else []
        return []
    sheet = Sheet(turned.owner, f"{turned.owner.name} Movement")
    for i, value in enumerate(turned.rest):
        if turned.path in lifted:
            sheet.lay_to((turned.path, i), value)
    faded, start = over_pose.faded(performance, first, {})
    own_turns = np.stack([sheet.own((turned.path, i), start, faded.frames) for i in range(len(turned.rest))], axis=1)
    values = turned.turned(faded, start, own_turns)
    new: dict[Path, np.ndarray] = {(turned.path, i): values[:, i] for i in range(len(turned.rest))}
    sheet.write(first, last, reach, start, new)
    notes += sheet.notes
    first_design.keep_edits(head, lifted, start, new, notes, same=same_as_before)
    return _hidden(sheet)


def _clear_turns(owner: bpy.types.Object, notes: list[str]) -> None:
    if places.of(owner):
        stay = [_named(owner, path, kept) for path, kept in Sheet(owner, f"{owner.name} Movement").clear()]
        if stay:
            notes.append(f"What you edited of the turns of {owner.name} stays as your own keys: {listed(stay)}.")


def _hidden(sheet: Sheet) -> list[str]:
    """The ranges in which the animator's keys from before stay instead of speech."""
    return [
        _named(sheet.owner, path, kept) for path, kept in sheet.kept if kept.kind == "OWN" and kept.end > kept.start
    ]
