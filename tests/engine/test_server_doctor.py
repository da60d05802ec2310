"""The doctor's report."""

from __future__ import annotations

import importlib.util
import json
import subprocess
import sys
import types

import pytest

from dgtalker_engine.server import doctor


def test_every_line_says_something_and_problems_have_advice():
    report = doctor.examine()
    names = [line["name"] for line in report["lines"]]
    assert names == ["engine", "python", "packages", "torch", "gpu", "gsplat", "kernels", "speech", "avatars", "disk"]
    assert all(line["text"] for line in report["lines"])
    assert all(line["ok"] or line["advice"] for line in report["lines"])
    assert report["ok"] == all(line["ok"] for line in report["lines"])
    assert len(json.dumps(report)) < 16_000


def test_the_text_has_every_line_and_its_advice():
    report = doctor.examine()
    text = doctor.as_text(report)
    for line in report["lines"]:
        assert line["text"] in text
        assert line["advice"] in text


@pytest.mark.parametrize("compiled", [True, False])
def test_gsplat_is_judged_without_being_imported(tmp_path, monkeypatch, compiled):
    """Importing gsplat without its compiled part may start nvcc."""
    package = tmp_path / "gsplat"
    package.mkdir()
    (package / "__init__.py").write_text("raise SystemExit('gsplat was imported')")
    if compiled:
        (package / "csrc.so").write_bytes(b"")
    monkeypatch.syspath_prepend(str(tmp_path))
    importlib.invalidate_caches()
    line = doctor._gsplat()
    assert line["ok"]
    assert ("without its compiled part" in line["text"]) != compiled
    assert "gsplat" not in sys.modules


def test_a_broken_torch_is_reported_and_not_raised(monkeypatch):
    monkeypatch.setitem(sys.modules, "torch", None)
    assert not doctor._torch()["ok"]
    assert doctor._gpu()["text"]


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
