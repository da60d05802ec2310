"""Stand-ins for the engine's Python: processes that run a program of the tests before, or in place of, the engine's."""

from __future__ import annotations

import sys
from pathlib import Path

NETWORK_KIND = Path(__file__).resolve().parents[1] / "network_kind"
REGISTERING = NETWORK_KIND / "program.py"
"""The engine, in a process that knows one more kind of avatar."""
LIGHT = Path(__file__).with_name("light_engine.py")
"""The engine, in a process that has loaded nothing yet."""

sys.path.append(str(NETWORK_KIND))
import network  # noqa: E402 (it lies in the folder added above)

__all__ = ["LIGHT", "NETWORK_KIND", "REGISTERING", "engine_python", "network"]


def engine_python(folder: Path, program: Path | str) -> str:
    """An executable that runs a program, given as its file or its text, with the arguments that Python would get."""
    if isinstance(program, str):
        text, program = program, folder / "program.py"
        program.write_text(text)
    python = folder / "python"
    python.write_text(f'#!/bin/sh\nexec "{sys.executable}" -I "{program}" "$@"\n')
    python.chmod(0o755)
    return str(python)
