"""The recipe of gsplat's wheel: what it says where it cannot build, and that all pins agree."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from pathlib import Path

import pytest
import torch

from dgtalker_engine.gaussians import backend

WHEELS = Path(__file__).resolve().parents[2] / "wheels"


def recipe(*arguments: str, **variables: str) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, str(WHEELS / "build_gsplat.py"), *arguments]
    return subprocess.run(command, capture_output=True, text=True, check=False, env={**os.environ, **variables})


@pytest.mark.parametrize("arguments", [["--check"], []])
def test_without_nvcc_the_error_says_what_is_missing(tmp_path, arguments):
    answer = recipe(*arguments, CUDA_HOME=str(tmp_path))
    assert answer.returncode == 1
    assert "nvcc" in answer.stderr
    assert str(tmp_path) in answer.stderr
    assert "Traceback" not in answer.stderr


@pytest.mark.skipif(torch.version.cuda is not None, reason="this PyTorch has CUDA: the recipe would build")
def test_without_a_pytorch_that_has_cuda_the_error_says_so(tmp_path):
    """A toolkit is there, as far as can be seen."""
    for name in ("bin/nvcc", "bin/nvcc.exe", "include/cuda.h"):
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).touch()
    assert recipe("--check", CUDA_HOME=str(tmp_path)).returncode == 0
    answer = recipe(CUDA_HOME=str(tmp_path))
    assert answer.returncode == 1
    assert f"PyTorch {torch.__version__}, which is built without CUDA" in answer.stderr


def test_the_pins_agree(monkeypatch):
    """gsplat is built against the PyTorch that the engine has, and is the version that the gate accepts."""
    monkeypatch.syspath_prepend(str(WHEELS.parent))
    from building import environments

    sources = re.search(
        r'SOURCES = "gsplat==(\S+) --hash=sha256:[0-9a-f]{64}"', (WHEELS / "build_gsplat.py").read_text()
    )
    assert sources
    assert sources[1] == backend.GSPLAT
    assert set(environments.CUDA.locks) & set(environments.ENGINE.locks) == {
        "engine.txt",
        environments.TORCH,
        "capture.txt",
        "signing.txt",
        "training.txt",
    }
    assert re.search(r"(?m)^torch==", (WHEELS / environments.TORCH).read_text())
    assert not re.search(r"(?m)^(torch|gsplat)==", (WHEELS / "cuda.txt").read_text()), "no second pin"
