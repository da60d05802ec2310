"""Real job processes with tiny trainers, and a second Blender of the same user."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest
from job_tools import write_python

# Blender's own Python may crash while it ends, so it ends here.
ANOTHER_BLENDER = """
import os, sys
from pathlib import Path
import bpy

bpy.ops.preferences.addon_enable(module="bl_ext.user_default.dgtalker")
bpy.context.preferences.addons["bl_ext.user_default.dgtalker"].preferences.engine_python = {python!r}
room = lambda name: sys.modules["bl_ext.user_default.dgtalker." + name]
from dgtalker_engine.wire import jobs

parent = room("bridge.find").data_folder() / "jobs"
{work}
sys.stdout.flush()
os._exit(0)
"""


@pytest.fixture(scope="session")
def python(tmp_path_factory) -> Path:
    """Stands in for the engine's Python, and knows the tiny trainers; all else it does as the engine."""
    return write_python(tmp_path_factory.mktemp("python"))


@pytest.fixture
def another_blender(python):
    """What a second Blender with the same user prints, line by line; it has ended when this returns."""

    def run(work: str) -> list[str]:
        command = [sys.executable, "-c", ANOTHER_BLENDER.format(work=work, python=str(python))]
        done = subprocess.run(command, stdout=subprocess.PIPE, text=True, check=True)
        return [line for line in done.stdout.splitlines() if line.strip()]

    return run
