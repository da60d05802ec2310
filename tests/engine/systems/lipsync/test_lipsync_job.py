"""The speech model as a job: a real process, from recordings and tracked clips to a file that the engine loads."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from speech_tools import SAMPLE
from test_lipsync_training import track

from dgtalker_engine.speech.lipsync.weights import Encoders
from dgtalker_engine.wire import jobs
from dgtalker_engine.wire.jobs import Request, State

CONFIG = {"steps": 2, "batch": 2, "crop": 100, "real_variants": 0, "synthetic_variants": 0,
          "espeak_seconds": 0.0, "flite_seconds": 0.0, "prompt_seconds": 0.0}  # fmt: skip


@pytest.fixture
def python(tmp_path) -> Path:
    """The engine's Python, with this tree's engine; a job asks for `-I -m dgtalker_engine`."""
    path = [entry or os.getcwd() for entry in sys.path]
    (tmp_path / "engine.py").write_text(
        f"import sys\nsys.path[:0] = {path!r}\n"
        "from dgtalker_engine.cli.main import main\nsys.exit(main(sys.argv[4:]))\n"
    )
    python = tmp_path / "python"
    python.write_text(f'#!/bin/sh\nexec "{sys.executable}" "{tmp_path / "engine.py"}" "$@"\n')
    python.chmod(0o755)
    return python


def test_a_job_makes_a_speech_model_of_recordings_and_tracked_clips(tmp_path, python, wait_until):
    (tmp_path / "input" / "somebody").mkdir(parents=True)
    for path in (SAMPLE, SAMPLE.with_suffix(".txt")):
        shutil.copy(path, tmp_path / "input" / "somebody")
    track(tmp_path / "input" / "clip.npz", lambda t: 0.5 + 0.5 * np.sin(7 * t))
    output = tmp_path / "speech.safetensors"
    request = Request(trainer="lipsync", config=CONFIG, input=str(tmp_path / "input"), output=str(output))
    job = jobs.create(tmp_path / "jobs", request)
    assert jobs.start(job, python)
    wait_until(lambda: job.state is not State.RUNNING, 250)
    assert job.state is State.FINISHED, (job.error, (job.folder / "log.txt").read_text())
    assert job.result == {"clips": ["clip"], "bytes": output.stat().st_size}
    assert job.progress["step"] == 2
    assert Encoders.load(output).clips == ("clip",)


def test_a_job_that_names_no_folder_is_told(tmp_path, python, wait_until):
    job = jobs.create(tmp_path / "jobs", Request(trainer="lipsync", config=CONFIG, output=str(tmp_path / "out")))
    assert jobs.start(job, python)
    wait_until(lambda: job.state is State.FAILED, 200)
    assert "no folder" in job.error.message


def test_the_list_of_trainers_is_had_without_torch():
    program = "import sys; import dgtalker_engine.systems as s; print(list(s.TRAINERS), 'torch' in sys.modules)"
    command = [sys.executable, "-c", program]
    environment = os.environ | {"PYTHONPATH": os.pathsep.join(entry or os.getcwd() for entry in sys.path)}
    done = subprocess.run(command, env=environment, stdout=subprocess.PIPE, text=True, check=True)
    assert done.stdout == "['lipsync', 'gaussiantalker', 'dgtalker', 'd3talker'] False\n"
