"""Where the engine's Python is. No Blender."""

from __future__ import annotations

import json
import os
import sys
from pathlib import Path
from typing import Any

from dgtalker_engine.errors import DGTalkerError
from dgtalker_engine.files import write_target

NONE_INSTALLED = "No engine is installed."
INSTALL = (
    "Press Install Engine in the extension's preferences, or choose the engine's Python there "
    "(in the repository: `python build.py package`, then look in the preferences)."
)


def data_folder() -> Path:
    """The user's folder that all Blender versions share, with what is installed and `engine.json`, which says where."""
    if sys.platform == "win32":
        base = Path(os.environ.get("LOCALAPPDATA") or Path.home() / "AppData" / "Local")
    elif sys.platform == "darwin":
        base = Path.home() / "Library" / "Application Support"
    else:
        base = Path(os.environ.get("XDG_DATA_HOME") or Path.home() / ".local" / "share")
    return base / "dgtalker"


def jobs_folder() -> Path:
    """Where this user's trainings are, whichever Blender started them."""
    return data_folder() / "jobs"


def remembered() -> str:
    """The engine's Python as `engine.json` has it (``{"python": path, "engines": [path, …]}``), or nothing."""
    python = _record().get("python")
    return python if isinstance(python, str) else ""


def known() -> list[str]:
    """The Pythons of all engines that were built on this machine and are still there, as `engine.json` has them."""
    every = _record().get("engines")
    named = [python for python in every if isinstance(python, str)] if isinstance(every, list) else []
    return [python for python in dict.fromkeys([remembered(), *named]) if python and Path(python).is_file()]


def remember(python: Path) -> None:
    """Makes this the engine that every Blender of this user uses.

    Raises:
        DGTalkerError: `engine.json` cannot be written.
    """
    _write(str(python), [*known(), str(python)])


def forget(python: Path) -> None:
    """Takes an engine out of `engine.json`; where it was the one in use, the one that was added last takes its place.

    Raises:
        DGTalkerError: `engine.json` cannot be written.
    """
    others = [each for each in known() if each != str(python)]
    used = remembered()
    _write(used if used in others else (others[-1] if others else ""), others)


def installed(python: Path | str) -> Path | None:
    """The environment of an engine that was installed by the extension's button; None for any other."""
    path = Path(python)
    environment = path.parent.parent
    ours = environment.parent == data_folder() and environment.name.startswith("env-")
    return environment if ours else None


def _write(used: str, engines: list[str]) -> None:
    record = {"python": used, "engines": list(dict.fromkeys(engines))}
    write_target(data_folder() / "engine.json", json.dumps(record).encode())


def _record() -> dict[str, Any]:
    try:
        record = json.loads((data_folder() / "engine.json").read_bytes())
    except (OSError, ValueError, RecursionError):
        return {}
    return record if isinstance(record, dict) else {}


def engine_python(preferred: str = "") -> Path:
    """The Python that the engine runs on.

    Args:
        preferred: the user's choice; empty for the one that was installed.

    Raises:
        DGTalkerError: there is none, or it is not a program.
    """
    chosen = preferred or remembered()
    if not chosen:
        raise DGTalkerError(NONE_INSTALLED, INSTALL, code="no_engine")
    python = Path(chosen)
    if not python.is_absolute() or chosen.startswith("//"):
        # It would be looked for in whatever folder Blender was started from.
        raise DGTalkerError(
            f"The engine's Python {chosen} is not a whole path.",
            "Choose it in the extension's preferences, from the root of its disk on.",
            code="no_engine",
        )
    if not python.is_file() or not os.access(python, os.X_OK):
        hint = "Choose another in the extension's preferences, or install the engine there again."
        raise DGTalkerError(f"The engine's Python {python} is not there, or is not a program.", hint, code="no_engine")
    return python
