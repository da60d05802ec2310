"""build.py where something goes wrong: one clear message, and the next run mends it."""

from __future__ import annotations

import importlib.util
import sys
from pathlib import Path

import pytest

REPOSITORY = Path(__file__).resolve().parents[2]


@pytest.fixture
def build(tmp_path, monkeypatch):
    """The module, with its environments and locks in a folder of the test; nothing is downloaded."""
    spec = importlib.util.spec_from_file_location("build_under_test", REPOSITORY / "build.py")
    module = importlib.util.module_from_spec(spec)
    monkeypatch.setitem(sys.modules, spec.name, module)
    spec.loader.exec_module(module)
    monkeypatch.setattr(module, "BUILD", tmp_path / ".build")
    monkeypatch.setattr(module, "WHEELS", tmp_path)
    monkeypatch.setenv("PIP_NO_INDEX", "1")
    return module


def test_an_environment_that_could_not_be_finished_is_not_taken_for_one(build, tmp_path, capfd):
    (tmp_path / "lock.txt").write_text("no-such-package==1.0\n")
    environment = build.Environment("small", None, ("lock.txt",))
    left_over = environment.folder / "left-over"
    left_over.parent.mkdir(parents=True)
    left_over.touch()
    with pytest.raises(build.BuildError, match="pip install"):
        build.ensure(environment)
    assert "no-such-package" in capfd.readouterr().err
    assert not left_over.exists(), "what an earlier run left unfinished was made anew"
    assert not (environment.folder / "build-stamp").exists(), "the next run makes it anew too"


def test_a_recording_that_is_not_there_is_named_before_anything_is_made(build, tmp_path, capsys):
    assert build.main(["demo", str(tmp_path / "nothing.wav")]) == 1
    assert "nothing.wav" in capsys.readouterr().err
    assert not (tmp_path / ".build").exists()


def test_paths_without_tests_are_refused_before_anything_is_made(build, tmp_path, capsys):
    assert build.main(["test", "tests/gui"]) == 1
    assert "tests/addon" in capsys.readouterr().err
    assert not (tmp_path / ".build").exists()


def test_an_unknown_bench_names_the_others(build, capsys):
    assert build.main(["bench", "nothing"]) == 1
    assert "wire" in capsys.readouterr().err


def test_an_old_python_is_named(build):
    with pytest.raises(build.BuildError, match=r"3\.9.*3\.10"):
        build.check_python((3, 9))


def test_a_file_in_the_way_is_a_message(build, tmp_path, capsys):
    (tmp_path / ".build").write_text("in the way")
    (tmp_path / "tools.txt").write_text("")
    assert build.main(["package"]) == 1
    assert ".build" in capsys.readouterr().err
