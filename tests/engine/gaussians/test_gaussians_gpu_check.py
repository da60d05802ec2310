"""tests/gpu: what it says where there is no GPU, and that its checks run, with gsplat stood in for."""

from __future__ import annotations

import importlib.util
import json
import os
import shutil
import subprocess
import sys
from pathlib import Path

import head_cloud as heads
import pytest
import torch

from dgtalker_engine.gaussians import backend

SCRIPT = Path(__file__).resolve().parents[2] / "gpu" / "check.sh"
CPU = torch.device("cpu")

has_bash = pytest.mark.skipif(shutil.which("bash") is None, reason="needs bash")


def script(*arguments: str, **variables: str) -> subprocess.CompletedProcess[str]:
    command = ["bash", str(SCRIPT), *arguments]
    environment = {**os.environ, "PYTHON": sys.executable, **variables}
    return subprocess.run(command, capture_output=True, text=True, check=False, env=environment)


@pytest.fixture
def check(monkeypatch):
    """`tests/gpu/check.py` as a module."""
    monkeypatch.setattr(sys, "path", list(sys.path))
    spec = importlib.util.spec_from_file_location("gpu_check", SCRIPT.with_name("check.py"))
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


@has_bash
def test_the_script_is_one_that_bash_understands():
    assert subprocess.run(["bash", "-n", str(SCRIPT)], check=False).returncode == 0


@has_bash
def test_its_help_says_what_it_needs():
    answer = script("--help")
    assert answer.returncode == 0
    assert all(word in answer.stdout for word in ("GSPLAT_SDIST", "WHEELHOUSE", "PYTHON", "nvcc", "Exit codes"))
    assert script("--quick").returncode == 2


@has_bash
@pytest.mark.skipif(not backend.device_problem(), reason="there is a GPU: the script would build")
def test_without_a_gpu_it_says_so_and_leaves_nothing(tmp_path):
    answer = script(WORK=str(tmp_path / "work"))
    assert answer.returncode == 3
    assert "built without CUDA" in answer.stderr or "No NVIDIA GPU" in answer.stderr
    assert answer.stdout == ""
    assert not (tmp_path / "work").exists()
    assert "PyTorch" in script(PYTHON=str(tmp_path / "none")).stderr


@pytest.mark.skipif(not backend.device_problem(), reason="there is a GPU")
def test_the_report_of_a_machine_without_a_gpu_is_a_failure_with_its_reason(check, capsys):
    assert check.main(["--build-seconds", "3"]) == 1
    report = json.loads(capsys.readouterr().out)
    assert report["ok"] is False
    assert report["failures"] == [backend.gpu_problem()]
    assert report["build_s"] == 3
    assert report["differs_from_pins"]["gsplat"]["here"] is None


def test_stages_pictures_and_gradients_are_looked_at(check, raster):
    """Pictures and gradients of the stand-in are those of the processor; faults are found."""
    camera = heads.look_at((0.2, -0.6, 0.1), 36, 25)
    report = {
        "stages": list(check.stages.stages(CPU, heads.head_cloud(60, degree=2), camera)),
        "parity": list(check.parity(CPU, count=40, size=(24, 20))),
        "gradients": list(check.gradients(CPU, count=30, size=(24, 20))),
        "tests": {"returned": 0},
    }
    assert len(report["parity"]) == len(report["gradients"]) - 1 == 8
    assert [row["case"] for row in report["stages"]] == ["projection", "spherical harmonics", "blending"]
    assert check.failed(report) == []
    report["parity"][3]["db"] = [80.0, 60.0, 90.0]
    report["parity"][4]["stays"] = False
    report["gradients"][-1]["errors"]["quats"] = float("nan")
    report["stages"][2]["errors"]["gradients of opacities"] = 0.1
    assert len(check.failed(report)) == 4
    assert "stages, blending: gradients of opacities differ." in check.failed(report)
    assert "gradients, placed and merged: quats differ." in check.failed(report)


def test_the_benches_run(check, raster, monkeypatch):
    monkeypatch.setattr(check.speed, "bare_call", lambda *_: 1.0)
    figures = check.speed.bench(CPU, count=10, side=8, frames=2)
    assert all(figures[name] > 0 for name in ("one_frame_ms", "batch_frames_per_s", "training_step_ms"))
    assert set(figures["bars_met"]) == {"one_frame_ratio", "batch_frames_per_s"}
