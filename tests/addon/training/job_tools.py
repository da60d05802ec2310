"""What tests of jobs share: the program that runs them with tiny trainers, and waiting for it. Needs no Blender."""

from __future__ import annotations

import os
import time
from pathlib import Path

HERE = Path(__file__).resolve().parent
TINY = HERE.parents[1] / "engine" / "training"

LAUNCHER = """
import json, os, sys
from pathlib import Path

sys.path[:0] = [{tiny!r}, {here!r}]
command, folder = sys.argv[4], Path(sys.argv[5])
if command == "job" and json.loads((folder / "request.json").read_bytes())["trainer"] == "gaussiantalker":
    import tiny_head

    sys.exit(tiny_head.run(folder))
from dgtalker_engine import systems
from dgtalker_engine.cli.main import main
from dgtalker_engine.server.loading import loading

if command == "job":
    import uncompiled

    uncompiled.spare()
    with loading():
        import tiny

    systems.TRAINERS["tiny"] = tiny.train_job
sys.exit(main(sys.argv[4:]))
"""


def write_python(folder: Path) -> Path:
    """A program that stands in for the engine's Python, which DGTALKER_ENGINE_PYTHON names, and knows the trainers."""
    (folder / "launcher.py").write_text(LAUNCHER.format(tiny=str(TINY), here=str(HERE)))
    engine = os.environ["DGTALKER_ENGINE_PYTHON"]
    python = folder / "python"
    python.write_text(f'#!/usr/bin/env bash\nexec "{engine}" -I "{folder / "launcher.py"}" "$@"\n')
    python.chmod(0o755)
    return python


def allow(video: Path, steps: int | str) -> None:
    """Lets `tiny_head` do this many steps for a video, or what else is said."""
    new = video.with_name("new")
    new.write_text(str(steps))
    new.replace(video.with_name("go"))


def wait_until(condition, timeout=60.0):
    """What the condition says once it says something."""
    started = time.monotonic()
    while not (said := condition()):
        assert time.monotonic() - started < timeout, "waited in vain"
        time.sleep(0.01)
    return said
