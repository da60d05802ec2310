"""Why a speaker's keys are out of date, for panels that are drawn often: looked at for a tenth of the time at most."""

from __future__ import annotations

import time
from typing import Any

import bpy
from bpy.app.handlers import persistent

from ... import ui
from ..takes import retarget

SHARE = 0.1
"""Of the time, at most, for looking at strips again: of 100 of them that takes tens of milliseconds."""

_known: dict[int, tuple[str, float]] = {}
"""What was last found of a speaker, by its session_uid, and when to look again."""


def reason(head: bpy.types.Object) -> str:
    """`retarget.outdated_reason`, or what it was a moment ago: then the panel is drawn again soon."""
    now = time.monotonic()
    text, until = _known.get(head.session_uid, ("", now))
    if now < until:
        if not bpy.app.timers.is_registered(_look_again):
            bpy.app.timers.register(_look_again, first_interval=until - now)
        return text
    begin = time.perf_counter()
    text = retarget.outdated_reason(head)
    _known[head.session_uid] = text, now + (time.perf_counter() - begin) / SHARE
    return text


def _look_again() -> None:
    ui.redraw()


@persistent
def _forget(*_: Any) -> None:
    _known.clear()


def add() -> None:
    for handlers in (bpy.app.handlers.undo_post, bpy.app.handlers.redo_post, bpy.app.handlers.load_post):
        handlers.append(_forget)


def remove() -> None:
    for handlers in (bpy.app.handlers.undo_post, bpy.app.handlers.redo_post, bpy.app.handlers.load_post):
        handlers.remove(_forget)
    if bpy.app.timers.is_registered(_look_again):
        bpy.app.timers.unregister(_look_again)
    _forget()
