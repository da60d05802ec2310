"""Keys that follow the sliders: a change of a setting rewrites what was generated, at once or soon after.

Writing is quick enough to drag along for usual takes; what takes longer waits until the slider rests for a moment, and
is then done in steps, curve by curve and a few frames at a time where lips are kept closed, and the window goes on.
What is saved or rendered has all of it: a file is saved, and a frame rendered, once what waits was written.
Nothing here makes an undo step: Blender makes one for the slider itself, and what was written belongs to it. Where an
undo brings other settings back than the keys were written with, the keys follow.
"""

from __future__ import annotations

import contextlib
import threading
import time
from collections.abc import Generator
from dataclasses import dataclass, replace
from typing import Any

import bpy
from bpy.app.handlers import persistent

from dgtalker_engine.errors import DGTalkerError

from ... import animation_data, ui
from ...head import model
from ...properties import keys_properties, speaker_properties
from ..keys import nods
from ..timeline import speakers
from . import listeners, retarget


@dataclass(frozen=True)
class Unfinished:
    """What is being written in steps.

    Attributes:
        head: the speaker.
        steps: `retarget.rewrite_steps` or, of one who is suspected only, `retarget.catch_up_steps`.
        ledger: after the last step.
        sliders: of the mesh that it is written to.
        spent: seconds that the steps took.
    """

    head: bpy.types.Object
    steps: Generator[object, None, object]
    ledger: str
    sliders: tuple[object, ...]
    spent: float = 0.0


AT_ONCE = 0.1
"""Seconds that writing may take to be done at every step of a slider."""

REST = 0.25
"""Seconds without a change after which longer writing begins."""

STEP = 0.01
"""Seconds that the window has between two steps."""

LONGEST_WAIT = 120.0
"""Seconds that a render waits for what is to be written at most."""

_due: dict[int, float] = {}
"""When to write, by the speaker's session_uid."""

_suspected: set[int] = set()
"""Those in `_due` that are written only where their keys are behind, which is looked at when they rest."""

_mending: dict[int, Unfinished] = {}
"""What is being written in steps, by the speaker's session_uid."""

_looking: list[bool] = []
"""Not empty while what Blender updates comes of looking and writing, which is no change."""

_awaited: list[bool] = []
"""Not empty while a render that has begun, in a thread of its own, waits for what is to be written."""

_cost: dict[int, float] = {}
"""Seconds that the last writing took."""


def strip_changed(properties: Any, context: bpy.types.Context) -> None:
    """A setting of a strip was changed."""
    if speakers.is_speaker(properties.speaker):
        follow(properties.speaker)


def speaker_changed(properties: Any, context: bpy.types.Context) -> None:
    """A setting of a speaker was changed."""
    follow(properties.id_data)


def follow(head: bpy.types.Object) -> None:
    """Rewrites a speaker's keys now, or soon where that takes longer."""
    if nods.settles(head) or not retarget.follows(head):
        return
    _mending.pop(head.session_uid, None)
    busy = bpy.app.is_job_running("RENDER")
    guessed = AT_ONCE if speaker_properties(head).mended else 0.0
    if bpy.app.background or (not busy and _cost.get(head.session_uid, guessed) < AT_ONCE):
        _write(head)
        _suspect(head)  # a key is often set right after: of a second one within one step Blender tells nothing
        _suspect_listeners(head)
    else:
        _suspected.discard(head.session_uid)
        _soon(head)
        _suspect_listeners(head)


def _suspect_listeners(*speaking: bpy.types.Object) -> None:
    for head in listeners.every():
        if head not in speaking:
            _suspect(head)


def _suspect(head: bpy.types.Object) -> None:
    """Notes that something may have changed. To look whether it did evaluates whole curves, which no handler may."""
    if bpy.app.background:
        return
    if head.session_uid not in _due:
        _suspected.add(head.session_uid)
    _soon(head)


def _write(head: bpy.types.Object) -> None:
    """Why nothing is written (strips were moved, the head is linked) the panel says all the time."""
    begin = time.perf_counter()
    try:
        retarget.rewrite(head)
    except DGTalkerError:
        return
    _cost[head.session_uid] = time.perf_counter() - begin


def _begin(head: bpy.types.Object, steps: Generator[object, None, object]) -> None:
    """Writes in steps, the first of them now."""
    _mending[head.session_uid] = Unfinished(head, steps, _ledger(head), _sliders(head))
    _step(head.session_uid)


def _step(number: int) -> None:
    """The next part of what is written in steps; all of it anew where somebody else has written meanwhile, who may have
    done some of it."""
    unfinished = _mending.pop(number)
    begin = time.perf_counter()
    with contextlib.suppress(DGTalkerError, ReferenceError):  # as in `_write`; a script removed the speaker
        now = _ledger(unfinished.head), _sliders(unfinished.head)
        if now != (unfinished.ledger, unfinished.sliders):
            _suspected.discard(number)
            _soon(unfinished.head)
            return
        try:
            next(unfinished.steps)
        except StopIteration as end:
            if end.value is not False:  # there was something to be written
                _cost[number] = unfinished.spent + time.perf_counter() - begin
            return
        spent = unfinished.spent + time.perf_counter() - begin
        _mending[number] = replace(unfinished, ledger=_ledger(unfinished.head), spent=spent)


def _ledger(head: bpy.types.Object) -> str:
    """What every writing of a speaker's keys changes."""
    key = model.key_of(head)
    return keys_properties(key).dgtalker_ledger if key else ""


def _sliders(head: bpy.types.Object) -> tuple[object, ...]:
    """Which sliders a speaker has; where that changes between two steps, all of it begins anew."""
    key = model.key_of(head)
    return (key.session_uid, *(block.name for block in key.key_blocks)) if key else ()


def _soon(head: bpy.types.Object) -> None:
    _due[head.session_uid] = time.monotonic() + REST
    if not bpy.app.timers.is_registered(_tick):
        bpy.app.timers.register(_tick, first_interval=REST)


def _tick() -> float | None:
    now = time.monotonic()
    if ui.is_dragging() or (bpy.app.is_job_running("RENDER") and not _awaited):
        return REST
    resting = [number for number in _ready() if _due[number] <= now or _awaited]
    for number in resting:
        _due_now(number)
    working = bool(resting or _mending)
    if _mending and not resting:
        _step(next(iter(_mending)))
    if working:
        _settle()
    if _mending:
        return STEP
    return max(STEP, min(_due.values()) - now) if _due else None


def _ready() -> list[int]:
    """Those in `_due` of whom nothing is being written that has to be there before they are looked at."""
    return [number for number in _due if number not in _suspected or number not in _mending]


def _due_now(number: int) -> None:
    suspected = number in _suspected
    del _due[number]
    _suspected.discard(number)
    head = next((ob for ob in bpy.data.objects if ob.session_uid == number), None)
    if speakers.is_speaker(head):
        _begin(head, retarget.catch_up_steps(head) if suspected else retarget.rewrite_steps(head))


def catch_up() -> None:
    """Writes at once what waits or is done in steps."""
    if not _due and not _mending:
        return
    while _due or _mending:
        for number in _ready():
            _due_now(number)
        if _mending:
            _step(next(iter(_mending)))
    _settle()


@persistent
def _finish(*_: Any) -> None:
    """`catch_up`: it belongs to what is saved or rendered now."""
    if threading.current_thread() is not threading.main_thread():
        # F12 in a window: only the main thread may write, and its timer goes on meanwhile.
        _awaited.append(True)
        ends = time.monotonic() + LONGEST_WAIT
        while (_due or _mending) and time.monotonic() < ends:
            time.sleep(STEP)
        _awaited.clear()
        return
    catch_up()


def _settle() -> None:
    """Lets Blender update what looking at driven styles touched, which else would be looked at again, for ever."""
    _looking.append(True)
    try:
        for window in bpy.context.window_manager.windows:
            window.view_layer.update()
    finally:
        _looking.clear()


@persistent
def _undone(*_: Any) -> None:
    unfinished = set(_mending)
    _mending.clear()
    for head in bpy.data.objects:
        if head.session_uid in unfinished:
            _suspected.discard(head.session_uid)
            _soon(head)
    for head in bpy.data.objects:
        if head.type == "MESH" and retarget.follows(head):
            _suspect(head)


@persistent
def _forget(*_: Any) -> None:
    """Another file is opened: what was under way belongs to this one."""
    _mending.clear()
    _suspected.clear()
    _due.clear()


@persistent
def _updated(scene: bpy.types.Scene, depsgraph: bpy.types.Depsgraph) -> None:
    """Keys of a speaker's styles were set, moved or deleted: nothing else tells of it.

    Blender names the action, or only the object where a key was added to a curve that it had just evaluated.
    """
    if _looking:
        return
    kinds = (bpy.types.Action, bpy.types.Object)
    changed = {update.id.original for update in depsgraph.updates if isinstance(update.id, kinds)}
    objects = {each for each in changed if isinstance(each, bpy.types.Object)}
    moved = changed - objects
    concerned: list[bpy.types.Object] = []
    for head in bpy.data.objects if moved else objects:
        if head.type != "MESH" or not retarget.follows(head):
            continue
        if head in objects or moved & animation_data.actions(head):
            concerned.append(head)
            _suspect(head)
    if concerned:
        _suspect_listeners(*concerned)
    if objects:
        for head in bpy.data.objects:
            if head.type == "MESH" and _looks_at(head, objects) and retarget.follows(head):
                _suspect(head)


def _looks_at(head: bpy.types.Object, moved: set[bpy.types.Object]) -> bool:
    """Whether a speaker may look at one of some objects; cheap."""
    own = speaker_properties(head)
    return own.look_at in moved or (own.look_at_camera and any(ob.type == "CAMERA" for ob in moved))


def add() -> None:
    bpy.app.handlers.load_pre.append(_forget)
    bpy.app.handlers.save_pre.append(_finish)
    bpy.app.handlers.render_init.append(_finish)
    bpy.app.handlers.undo_post.append(_undone)
    bpy.app.handlers.redo_post.append(_undone)
    bpy.app.handlers.depsgraph_update_post.append(_updated)


def remove() -> None:
    bpy.app.handlers.depsgraph_update_post.remove(_updated)
    bpy.app.handlers.redo_post.remove(_undone)
    bpy.app.handlers.undo_post.remove(_undone)
    bpy.app.handlers.render_init.remove(_finish)
    bpy.app.handlers.save_pre.remove(_finish)
    bpy.app.handlers.load_pre.remove(_forget)
    if bpy.app.timers.is_registered(_tick):
        bpy.app.timers.unregister(_tick)
    _forget()
