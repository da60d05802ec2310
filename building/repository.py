"""Where things lie in this repository, and how its tasks speak, fail and run commands."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Iterable
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
BUILD = ROOT / ".build"
WHEELS = ROOT / "wheels"


class BuildError(Exception):
    """A task cannot go on; the text says why and what to do."""


def say(text: str) -> None:
    print(f"build.py: {text}", file=sys.stderr, flush=True)


def check_python(version: tuple[int, int] = sys.version_info[:2]) -> None:
    if version < (3, 10):
        raise BuildError(f"This is Python {version[0]}.{version[1]}; Python 3.10 or newer is needed.")


def run(command: Iterable[object], **options: object) -> None:
    """Run a command in the repository; BuildError when it fails."""
    words = [str(word) for word in command]
    code = subprocess.run(words, **{"cwd": ROOT, **options}).returncode
    if code:
        raise BuildError(f"`{' '.join(words)}` failed with exit code {code}; its messages are above.")
