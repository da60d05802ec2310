"""What users have who never asked for videos: everything from a recording to a picture works on the base alone."""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path

REPOSITORY = Path(__file__).resolve().parents[3]

SCRIPT = """
import importlib.abc, importlib.metadata, sys

class Missing(importlib.abc.MetaPathFinder):
    def find_spec(self, name, path=None, target=None):
        if name.partition(".")[0] in NAMES:
            raise ModuleNotFoundError(f"No module named {name}", name=name)

packages = importlib.metadata.packages_distributions()
NAMES = {name for name, projects in packages.items() if {p.lower().replace("_", "-") for p in projects} <= LATER}
assert "torchmetrics" in NAMES and "cv2" in NAMES and "torch" not in NAMES, NAMES
sys.meta_path.insert(0, Missing())
version = importlib.metadata.version

def version_of(project):
    if project.lower().replace("_", "-") in LATER:
        raise importlib.metadata.PackageNotFoundError(project)
    return version(project)

importlib.metadata.version = version_of

from dgtalker_engine.cli.main import main
sys.exit(main(sys.argv[1:]))
"""


def later(*more: str) -> set[str]:
    """Projects that come with what looks at videos, and neither with the base nor with `more` locks."""
    locks = REPOSITORY / "wheels"

    def of(*names: str) -> set[str]:
        text = "".join((locks / name).read_text() for name in names)
        return {name.lower().replace("_", "-") for name in re.findall(r"(?m)^([\w.-]+)==", text)}

    return of("training.txt", "capture.txt", "signing.txt", "workshop.txt") - of("engine.txt", "torch.txt", *more)


def run(*arguments: object) -> subprocess.CompletedProcess[str]:
    program = f"LATER = {later()!r}" + SCRIPT
    command = [sys.executable, "-I", "-c", program, *map(str, arguments)]
    return subprocess.run(command, capture_output=True, text=True)


def test_a_recording_becomes_pictures_without_what_comes_with_videos(tmp_path):
    sound = REPOSITORY / "tests" / "demo" / "sample.wav"
    answer = run("speak", sound, "--avatar", "robin", "--size", 48, "--fps", 5, "-o", tmp_path / "out")
    assert answer.returncode == 0, answer.stderr
    pictures = [path.read_bytes() for path in sorted((tmp_path / "out").glob("*.png"))]
    assert len(pictures) > 10
    assert len(set(pictures)) > 5, "the lips move"


def test_the_doctor_finds_nothing_missing_without_what_comes_with_videos():
    answer = run("doctor")
    assert answer.returncode == 0, answer.stdout
    assert "PROBLEM" not in answer.stdout


def test_what_gpus_need_is_there_without_what_comes_with_videos():
    """gsplat's own imports; its wheel is built elsewhere."""
    program = f"LATER = {later('cuda.txt')!r}" + SCRIPT.partition("from dgt")[0]
    program += "import packaging.version, torch.utils.cpp_extension"
    answer = subprocess.run([sys.executable, "-I", "-c", program], capture_output=True, text=True)
    assert answer.returncode == 0, answer.stderr
