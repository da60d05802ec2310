"""Where the engine's Python is. No Blender."""

from __future__ import annotations

import json
import os
import sys
from pathlib import Path
from typing import Any

from dgtalker_engine.errors import DGTalkerError

NONE_INSTALLED = "No engine is installed."
INSTALL = "Run `python build.py package` in the repository, or choose the engine's Python in the preferences."


def data_folder() -> Path:
    """The user's folder that all Blender versions share; build.py writes `engine.json` there."""
    if sys.platform == "win32":
        base = Path(os.environ.get("LOCALAPPDATA") or Path.home() / "AppData" / "Local")
    elif sys.platform == "darwin":
        base = Path.home() / "Library" / "Application Support"
    else:
        base = Path(os.environ.get("XDG_DATA_HOME") or Path.home() / ".local" / "share")
    return base / "dgtalker"


def remembered() -> str:
    """The engine's Python as `engine.json` has it (``{"python": path, "engines": [path, …]}``), or nothing."""
    python = _record().get("python")
    return python if isinstance(python, str) else ""


def known() -> list[str]:
    """The Pythons of all engines that were built on this machine and are still there, as `engine.json` has them."""
    every = _record().get("engines")
    named = [python for python in every if isinstance(python, str)] if isinstance(every, list) else []
    return [python for python in dict.fromkeys([remembered(), *named]) if python and Path(python).is_file()]


def _record() -> dict[str, Any]:
    try:
        record = json.loads((data_folder() / "engine.json").read_bytes())
    except (OSError, ValueError, RecursionError):
        return {}
    return record if isinstance(record, dict) else {}


def engine_python(preferred: str = "") -> Path:
    """The Python that the engine runs on.

    Args:
        preferred: the user's choice; empty for the one that build.py made.

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
        hint = "Choose another in the extension's preferences." if preferred else "Run `python build.py package` again."
        raise DGTalkerError(f"The engine's Python {python} is not there, or is not a program.", hint, code="no_engine")
    return python
