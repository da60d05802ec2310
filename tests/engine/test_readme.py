"""The README's commands do what it says, as a newcomer types them."""

from __future__ import annotations

import json
import os
import re
import shlex
import subprocess
import sys
from pathlib import Path

import pytest

REPOSITORY = Path(__file__).resolve().parents[2]
README = (REPOSITORY / "README.md").read_text(encoding="utf-8")
COMMANDS = [line for block in re.findall(r"```sh\n(.*?)```", README, re.DOTALL) for line in block.splitlines()]
ENGINE = ".build/envs/engine/bin/python"


def type_in(command: str, folder: Path, *further: str) -> str:
    """Run a command of the README in the repository with its outputs under `folder`; returns what it printed."""
    words = [sys.executable if word in ("python", ENGINE) else word for word in shlex.split(command)]
    words = [str(folder / word) if before == "-o" else word for before, word in zip(["", *words], words, strict=False)]
    variables = {**os.environ, "XDG_DATA_HOME": str(folder / "data")}
    answer = subprocess.run([*words, *further], cwd=REPOSITORY, env=variables, capture_output=True, text=True)
    assert answer.returncode == 0, answer.stdout + answer.stderr
    return answer.stdout


def test_the_readme_has_the_two_commands_of_the_project():
    assert "python build.py test" in COMMANDS
    assert "python build.py demo" in COMMANDS


@pytest.mark.parametrize("command", [command for command in COMMANDS if "dgtalker_engine" in command])
def test_the_engine_s_commands(command, tmp_path):
    type_in(command, tmp_path)
    if " animate " in command:
        performance = json.loads((tmp_path / "performance.json").read_text())
        assert len(performance["weights"][0]) == len(performance["names"])
    if " speak " in command:
        assert len(list((tmp_path / "frames").glob("*.png"))) > 12


def test_the_package_command_leaves_an_extension_and_tells_it_where_the_engine_is(tmp_path):
    type_in("python build.py package", tmp_path, "--out", str(tmp_path))
    assert list(tmp_path.glob("dgtalker-*.zip"))
    assert Path(json.loads((tmp_path / "data" / "dgtalker" / "engine.json").read_text())["python"]).is_file()


def test_the_test_command_runs_tests(tmp_path):
    printed = type_in("python build.py test", tmp_path, "tests/engine/test_blender_names.py", "-q")
    assert re.search(r"^[1-9]\d* passed, 0 failed, 0 skipped$", printed, re.MULTILINE)


@pytest.mark.timeout(600)
def test_the_demo_command_leaves_frames_a_film_a_contact_sheet_and_the_blend(tmp_path):
    printed = type_in("python build.py demo", tmp_path, "--out", str(tmp_path / "demo"))
    frames = list((tmp_path / "demo" / "frames").glob("frame_*.png"))
    assert len(frames) > 50
    assert min(frame.stat().st_size for frame in frames) > 10_000
    for name in ("talking_shot.mp4", "contact_sheet.png", "talking_shot.blend"):
        assert (tmp_path / "demo" / name).stat().st_size > 50_000
        assert name in printed
