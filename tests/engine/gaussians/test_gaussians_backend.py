"""The gate: which renderer draws, why, and that nothing is ever compiled on the way."""

from __future__ import annotations

import importlib
import importlib.machinery
import os
import subprocess
import sys

import numpy as np
import pytest
import torch

from dgtalker_engine.errors import DGTalkerError
from dgtalker_engine.gaussians import backend, reference, render
from dgtalker_engine.gaussians.cuda import self_test

no_gpu = pytest.mark.skipif(not backend.device_problem(), reason="there is a GPU")


def python(program: str, **variables) -> str:
    finished = subprocess.run(
        [sys.executable, "-I", "-c", program],
        capture_output=True,
        text=True,
        check=False,
        env={**os.environ, **variables},
    )
    assert finished.returncode == 0, finished.stderr
    return finished.stdout


@pytest.fixture
def fake_gsplat(tmp_path, monkeypatch):
    """``fake_gsplat(*, version, compiled, init)``: a package that notes when it "compiles"."""

    def install(*, version: str | None = backend.GSPLAT, compiled: str | None = None, init: str = ""):
        package = tmp_path / "gsplat"
        (package / "cuda").mkdir(parents=True)
        (package / "__init__.py").write_text(init)
        (package / "cuda" / "__init__.py").touch()
        (package / "cuda" / "_backend.py").write_text(
            "import pathlib\n"
            "try:\n    from gsplat import csrc as _C\n"
            f"except ImportError:\n    pathlib.Path({str(tmp_path / 'compiled')!r}).touch()\n    _C = None\n"
        )
        if compiled is not None:
            (package / compiled).write_bytes(b"not a library")
        if version is not None:
            folder = tmp_path / f"gsplat-{version}.dist-info"
            folder.mkdir()
            (folder / "METADATA").write_text(f"Metadata-Version: 2.1\nName: gsplat\nVersion: {version}\n")
        monkeypatch.syspath_prepend(str(tmp_path))
        importlib.invalidate_caches()
        return tmp_path

    yield install
    for name in [name for name in sys.modules if name.split(".")[0] == "gsplat"]:
        del sys.modules[name]


def test_the_choice_has_a_reason_and_stays():
    choice = backend.chosen()
    assert choice.name in backend.NAMES
    assert choice.reason.endswith(".")
    assert backend.chosen() is choice


@no_gpu
def test_without_a_gpu_the_processor_is_chosen_and_cuda_says_why(head, look):
    assert backend.chosen().name == "cpu"
    with pytest.raises(DGTalkerError) as caught:
        render(head(10), look((0, -1, 0), 8, 8), backend="cuda")
    assert caught.value.code == "no_gpu"
    assert backend.device_problem() in caught.value.message
    assert "DGTALKER_BACKEND" in caught.value.hint


def test_a_renderer_that_there_is_not(head, look):
    with pytest.raises(DGTalkerError, match="no renderer 'vulkan'"):
        render(head(10), look((0, -1, 0), 8, 8), backend="vulkan")


def test_the_setting_forces_the_processor():
    program = "from dgtalker_engine.gaussians import backend; print(backend.chosen())"
    answer = python(program, DGTALKER_BACKEND="cpu")
    assert "name='cpu'" in answer
    assert "DGTALKER_BACKEND is set to cpu." in answer


@no_gpu
@pytest.mark.parametrize("value", ["cuda", "nonsense"])
def test_a_setting_that_cannot_be_followed_is_said_and_not_passed_over(value):
    program = """
from dgtalker_engine.errors import DGTalkerError
from dgtalker_engine.gaussians import backend
for _ in range(2):
    try:
        backend.chosen()
    except DGTalkerError as error:
        print(error)
"""
    answer = python(program, DGTALKER_BACKEND=value).splitlines()
    assert len(answer) == 2
    assert all(("GPU: " if value == "cuda" else "'nonsense'") in line for line in answer)


def test_such_a_setting_does_not_keep_the_engine_from_starting():
    program = "from dgtalker_engine.gaussians import warm_up; warm_up(); print('ready')"
    assert "ready" in python(program, DGTALKER_BACKEND="no")


@pytest.mark.parametrize(
    ("installed", "reason"),
    [
        ({}, "without its compiled part"),
        ({"compiled": "csrc.cpython-27-other.so"}, "without its compiled part"),
        ({"compiled": "csrc.cu"}, "without its compiled part"),
        ({"version": "1.6.0", "compiled": "csrc" + importlib.machinery.EXTENSION_SUFFIXES[-1]}, "gsplat 1.6.0"),
        ({"version": None, "compiled": "csrc" + importlib.machinery.EXTENSION_SUFFIXES[-1]}, "not a package"),
    ],
)
def test_gsplat_that_cannot_be_used_is_not_even_imported(fake_gsplat, installed, reason):
    fake_gsplat(**installed, init="raise SystemExit('gsplat was imported')")
    assert reason in backend.extension_problem()
    assert "gsplat" not in sys.modules


def test_a_compiled_part_that_does_not_load_starts_no_compiler(fake_gsplat):
    """As one built for another PyTorch: gsplat itself would compile another one now."""
    folder = fake_gsplat(compiled="csrc" + importlib.machinery.EXTENSION_SUFFIXES[-1])
    assert backend.extension_problem() == ""
    assert "cannot be loaded" in backend.load_problem()
    assert not (folder / "compiled").exists()
    assert "gsplat.cuda._backend" not in sys.modules
    importlib.import_module("gsplat.cuda._backend")
    assert (folder / "compiled").exists(), "the stand-in would not have noticed"


def test_a_compiled_part_that_loads_is_the_one_that_gsplat_uses(fake_gsplat):
    folder = fake_gsplat()
    (folder / "gsplat" / "csrc.py").touch()
    assert backend.load_problem() == ""
    assert not (folder / "compiled").exists()


def test_the_self_test_accepts_the_references_picture_and_no_other():
    def draw(fault):
        def drawn(clouds, cameras):
            images = [reference.render(cloud, camera) for cloud, camera in zip(clouds, cameras, strict=True)]
            return [fault(np.float32(i.rgb), np.float32(i.alpha), np.float32(i.depth)) for i in images]

        return drawn

    def fail(clouds, cameras):
        raise torch.AcceleratorError("CUDA error: no kernel image is available for execution on the device\nmore")

    assert self_test.problem(draw(lambda rgb, alpha, depth: (rgb, alpha, depth))) == ""
    assert "differs" in self_test.problem(draw(lambda rgb, alpha, depth: (rgb[::-1], alpha, depth)))
    assert "differs" in self_test.problem(draw(lambda rgb, alpha, depth: (rgb, alpha, depth * 1.01)))
    assert "differs" in self_test.problem(draw(lambda rgb, alpha, depth: (rgb * np.float32(np.nan), alpha, depth)))
    assert self_test.problem(fail).endswith("no kernel image is available for execution on the device")
