"""The part of the panel that shows what was edited by hand among generated keys, and what hides them."""

from __future__ import annotations

import time
from dataclasses import dataclass
from typing import Any

import bpy
from bpy.app.handlers import persistent

from dgtalker_engine.errors import DGTalkerError

from ... import ui
from ...head import model
from ...properties import speaker_properties
from ..keys import keyframes, labels, nods, visibility
from ..keys.labels import Edit
from ..takes import gaze, listeners
from ..timeline import speakers
from . import key_operators

ROWS = 12
"""Edits that are listed."""

SHARE = 0.1
"""Of the time, at most, for looking at keys again while they change."""

ICONS: dict[str, Any] = {"EDITED": "GREASEPENCIL", "LOCKED": "LOCKED", "OWN": "KEYFRAME_HLT"}


@dataclass(frozen=True)
class _State:
    """What is shown of a speaker, and since when."""

    edits: list[Edit]
    hindrances: list[visibility.Hindrance]
    problem: str
    until: float


_states: dict[int, _State] = {}
_fresh: set[int] = set()
"""Speakers, by session_uid, of which nothing changed since they were looked at."""


def draw_nods(layout: Any, context: bpy.types.Context, head: bpy.types.Object) -> None:
    """What turns with a speaker's head, and why it cannot."""
    own = speaker_properties(head)
    if problem := nods.target_problem(head):
        ui.alert(layout, context, problem)
    header, body = layout.panel("dgtalker_nods", default_closed=True)
    header.label(text=f"{head.name}'s Nods")
    if not body:
        return
    column = body.column()
    column.use_property_split = True
    column.prop(own, "nod_target")
    target = own.nod_target
    if target is not None and target.pose is not None:
        column.prop_search(own, "nod_bone", target.pose, "bones")
    if target is None and (speakers.has_neck(head) or not model.is_head(head)):
        column.prop(own, "turns")


def draw_gaze(layout: Any, context: bpy.types.Context, head: bpy.types.Object) -> None:
    """What a speaker looks at."""
    own = speaker_properties(head)
    header, body = layout.panel("dgtalker_gaze", default_closed=True)
    header.label(text=f"{head.name}'s Gaze")
    if not body:
        return
    if reason := gaze.disabled_reason(head):
        ui.note(body, context, reason)
        if not own.look_at_camera and own.look_at is None:
            return
    column = body.column()
    column.use_property_split = True
    column.prop(own, "look_at_camera")
    row = column.row()
    row.active = not own.look_at_camera
    row.prop(own, "look_at")
    looks = own.look_at_camera or own.look_at is not None
    for name in ("look_at_amount", "look_at_head"):
        row = column.row()
        row.active = looks
        row.prop(own, name)


def draw_reaction(layout: Any, context: bpy.types.Context, head: bpy.types.Object) -> None:
    """How much a head listens to others, where there are any."""
    if len(speakers.in_scene(context.scene)) < 2:
        return
    reason = listeners.disabled_reason(head)
    header, body = layout.panel("dgtalker_listens", default_closed=False)
    header.label(text=f"{head.name} Listens")
    if body:
        if reason:
            ui.note(body, context, reason)
        column = body.column()
        column.use_property_split = True
        column.active = not reason
        column.prop(speaker_properties(head), listeners.REACTION, slider=True)


def draw(layout: Any, context: bpy.types.Context, head: bpy.types.Object) -> None:
    """What hides the speech of a head, and its edits."""
    state = _state(head)
    if state.problem:
        ui.alert(layout, context, state.problem)
    for each in state.hindrances:
        ui.alert(layout, context, each.text)
    if any(each.mend for each in state.hindrances):
        layout.operator(key_operators.ShowSpeech.bl_idname, icon="HIDE_OFF")
    # Blender asks only once whether a panel begins closed: edits open one of their own.
    name = "dgtalker_edits" if state.edits else "dgtalker_no_edits"
    header, body = layout.panel(name, default_closed=not state.edits)
    header.label(text=f"Edits by Hand: {len(labels.summed(state.edits))}" if state.edits else "Edits by Hand")
    if not body:
        return
    column = body.column(align=True)
    rows = labels.summed(state.edits)
    for edit in rows[:ROWS]:
        row = column.row(align=True)
        jump = row.operator(key_operators.GoToEdit.bl_idname, text=edit.text, icon=ICONS[edit.kept.kind], emboss=False)
        jump.frame = edit.kept.start
        icon: Any = "UNLOCKED" if edit.kept.kind == "LOCKED" else "LOOP_BACK"
        row.operator(key_operators.DiscardEdit.bl_idname, text="", icon=icon, emboss=False).edit = edit.text
    if len(rows) > ROWS:
        column.label(text=f"and {len(rows) - ROWS} more", icon="BLANK1")
    if not state.edits:
        column.label(text="Edit keys in the Graph Editor or Dope Sheet", icon="INFO")
    row = body.row(align=True)
    row.operator(key_operators.LockKeys.bl_idname, icon="LOCKED")
    row.operator(key_operators.AnimateRange.bl_idname, icon="PREVIEW_RANGE")
    body.operator(key_operators.BakeKeys.bl_idname, icon="ACTION")
    if any(edit.kept.kind == "EDITED" for edit in state.edits):
        body.operator(key_operators.DiscardEdit.bl_idname, text="Discard All", icon="LOOP_BACK").kind = "EDITED"
    if any(edit.kept.kind == "OWN" for edit in state.edits):
        body.operator(key_operators.DiscardEdit.bl_idname, text="Let Speech Take Over", icon="PLAY_SOUND").kind = "OWN"


def locks(head: bpy.types.Object) -> list[tuple[int, int]]:
    """The first and last frames of a speaker's locked ranges."""
    return list({(edit.kept.start, edit.kept.end) for edit in _state(head).edits if edit.kept.kind == "LOCKED"})


def _state(head: bpy.types.Object) -> _State:
    """Looked at again where something changed, but not so often that it would be felt."""
    number, now = head.session_uid, time.monotonic()
    known = _states.get(number)
    if known is None or (number not in _fresh and now >= known.until):
        _fresh.add(number)
        begin = time.perf_counter()
        edits: list[Edit] = []
        hindrances: list[visibility.Hindrance] = []
        problem = ""
        try:
            edits, hindrances = keyframes.edits(head), visibility.hindrances(head)
        except DGTalkerError as error:
            problem = str(error)
        cost = time.perf_counter() - begin
        known = _states[number] = _State(edits, hindrances, problem, now + cost / SHARE)
    return known


@persistent
def _forget(*_: Any) -> None:
    _states.clear()
    _fresh.clear()


@persistent
def _updated(scene: bpy.types.Scene, depsgraph: bpy.types.Depsgraph) -> None:
    kinds = (bpy.types.Action, bpy.types.Key, bpy.types.Object)
    if _fresh and any(isinstance(update.id, kinds) for update in depsgraph.updates):
        _fresh.clear()


def add() -> None:
    bpy.app.handlers.depsgraph_update_post.append(_updated)
    for handlers in (bpy.app.handlers.undo_post, bpy.app.handlers.redo_post, bpy.app.handlers.load_post):
        handlers.append(_forget)


def remove() -> None:
    for handlers in (bpy.app.handlers.undo_post, bpy.app.handlers.redo_post, bpy.app.handlers.load_post):
        handlers.remove(_forget)
    bpy.app.handlers.depsgraph_update_post.remove(_updated)
    _forget()
