"""The installation of this Blender: begun with the user's settings, watched by a timer, which draws its progress."""

from __future__ import annotations

import functools
from pathlib import Path
from typing import Any

import bpy

from dgtalker_engine.errors import Cancelled, DGTalkerError

from ... import ui
from ...bridge import engine, find
from .. import environment, plan
from ..installation import Installation
from ..plan import Plan
from ..sources import PYPI, PYTORCH, Sources

EXTENSION = str(__package__).rsplit(".", 2)[0]

_WHEELS = Path(__file__).parents[2] / "wheels"
_SECONDS = 0.2
_ENDING = 5.0

_current: Installation | None = None
failure: DGTalkerError | None = None
"""Of the last installation."""


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


def planned(with_capture: bool, anew: bool = False) -> Plan:
    """What an installation would do now.

    Raises:
        DGTalkerError: the engine cannot be installed on this computer.
    """
    return _plan(find.data_folder(), with_capture or has_capture(), anew, _folder())


def has_capture() -> bool:
    """Whether the engine in use was installed by the button, with what looks at videos."""
    python = engine.state().python
    installed = find.installed(python) if python else None
    return environment.has_capture(installed) if installed else False


def current() -> Installation | None:
    """The installation that is under way."""
    return _current


def begin(with_capture: bool, anew: bool = False) -> Installation:
    """Begins an installation in a thread of its own.

    Raises:
        DGTalkerError: as `planned`.
    """
    global _current, failure
    failure = None
    _current = Installation(planned(with_capture, anew), sources())
    return _current


def watch() -> None:
    """Draws its progress until it is done."""
    bpy.app.timers.register(_look, first_interval=_SECONDS, persistent=True)


def finish(installation: Installation) -> None:
    """Takes over what an installation has made, in Blender's main thread."""
    global _current, failure
    _current, failure = None, None
    if installation.error is None:
        own = settings()
        own.engine_python = ""
        bpy.context.preferences.is_dirty = True
        engine.stop()
    elif not isinstance(installation.error, Cancelled):
        failure = installation.error
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
def _plan(home: Path, with_capture: bool, anew: bool, folder: Path | None) -> Plan:
    return plan.make(home, _WHEELS, with_capture=with_capture, anew=anew, folder=folder)
