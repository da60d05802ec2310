"""A Blender with a window: the one that DGTALKER_BLENDER names or that lies on the PATH, on a screen of Xvfb."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys

import pytest

OLDEST = (4, 5)


@pytest.fixture(scope="session")
def blender() -> str:
    """The program; where there is none, its tests are skipped and say why. One that was named has to do."""
    named = os.environ.get("DGTALKER_BLENDER")
    program = named or shutil.which("blender")
    if not program:
        pytest.skip("there is no Blender: set DGTALKER_BLENDER to one of 4.5 or newer, or put it on the PATH")
    answer = subprocess.run([program, "--version"], capture_output=True, text=True, timeout=120)
    version = re.search(r"^Blender (\d+)\.(\d+)", answer.stdout, re.MULTILINE)
    if version and (int(version[1]), int(version[2])) >= OLDEST:
        return program
    reason = f"{program} is no Blender of 4.5 or newer: {(answer.stdout + answer.stderr)[:200].strip()}"
    return pytest.fail(reason) if named else pytest.skip(reason)


@pytest.fixture(scope="session")
def screen(blender, tmp_path_factory):
    """The environment variables with which Blender opens its window: on a screen of Xvfb, else on the one at hand.

    DGTALKER_SCREEN is the file that holds what is on the screen of Xvfb.
    """
    # Blenders that run at once tear the file in which Mesa keeps compiled shaders.
    variables = {**os.environ, "MESA_SHADER_CACHE_DISABLE": "true"}
    if not shutil.which("Xvfb"):
        if sys.platform.startswith("linux") and not {"DISPLAY", "WAYLAND_DISPLAY"} & variables.keys():
            pytest.skip("there is no screen: install Xvfb")
        yield variables
        return
    reading, writing = os.pipe()
    folder = tmp_path_factory.mktemp("screen")
    variables["DGTALKER_SCREEN"] = str(folder / "Xvfb_screen0")
    command = ["Xvfb", "-displayfd", str(writing), "-screen", "0", "1600x1000x24", "-fbdir", str(folder)]
    server = subprocess.Popen(
        [*command, "+extension", "GLX", "-nolisten", "tcp"], pass_fds=[writing], stderr=subprocess.DEVNULL
    )
    os.close(writing)
    with os.fdopen(reading) as number:
        variables["DISPLAY"] = f":{number.readline().strip()}"
    variables.pop("WAYLAND_DISPLAY", None)  # Blender would prefer it
    assert variables["DISPLAY"] != ":", "Xvfb did not start"
    yield variables
    server.terminate()
    server.wait()
