"""Jobs with a tiny trainer in real processes."""

from __future__ import annotations

import contextlib
import json
import os
import signal
import sys
from pathlib import Path

import pytest

from dgtalker_engine.wire import jobs

LAUNCHER = """
import sys

sys.path[:0] = {path!r}
import uncompiled
from dgtalker_engine.server.loading import loading

uncompiled.spare()
with loading():
    import tiny
from dgtalker_engine import systems
from dgtalker_engine.cli.main import main

systems.TRAINERS["tiny"] = tiny.train_job
assert sys.argv[1:4] == ["-I", "-m", "dgtalker_engine"]
sys.exit(main(sys.argv[4:]))
"""


@pytest.fixture(scope="session")
def python(tmp_path_factory) -> Path:
    """Stands in for the engine's Python, and knows the tiny trainer."""
    folder = tmp_path_factory.mktemp("python")
    path = [str(Path(__file__).parent), *(entry or os.getcwd() for entry in sys.path)]
    (folder / "launcher.py").write_text(LAUNCHER.format(path=path))
    python = folder / "python"
    python.write_text(f'#!/bin/sh\nexec "{sys.executable}" -I "{folder / "launcher.py"}" "$@"\n')
    python.chmod(0o755)
    return python


def pid_of(job: jobs.Job) -> int:
    return json.loads((job.folder / "process.json").read_bytes())["pid"]


def kill(job: jobs.Job) -> None:
    """With a signal that it cannot see."""
    with contextlib.suppress(ProcessLookupError):
        os.kill(pid_of(job), signal.SIGKILL)


@pytest.fixture
def new_job(tmp_path):
    """``new_job(**config) -> Job``, not started; what still runs of them is killed with the test."""
    made = []

    def make(**config):
        output = str(tmp_path / f"result-{len(made)}")
        made.append(jobs.create(tmp_path / "jobs", jobs.Request(trainer="tiny", config=config, output=output)))
        return made[-1]

    yield make
    for job in made:
        if job.state is jobs.State.RUNNING and pid_of(job) != os.getpid():
            kill(job)
