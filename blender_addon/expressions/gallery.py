"""Keeps the pictures of the built-in expressions up to date with the active head: one is asked for at a time, and
Blender never waits."""

from __future__ import annotations

from collections.abc import Generator
from dataclasses import dataclass

import bpy
import numpy as np

from dgtalker_engine.errors import DGTalkerError
from dgtalker_engine.performance.expressions import EXPRESSIONS

from .. import ui
from ..bridge import engine
from ..head import model
from ..icons import pixels
from ..properties import head_properties
from . import pictures
from .properties import form

_PAUSE = 0.03

Steps = Generator[engine.Pending, None, np.ndarray]


@dataclass
class _Gallery:
    """Whose picture is on its way, and why nothing more comes."""

    name: str = ""
    steps: Steps | None = None
    pending: engine.Pending | None = None
    error: str = ""


_gallery = _Gallery()


def icon_name(ob: bpy.types.Object, expression: str) -> str:
    """Of the picture of a built-in expression on a head: heads of one avatar share it."""
    return f"{head_properties(ob).avatar_hash}/{expression}"


def error() -> str:
    """Why no pictures come; empty where they do."""
    return _gallery.error


def try_again() -> None:
    _gallery.error = ""
    look()


def look() -> None:
    """For panels that are drawn, and after changes: begins to bring the pictures up to date."""
    if not bpy.app.background and not bpy.app.timers.is_registered(_tick):
        bpy.app.timers.register(_tick, first_interval=0.0, persistent=True)


def end() -> None:
    """Ends what is under way."""
    if bpy.app.timers.is_registered(_tick):
        bpy.app.timers.unregister(_tick)
    if _gallery.pending is not None:
        _gallery.pending.cancel()
    _gallery.steps, _gallery.pending, _gallery.error = None, None, ""


def _tick() -> float | None:
    return _PAUSE if _step() else None


def _step() -> bool:
    """Goes on with the picture that is made, or begins the next one; whether there is more to do."""
    context = bpy.context
    if not form(context).open or _gallery.error:
        return False
    if _gallery.pending is not None and not _gallery.pending.done:
        return True
    if _gallery.steps is None:
        ob = context.object
        if not model.has_controls(ob):
            return False
        missing = [name for name in EXPRESSIONS if not pictures.icons.has(icon_name(ob, name))]
        if not missing:
            return False
        _gallery.name = icon_name(ob, missing[0])
        _gallery.steps = pictures.drawn(ob, EXPRESSIONS[missing[0]].weights)
    try:
        _gallery.pending = next(_gallery.steps)
    except StopIteration as finished:
        _gallery.steps, _gallery.pending = None, None
        pictures.icons.show(_gallery.name, pictures.SIDE, pixels(finished.value))
        ui.redraw()
    except (DGTalkerError, ReferenceError) as error:
        _gallery.steps, _gallery.pending = None, None
        if isinstance(error, DGTalkerError):  # the head was removed otherwise
            _gallery.error = str(error)
        ui.redraw()
    return True
