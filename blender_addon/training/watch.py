"""Keeps panels up to date with the jobs of this user, whichever Blender started them.

A timer looks while a job runs, and when a panel that has not looked for a while is drawn; otherwise there is none. It
waits for no disk: `overview.Reader` does that. What Blender has to do for it takes less than a millisecond.
"""

from __future__ import annotations

import time
from collections.abc import Iterable
from pathlib import Path

import bpy

from dgtalker_engine.errors import DGTalkerError
from dgtalker_engine.wire import jobs
from dgtalker_engine.wire.jobs import Job, State

from .. import ui
from ..bridge import find
from . import adding, job_icons
from .overview import JobView, Reader

PAUSE = 1.0
"""Seconds between two looks at jobs that run."""

STALE = 3.0
"""Seconds after which a panel that is drawn looks again."""

_SHORT = 0.1

_reader = Reader()
_shown: tuple[JobView, ...] = ()
_looked = float("-inf")
_started: set[str] = set()
"""Jobs that this Blender has seen running: those that finish are news."""


def folder() -> Path:
    """Where this user's jobs are, whichever Blender started them."""
    return find.jobs_folder()


def views() -> tuple[JobView, ...]:
    """The jobs as last seen, the newest first."""
    return _shown


def find_job(name: str) -> Job:
    """The job of a name. Raises DGTalkerError where there is none any more."""
    for job in jobs.known(folder()):
        if job.folder.name == name:
            return job
    raise DGTalkerError("This training was removed meanwhile.")


def look() -> None:
    """For panels that are drawn: looks soon, unless that was done of late."""
    if time.monotonic() - _looked > STALE:
        soon()


def soon(started: str = "") -> None:
    """Looks as soon as Blender has time; `started` is a job that was just started here."""
    global _looked
    if started:
        _started.add(started)
    _looked = float("-inf")
    if bpy.app.background:  # where no timer ever fires
        refresh()
        return
    if bpy.app.timers.is_registered(_tick):
        bpy.app.timers.unregister(_tick)
    bpy.app.timers.register(_tick, first_interval=0.0, persistent=True)


def discard(job: Job) -> None:
    """Removes a job, after it has ended."""
    if job.state is State.RUNNING:
        job.cancel()
    _reader.discard(job)
    soon()


def refresh() -> None:
    """Looks now, and waits for it."""
    global _looked
    _looked = time.monotonic()
    _reader.read(folder())
    _take()


def _tick() -> float | None:
    global _looked
    if _reader.reading:
        return _SHORT
    _take()
    if time.monotonic() - _looked > PAUSE / 2:
        _looked = time.monotonic()
        _reader.begin(folder())
        return _SHORT
    changing = any(view.busy or view.discarded for view in _shown)
    return PAUSE if changing or adding.waits() else None


def _take() -> None:
    """What was read becomes what is shown; heads that are done are added."""
    global _shown
    if _reader.views is not _shown:
        changed = _reader.views != _shown
        _shown = _reader.views
        _note_finished(_shown)
        job_icons.update(_shown)
        if changed:
            ui.redraw()
    adding.add_waiting()


def _note_finished(views: Iterable[JobView]) -> None:
    for view in views:
        if view.busy:
            _started.add(view.id)
        elif view.id in _started:
            _started.discard(view.id)
            if view.state is State.FINISHED:
                adding.finished(view)


def add() -> None:
    job_icons.icons.add()
    if not bpy.app.background:
        # Blender is still starting; it has time for jobs once its window is there.
        bpy.app.timers.register(_tick, first_interval=PAUSE, persistent=True)


def remove() -> None:
    global _shown, _looked
    if bpy.app.timers.is_registered(_tick):
        bpy.app.timers.unregister(_tick)
    _shown, _looked = (), float("-inf")
    _started.clear()
    adding.forget()
    job_icons.remove()
