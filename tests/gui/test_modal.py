"""The cases of modal.py, each as a test, one after another in one real Blender window."""

from __future__ import annotations

import ast
import os
import subprocess
from pathlib import Path

import pytest

SCRIPT = Path(__file__).with_name("modal.py")


def names() -> list[str]:
    """The cases in their order; read, since the script itself needs Blender."""
    for node in ast.parse(SCRIPT.read_text(encoding="utf-8")).body:
        if isinstance(node, ast.Assign) and ast.unparse(node.targets[0]) == "CASES":
            return [ast.unparse(case) for case in node.value.elts]
    raise AssertionError("modal.py has no CASES")


class Window:
    """A Blender that goes through the cases and says of each how it went."""

    def __init__(self, command: list[str], variables: dict[str, str]):
        self.process = subprocess.Popen(
            command, env=variables, text=True, stdout=subprocess.PIPE, stderr=subprocess.STDOUT
        )
        self.said: dict[str, tuple[str, str]] = {}

    def verdict(self, case: str) -> tuple[str, str]:
        """What Blender says of a case, as soon as it does: "ok" or "failed", and what it printed meanwhile."""
        printed = ""
        while case not in self.said:
            line = self.process.stdout.readline()
            name, _, word = line.strip().partition(": ")
            if not line:
                return f"Blender ended with exit code {self.process.wait()}", printed
            if name in names():
                self.said[name] = (word, printed)
                printed = ""
            else:
                printed += line
        return self.said[case]


@pytest.fixture(scope="session")
def window(request, blender, screen, tmp_path_factory):
    if not {"DGTALKER_ZIP", "DGTALKER_ENGINE_PYTHON"} <= os.environ.keys():
        pytest.exit("run these tests with: python build.py test tests/gui", returncode=2)
    profile = str(tmp_path_factory.mktemp("profile"))
    wanted = [item.callspec.params["case"] for item in request.session.items if hasattr(item, "callspec")]
    command = [blender, "--factory-startup", "--enable-event-simulate", "-p", "0", "0", "1600", "1000"]
    started = Window(
        [*command, "--python", str(SCRIPT), "--", *wanted],
        {**screen, "BLENDER_USER_RESOURCES": profile, "XDG_DATA_HOME": profile},
    )
    yield started
    started.process.kill()
    started.process.wait()


@pytest.mark.parametrize("case", names())
def test_operators_that_wait_for_the_engine_in_a_window(case, window):
    word, printed = window.verdict(case)
    assert word == "ok", printed
