"""Adds heads that have just been made to the scenes that wait for them."""

from __future__ import annotations

from typing import Any

import bpy

from .. import ui
from ..head import add, operators
from . import awaited
from .overview import JobView

_waiting: dict[str, str] = {}
"""Files of heads that are done, by their jobs."""


def finished(view: JobView) -> None:
    """A job has finished before our eyes."""
    if awaited.scenes(view.id):
        _waiting[view.id] = view.request.output


def waits() -> bool:
    """Whether a head has yet to be added."""
    return bool(_waiting)


def forget() -> None:
    _waiting.clear()


def add_waiting() -> None:
    """Adds what can be added now: a scene must be in a window, in Object Mode, and nothing be rendering."""
    if not _waiting or bpy.app.is_job_running("RENDER"):
        return
    for job, file in list(_waiting.items()):
        for window in bpy.context.window_manager.windows:
            if window.scene in awaited.scenes(job):
                _add(window, job, file)
        if not awaited.scenes(job):  # done; or another file was opened, or somebody thought better of it
            del _waiting[job]


def _add(window: bpy.types.Window, job: str, file: str) -> None:
    override: Any = bpy.context.temp_override(window=window)
    with override:
        if not add.disabled_reason(bpy.context):
            awaited.remove(window.scene, job)
            ui.press(operators.AddHeadFromFile, filepath=file)
