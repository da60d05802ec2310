"""Keeps the gallery's pictures up to date with its form.

One picture is asked for at a time, the one who is chosen first: whatever has changed meanwhile is what is asked for
next, so sliders can be dragged, and Blender never waits.
"""

from __future__ import annotations

import json
from dataclasses import dataclass

import bpy
import numpy as np

from dgtalker_engine.errors import DGTalkerError
from dgtalker_engine.wire.people import PersonRequest

from .. import ui
from ..bridge import engine
from ..bridge.modal import Waiting
from . import form, previews
from .properties import fill

_SHORT, _PAUSE = 0.03, 0.2


@dataclass
class _Gallery:
    """What is shown, what is on its way, and why nothing more comes."""

    shown: dict[str, PersonRequest]
    asked: tuple[form.Portrait, engine.Pending] | None = None
    error: str = ""
    made: Waiting | None = None


_gallery = _Gallery({})


def error() -> str:
    """Why no pictures come; empty where they do."""
    return _gallery.error


def is_shown(name: str, person: PersonRequest) -> bool:
    """Whether the picture of this name is of that person by now."""
    return _gallery.shown.get(name) == person


def is_of(name: str, person: PersonRequest) -> bool:
    """Whether the picture of this name is of that person, if with other traits."""
    shown = _gallery.shown.get(name)
    return shown is not None and shown.seed == person.seed


def making() -> Waiting | None:
    """The head that is being made."""
    return _gallery.made


def set_making(pending: Waiting | None) -> None:
    _gallery.made = pending
    look()


def try_again() -> None:
    _gallery.error = ""
    look()


def ask(portrait: form.Portrait) -> engine.Pending:
    """Asks the engine for a picture; give the answer to `picture_of`."""
    body = json.dumps([portrait.person.to_json()]).encode()
    return engine.submit("draw_people", {"side": portrait.side}, body)


def picture_of(portrait: form.Portrait, pending: engine.Pending) -> np.ndarray:
    """uint8 (side, side, 4), top row first. Raises DGTalkerError where there is none."""
    picture = np.frombuffer(pending.result().body, np.uint8)
    return picture.reshape(portrait.side, portrait.side, 4)


def look() -> None:
    """For panels that are drawn, and after changes: begins to bring the pictures up to date."""
    if not bpy.app.background and not bpy.app.timers.is_registered(_tick):
        bpy.app.timers.register(_tick, first_interval=0.0, persistent=True)


def forget() -> None:
    """Ends what is under way, and asks anew when the gallery is opened next."""
    if bpy.app.timers.is_registered(_tick):
        bpy.app.timers.unregister(_tick)
    if _gallery.asked:
        _gallery.asked[1].cancel()
    _gallery.asked, _gallery.error = None, ""
    _gallery.shown.clear()


def end() -> None:
    """Ends everything, the head that is being made too."""
    forget()
    if _gallery.made is not None:
        _gallery.made.cancel()
        _gallery.made = None


def _tick() -> float | None:
    busy = _step()
    if _gallery.made is not None:  # its progress is shown
        ui.redraw()
        return _SHORT if busy else _PAUSE
    return _SHORT if busy else None


def _step() -> bool:
    """Takes the picture that has come, and asks for the next one; whether there is more to do."""
    context = bpy.context
    if not form.properties(context).open:
        return False
    if _gallery.asked:
        if not _gallery.asked[1].done:
            return True
        _take(*_gallery.asked)
        _gallery.asked = None
        ui.redraw()
    if _gallery.error:
        return False
    wanted = next((each for each in form.portraits(context) if not is_shown(each.name, each.person)), None)
    if wanted is not None:
        _gallery.asked = wanted, ask(wanted)
    return wanted is not None


def _take(portrait: form.Portrait, pending: engine.Pending) -> None:
    try:
        picture, traits = picture_of(portrait, pending), pending.result().header["traits"][0]
    except DGTalkerError as error:
        _gallery.error = str(error)
        return
    previews.show(portrait.name, picture)
    _gallery.shown[portrait.name] = portrait.person
    chosen = form.request(bpy.context)
    if portrait.name == form.CHOSEN and portrait.person == chosen:
        fill(form.properties(bpy.context), traits)
