"""What this Blender installs or removes: begun with the user's settings; a timer watches it and draws its progress."""

from __future__ import annotations

import functools
from collections.abc import Callable
from pathlib import Path
from typing import Any

import bpy

from dgtalker_engine.errors import Cancelled, DGTalkerError

from ... import ui
from ...bridge import engine, find
from .. import environment, installation, plan, removal
from ..control import Control
from ..installation import Task
from ..plan import Plan
from ..sources import PYPI, PYTORCH, Sources

EXTENSION = str(__package__).rsplit(".", 2)[0]

_WHEELS = Path(__file__).parents[2] / "wheels"
_SECONDS = 0.2
_ENDING = 5.0

BUSY = "The engine is being installed or removed."

_current: Task | None = None
_removes = ""
"""The engine's Python that it removes; empty where it installs."""
failure: DGTalkerError | None = None
"""Of the last task."""


def settings() -> Any:
    """The extension's preferences."""
    return bpy.context.preferences.addons[EXTENSION].preferences


def sources() -> Sources:
    """Where the user's settings say that files are."""
    own = settings()
    return Sources(
        folder=_folder(),
        pypi=own.package_index or PYPI,
        pytorch=own.pytorch_index or PYTORCH,
        online=bpy.app.online_access,
        timeout=float(bpy.context.preferences.system.network_timeout or 30),
    )


def planned(more: frozenset[str] = frozenset(), anew: bool = False) -> Plan:
    """What an installation would do now.

    Args:
        more: extras that are wanted besides those that are there.

    Raises:
        DGTalkerError: the engine cannot be installed on this computer.
    """
    return _plan(find.data_folder(), more | extras(), anew, _folder())


def extras() -> frozenset[str]:
    """What the engine in use has of what comes when it is first needed, where the button installed it."""
    python = engine.state().python
    installed = find.installed(python) if python else None
    return environment.extras(installed) if installed else frozenset()


def current() -> Task | None:
    """What is under way."""
    return _current


def begin(more: frozenset[str] = frozenset(), anew: bool = False) -> Task:
    """Begins an installation in a thread of its own.

    Raises:
        DGTalkerError: as `planned`.
    """
    wanted, places = planned(more, anew), sources()
    return _begin(lambda control: installation.install(wanted, places, control), "")


def begin_removal(python: str) -> Task:
    """Begins to remove an engine in a thread of its own: it may wait for another Blender, and deletes many files."""
    engine.stop()
    return _begin(lambda control: removal.uninstall(Path(python), control), python)


def _begin(work: Callable[[Control], object], removes: str) -> Task:
    global _current, _removes, failure
    _removes, failure = removes, None
    _current = Task(work)
    return _current


def watch() -> None:
    """Draws its progress until it is done."""
    bpy.app.timers.register(_look, first_interval=_SECONDS, persistent=True)


def finish(task: Task) -> None:
    """Takes over what was installed or removed, in Blender's main thread."""
    global _current, failure
    _current, failure = None, None
    if task.error is None:
        own = settings()
        if _removes in ("", own.engine_python):
            own.engine_python = ""
            bpy.context.preferences.is_dirty = True
        engine.stop()
    elif not isinstance(task.error, Cancelled):
        failure = task.error
    ui.redraw()


def stop() -> None:
    """The extension ends: nothing goes on unseen."""
    global _current
    if bpy.app.timers.is_registered(_look):
        bpy.app.timers.unregister(_look)
    if _current is not None:
        _current.control.cancel()
        _current.wait(_ENDING)
        _current = None
    _plan.cache_clear()


def _look() -> float | None:
    ui.redraw()
    if _current is None:
        return None
    if not _current.done:
        return _SECONDS
    finish(_current)
    return None


def _folder() -> Path | None:
    chosen = settings().wheels_folder
    return Path(bpy.path.abspath(chosen)) if chosen else None


@functools.cache
def _plan(home: Path, extras: frozenset[str], anew: bool, folder: Path | None) -> Plan:
    return plan.make(home, _WHEELS, extras=extras, anew=anew, folder=folder)
