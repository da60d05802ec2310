"""Another Blender, without a window, whose output is read. No Blender in here."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Mapping, Sequence

_DROPPED = ("BLENDER_USER_", "PYTHON")
"""Beginnings of variables that lead to the user's own profile, or to another Python."""


def inherited(*dropped: str) -> dict[str, str]:
    """The environment without what would lead to the user's own profile, to another Python, or begins otherwise as
    said."""
    return {name: value for name, value in os.environ.items() if not name.startswith((*_DROPPED, *dropped))}


def started(command: Sequence[str], environment: Mapping[str, str], *, asked: bool) -> subprocess.Popen[str]:
    """The process, all of whose output is one text.

    Args:
        asked: whether it is told anything by its standard input.

    Raises:
        OSError: it cannot be started.
    """
    return subprocess.Popen(
        command,
        env=environment,
        stdin=subprocess.PIPE if asked else subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        encoding="utf-8",
        errors="replace",
        creationflags=subprocess.CREATE_NO_WINDOW if sys.platform == "win32" else 0,
    )
